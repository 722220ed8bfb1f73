{{/* What the application has nothing of its own for. */}}
