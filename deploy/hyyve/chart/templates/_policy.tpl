{{/*
Who may talk to whom. Every pod of the release has both directions closed (networkpolicy.yaml); here each component
gets what its description says, and nothing more.
*/}}
{{- define "hyyve.policy" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}{{- $v := index $root.Values $c.key -}}
{{- $net := $root.Values.networkPolicy -}}
{{- $scraped := and (default dict $root.Values.monitoring).enabled (hasKey $c.ports $c.metricsPort) -}}
{{- if $net.enabled -}}
{{ include "hyyve.head" (list $root $c "networking.k8s.io/v1" "NetworkPolicy" (include "hyyve.named" (list $root $c.suffix))) }}
spec:
  podSelector:
    matchLabels:
      {{- include "hyyve.selector" (list $root $c.label) | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- range $c.clients }}
    - from:
        - podSelector:
            matchLabels:
              {{- include "hyyve.selector" (list $root .label) | nindent 14 }}
      ports:
        {{- range .ports }}
        - {port: {{ int . }}, protocol: TCP}
        {{- end }}
    {{- end }}
    {{- if $c.exposed }}
    - ports:
        {{- range $c.exposed }}
        - {port: {{ int . }}, protocol: TCP}
        {{- end }}
      {{- with $net.ingress.from }}
      from:
        {{- include "hyyve.peers" . | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- if $scraped }}
    - ports:
        - {port: {{ int (index $c.ports $c.metricsPort) }}, protocol: TCP}
      {{- with $net.metrics.from }}
      from:
        {{- include "hyyve.peers" . | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- with $v.networkPolicy.ingress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if and $c.queueOf (include "hyyve.queued" $root) $net.keda.from }}
    - from:
        {{- include "hyyve.peers" $net.keda.from | nindent 8 }}
      ports:
        {{- range $port, $number := $c.ports }}
        - {port: {{ int $number }}, protocol: TCP}
        {{- end }}
    {{- end }}
  egress:
    - to:
        {{- include "hyyve.peers" $net.dns.to | nindent 8 }}
      ports:
        {{- range $net.dns.ports }}
        - {port: {{ int . }}, protocol: UDP}
        - {port: {{ int . }}, protocol: TCP}
        {{- end }}
    {{- range $c.reaches }}
    {{- if (index $root.Values .key).enabled }}
    - to:
        - podSelector:
            matchLabels:
              {{- include "hyyve.selector" (list $root .label) | nindent 14 }}
      ports:
        {{- range .ports }}
        - {port: {{ int . }}, protocol: TCP}
        {{- end }}
    {{- end }}
    {{- end }}
    {{- range $c.services }}
    {{- if .wanted }}
    - ports:
        {{- range .ports }}
        - {port: {{ int . }}, protocol: TCP}
        {{- end }}
      {{- with (index $net .value).to }}
      to:
        {{- include "hyyve.peers" . | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- end }}
    {{- if and $c.outside $net.outside.to }}
    - ports:
        {{- range $c.outside }}
        - {port: {{ int . }}, protocol: TCP}
        {{- end }}
      to:
        {{- include "hyyve.peers" $net.outside.to | nindent 8 }}
    {{- end }}
    {{- with $v.networkPolicy.egress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
{{- end }}

{{/* Peers of a NetworkPolicy; a text is a CIDR. */}}
{{- define "hyyve.peers" -}}
{{- range . }}
- {{ ternary (dict "ipBlock" (dict "cidr" .)) . (kindIs "string" .) | toJson }}
{{- end }}
{{- end }}

{{/* Whether a queue decides how many run of anything. */}}
{{- define "hyyve.queued" -}}
{{- $root := . -}}
{{- range $key, $_ := include "hyyve.facts.keys" . | fromYaml }}{{ if dig "keda" "enabled" false (index $root.Values $key) }}yes{{ end }}{{ end -}}
{{- end }}

{{/* Pods that do one thing and end: a proxy of the mesh in them would neither let them out in time nor end. */}}
{{- define "hyyve.noMesh" -}}
{{- if .Values.istio.enabled }}sidecar.istio.io/inject: "false"{{ end -}}
{{- end }}
