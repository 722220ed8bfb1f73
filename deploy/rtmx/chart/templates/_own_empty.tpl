{{/* What the application has nothing of its own for. */}}
{{- define "rtmx.own.alerts" }}{{ end }}
{{- define "rtmx.own.dashboard" }}{{ end }}
