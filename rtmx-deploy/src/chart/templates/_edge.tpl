{{/*
How requests come in. The routes stand in the values once (`ingress.hosts`), and Ingress, HTTPRoute and
VirtualService are made of them. A route names a component; its Service and port follow.
*/}}
{{/* The description of the component that a route names: (list root route), as JSON. */}}
{{- define "chart.routed" -}}
{{- $root := index . 0 -}}{{- $route := index . 1 -}}
{{- $names := include "chart.facts.keys" $root | fromYaml -}}
{{- $name := get $names $route.component -}}
{{- if not $name -}}
{{- fail (printf "ingress.hosts: there is no component `%s`; there are: %s" $route.component (keys $names | sortAlpha | join ", ")) -}}
{{- end -}}
{{- include "chart.component" (list $root $name) -}}
{{- end }}

{{/* The port of a component's Service: (list root component). */}}
{{- define "chart.servicePort" -}}
{{- int (index (index . 0).Values (index . 1).key).service.port -}}
{{- end }}

{{- define "chart.hosts" -}}
{{- $hosts := list -}}
{{- range .Values.ingress.hosts }}{{ $hosts = append $hosts .host }}{{ end -}}
{{- toJson (uniq $hosts) -}}
{{- end }}

{{/* DestinationRule of a component: (list root component). */}}
{{- define "chart.mesh" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}{{- $v := index $root.Values $c.key -}}
{{- if and $root.Values.istio.enabled $c.mesh -}}
{{- $name := include "chart.named" (list $root $c.suffix) -}}
{{- $m := $v.istio -}}
{{ include "chart.head" (list $root $c "networking.istio.io/v1" "DestinationRule" $name) }}
spec:
  host: {{ $name }}
  trafficPolicy:
    loadBalancer: {simple: {{ $m.loadBalancer }}}
    connectionPool:
      tcp: {maxConnections: {{ int $m.maxConnections }}}
      http: {http1MaxPendingRequests: {{ int $m.maxPendingRequests }}, http2MaxRequests: {{ int $m.maxRequests }}}
    outlierDetection:
      consecutive5xxErrors: {{ int $m.outlierErrors }}
      interval: {{ $m.outlierInterval }}
      baseEjectionTime: {{ $m.ejectionTime }}
      maxEjectionPercent: {{ int $m.maxEjectionPercent }}
{{- end -}}
{{- end }}
