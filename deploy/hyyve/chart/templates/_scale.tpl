{{/* How the number of pods follows the load, and how few may be left: HPA, KEDA, PodDisruptionBudget. */}}
{{- define "hyyve.autoscaler" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}{{- $v := index $root.Values $c.key -}}
{{- if and (dig "autoscaling" "enabled" false $v) (not (dig "keda" "enabled" false $v)) (eq $c.kind "Deployment") -}}
{{- $name := include "hyyve.named" (list $root $c.suffix) -}}
{{ include "hyyve.head" (list $root $c "autoscaling/v2" "HorizontalPodAutoscaler" $name) }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: {{ $c.kind }}, name: {{ $name }}}
  minReplicas: {{ int $v.autoscaling.minReplicas }}
  maxReplicas: {{ int $v.autoscaling.maxReplicas }}
  metrics:
    {{- with $v.autoscaling.targetCPUUtilizationPercentage }}
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ int . }}}}
    {{- end }}
    {{- with $v.autoscaling.targetMemoryUtilizationPercentage }}
    - type: Resource
      resource: {name: memory, target: {type: Utilization, averageUtilization: {{ int . }}}}
    {{- end }}
  behavior:
    {{- toYaml $v.autoscaling.behavior | nindent 4 }}
{{- end -}}
{{- end }}

{{- define "hyyve.scaledObject" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}{{- $v := index $root.Values $c.key -}}
{{- if and $c.queue (dig "keda" "enabled" false $v) -}}
{{- $name := include "hyyve.named" (list $root $c.suffix) -}}
{{ include "hyyve.head" (list $root $c "keda.sh/v1alpha1" "ScaledObject" $name) }}
spec:
  scaleTargetRef: {name: {{ $name }}}
  pollingInterval: {{ int $v.keda.pollingInterval }}
  cooldownPeriod: {{ int $v.keda.cooldownPeriod }}
  minReplicaCount: {{ int $v.keda.minReplicas }}
  maxReplicaCount: {{ int $v.keda.maxReplicas }}
  triggers:
    - type: redis
      metadata:
        address: {{ default (printf "%s.%s.svc:%d" $c.queue.host $root.Release.Namespace (int $c.queue.port)) $v.keda.address | quote }}
        listName: {{ $v.keda.listName | quote }}
        listLength: {{ $v.keda.listLength | toString | quote }}
      authenticationRef: {name: {{ $name }}}
---
{{ include "hyyve.head" (list $root $c "keda.sh/v1alpha1" "TriggerAuthentication" $name) }}
spec:
  secretTargetRef:
    - parameter: password
      name: {{ include "hyyve.secretName" (list $root $c.queue.password) | quote }}
      key: {{ $c.queue.password.key }}
{{- end -}}
{{- end }}

{{/* How many run at least, by a component's values. */}}
{{- define "hyyve.least" -}}
{{- if dig "keda" "enabled" false . }}{{ int .keda.minReplicas -}}
{{- else if dig "autoscaling" "enabled" false . }}{{ int .autoscaling.minReplicas -}}
{{- else }}{{ int .replicaCount }}{{ end -}}
{{- end }}

{{/* Only where more than one can run: a budget of one over one pod would keep a node from being drained. */}}
{{- define "hyyve.budget" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}{{- $v := index $root.Values $c.key -}}
{{- $least := include "hyyve.least" $v | int -}}
{{- $budget := default dict $v.podDisruptionBudget -}}
{{- if and $budget.enabled (gt $least 1) -}}
{{ include "hyyve.head" (list $root $c "policy/v1" "PodDisruptionBudget" (include "hyyve.named" (list $root $c.suffix))) }}
spec:
  minAvailable: {{ $budget.minAvailable }}
  selector:
    matchLabels:
      {{- include "hyyve.selector" (list $root $c.label) | nindent 6 }}
{{- end -}}
{{- end }}
