{{/* ServiceMonitor of a component that has a port for metrics: (list root component). */}}
{{- define "rtmx.monitor" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}
{{- with $root.Values.monitoring -}}
{{- if and .enabled .serviceMonitor.enabled (hasKey $c.ports $c.metricsPort) -}}
{{ include "rtmx.head" (list $root $c "monitoring.coreos.com/v1" "ServiceMonitor" (include "rtmx.named" (list $root $c.suffix))) }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      {{- include "rtmx.selector" (list $root $c.label) | nindent 6 }}
  endpoints:
    - {port: {{ $c.metricsPort }}, path: /metrics, interval: {{ .serviceMonitor.interval }}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The Service that has a component's metrics: one of its own where the other is reached from outside the cluster:
(list root component). */}}
{{- define "rtmx.metricsService" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}
{{- $name := include "rtmx.named" (list $root $c.suffix) -}}
{{- $isOpen := ne (dig "service" "type" "ClusterIP" (index $root.Values $c.key)) "ClusterIP" -}}
{{- if and $isOpen (hasKey $c.ports $c.metricsPort) }}{{ printf "%s-metrics" $name }}{{ else }}{{ $name }}{{ end -}}
{{- end }}
