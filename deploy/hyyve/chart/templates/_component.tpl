{{/*
A component's description: what the chart was made with, claims as the values want them, and what the application's
own template changes. (list root name) gives JSON.
*/}}
{{- define "hyyve.component" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
{{- $c := include (printf "hyyve.facts.component.%s" $name) $root | fromYaml -}}
{{- if hasKey $c "Error" }}{{ fail (printf "the description of %s: %s" $name $c.Error) }}{{ end -}}
{{- $own := include "hyyve.own.component" (list $root $name $c) | fromYaml -}}
{{- if hasKey $own "Error" }}{{ fail (printf "the changes of %s: %s" $name $own.Error) }}{{ end -}}
{{- $c = mergeOverwrite $c $own -}}
{{- $v := index $root.Values $c.key -}}
{{- range $c.optional -}}
{{- if eq (get $c.env . | toString) "" }}{{ $_ := unset $c.env . }}{{ end -}}
{{- end -}}
{{- range $c.claims -}}
{{- if .shared -}}
{{- $_ := set . "claim" (include "hyyve.named" (list $root .shared)) -}}
{{- else if .persistence -}}
{{- $p := $v -}}
{{- range splitList "." .persistence }}{{ $p = index $p . }}{{ end -}}
{{- $_ := set . "storage" $p -}}
{{- $_ := set . "claim" $p.existingClaim -}}
{{- $_ := set . "lost" (not $p.enabled) -}}
{{- end -}}
{{- end -}}
{{- toJson $c -}}
{{- end }}

{{/* Everything of one component: (list root name). */}}
{{- define "hyyve.everything" -}}
{{- $root := index . 0 -}}
{{- $c := include "hyyve.component" . | fromJson -}}
{{- $v := index $root.Values $c.key -}}
{{- if $v.enabled -}}
{{- $args := list $root $c -}}
{{- range $kind := list "config" "files" "workload" "service" "autoscaler" "scaledObject" "budget" "policy" "monitor" "mesh" -}}
{{- $text := include (printf "hyyve.%s" $kind) $args | trim -}}
{{- if $text }}
---
{{ $text }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The start of an object: (list root component apiVersion kind name). */}}
{{- define "hyyve.head" -}}
{{- $root := index . 0 -}}
apiVersion: {{ index . 2 }}
kind: {{ index . 3 }}
metadata:
  name: {{ index . 4 }}
  namespace: {{ $root.Release.Namespace | quote }}
  labels:
    {{- include "hyyve.labels" (list $root (index . 1).label) | nindent 4 }}
{{- end }}

{{- define "hyyve.config" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}
{{- if $c.env -}}
{{ include "hyyve.head" (list $root $c "v1" "ConfigMap" (include "hyyve.named" (list $root $c.suffix))) }}
data:
  {{- range $key, $value := $c.env }}
  {{ $key }}: {{ $value | toString | toJson }}
  {{- end }}
{{- end -}}
{{- end }}

{{- define "hyyve.files" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}
{{- if $c.configFiles -}}
{{ include "hyyve.head" (list $root $c "v1" "ConfigMap" (printf "%s-files" (include "hyyve.named" (list $root $c.suffix)))) }}
data:
  {{- range $name, $text := include "hyyve.fileTexts" . | fromJson }}
  {{ $name }}: |-
    {{- $text | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end }}

{{/* The files of a component by their names, as JSON: (list root component). */}}
{{- define "hyyve.fileTexts" -}}
{{- $root := index . 0 -}}
{{- $texts := dict -}}
{{- range (index . 1).configFiles -}}
{{- $text := $root.Files.Get .source -}}
{{- if .template }}{{ $text = tpl $text $root }}{{ end -}}
{{- $_ := set $texts .name (trimSuffix "\n" $text) -}}
{{- end -}}
{{- toJson $texts -}}
{{- end }}

{{- define "hyyve.workload" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}{{- $v := index $root.Values $c.key -}}
{{- $name := include "hyyve.named" (list $root $c.suffix) -}}
{{- $scaled := or (dig "autoscaling" "enabled" false $v) (dig "keda" "enabled" false $v) -}}
{{ include "hyyve.head" (list $root $c "apps/v1" $c.kind $name) }}
spec:
  {{- if or (not $scaled) (eq $c.kind "StatefulSet") }}
  replicas: {{ int $v.replicaCount }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "hyyve.selector" (list $root $c.label) | nindent 6 }}
  {{- if eq $c.kind "StatefulSet" }}
  serviceName: {{ $name }}{{ if not $c.headless }}-headless{{ end }}
  {{- /* With OrderedReady a pod that never became ready would keep a corrected one from starting. */}}
  podManagementPolicy: Parallel
  updateStrategy: {type: RollingUpdate}
  {{- else if $c.single }}
  strategy: {type: Recreate}
  {{- else }}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  {{- end }}
  template:
    {{- include "hyyve.pod" . | nindent 4 }}
  {{- if eq $c.kind "StatefulSet" }}
  {{- $templates := list }}
  {{- range $c.claims }}
  {{- if and .storage (not .claim) (not .lost) }}{{ $templates = append $templates . }}{{ end }}
  {{- end }}
  {{- include "hyyve.sameClass" (list $root $c $name $templates) }}
  {{- with $templates }}
  volumeClaimTemplates:
    {{- range . }}
    - metadata:
        name: {{ .name }}
        labels:
          {{- include "hyyve.selector" (list $root $c.label) | nindent 10 }}
        {{- with .storage.annotations }}
        annotations:
          {{- toYaml . | nindent 10 }}
        {{- end }}
      spec:
        {{- include "hyyve.claim" (list $root .storage) | nindent 8 }}
    {{- end }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* Refuses another class for claims that are there, which Kubernetes refuses without a word about them:
(list root component name templates). */}}
{{- define "hyyve.sameClass" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}{{- $name := index . 2 -}}
{{- $wanted := dict -}}
{{- range index . 3 }}{{ $_ := set $wanted .name . }}{{ end -}}
{{- $found := default dict (lookup "apps/v1" "StatefulSet" $root.Release.Namespace $name) -}}
{{- range dig "spec" "volumeClaimTemplates" list $found -}}
{{- $was := default "" .spec.storageClassName -}}
{{- with get $wanted .metadata.name -}}
{{- $global := default dict $root.Values.global -}}
{{- $is := default "" (default $global.storageClass .storage.storageClass) -}}
{{- if ne $is $was -}}
{{- $claim := printf "%s-%s-0" .name $name -}}
{{- fail (printf "\n\nThe claim %s was made with the storage class %q, and a claim keeps its class: %s.%s.storageClass cannot become %q.\nIf nothing is in it yet, or a backup is at hand, take it away and try again:\n\n  kubectl --namespace %s delete statefulset/%s pvc/%s\n" $claim $was $c.key .persistence $is $root.Release.Namespace $name $claim) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* What a claim asks for: (list root storage). */}}
{{- define "hyyve.claim" -}}
{{- $root := index . 0 -}}{{- $storage := index . 1 -}}
accessModes: [{{ $storage.accessMode }}]
{{- $global := $root.Values.global | default dict }}
{{- with default $global.storageClass $storage.storageClass }}
storageClassName: {{ . | quote }}
{{- end }}
resources:
  requests:
    storage: {{ $storage.size }}
{{- end }}

{{- define "hyyve.service" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}{{- $v := index $root.Values $c.key -}}
{{- $name := include "hyyve.named" (list $root $c.suffix) -}}
{{- if $c.ports -}}
{{ include "hyyve.head" (list $root $c "v1" "Service" $name) }}
  {{- with $v.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if $c.headless }}
  clusterIP: None
  {{- else }}
  type: {{ $v.service.type }}
  {{- end }}
  selector:
    {{- include "hyyve.selector" (list $root $c.label) | nindent 4 }}
  ports:
    {{- $apart := ne (include "hyyve.metricsService" .) $name }}
    {{- range $port, $number := $c.ports }}
    {{- if and $apart (eq $port $c.metricsPort) }}{{ continue }}{{ end }}
    - {name: {{ $port }}, port: {{ int (ternary (dig "port" 0 $v.service) $number (and (eq $port $c.port) (not $c.headless))) }}, targetPort: {{ $port }}, protocol: TCP}
    {{- end }}
{{- if $apart }}
---
{{ include "hyyve.head" (list $root $c "v1" "Service" (include "hyyve.metricsService" .)) }}
spec:
  type: ClusterIP
  selector:
    {{- include "hyyve.selector" (list $root $c.label) | nindent 4 }}
  ports:
    - {name: {{ $c.metricsPort }}, port: {{ int (index $c.ports $c.metricsPort) }}, targetPort: {{ $c.metricsPort }}, protocol: TCP}
{{- end }}
{{- if and (eq $c.kind "StatefulSet") (not $c.headless) }}
---
{{ include "hyyve.head" (list $root $c "v1" "Service" (printf "%s-headless" $name)) }}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- include "hyyve.selector" (list $root $c.label) | nindent 4 }}
  ports:
    - {name: {{ $c.port }}, port: {{ int (index $c.ports $c.port) }}, targetPort: {{ $c.port }}, protocol: TCP}
{{- end }}
{{- end -}}
{{- end }}
