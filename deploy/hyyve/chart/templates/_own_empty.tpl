{{/* What the application has nothing of its own for. */}}
{{- define "hyyve.own.component" }}{{ end }}
{{- define "hyyve.own.validate" }}{{ end }}
{{- define "hyyve.own.rows" }}{{ end }}
{{- define "hyyve.own.next" }}{{ end }}
{{- define "hyyve.own.alerts" }}{{ end }}
{{- define "hyyve.own.dashboard" }}{{ end }}
