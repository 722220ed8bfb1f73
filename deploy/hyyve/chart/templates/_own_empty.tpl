{{/* What the application has nothing of its own for. */}}
{{- define "hyyve.own.alerts" }}{{ end }}
{{- define "hyyve.own.dashboard" }}{{ end }}
