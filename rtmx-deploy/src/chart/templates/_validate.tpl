{{/*
What a schema cannot say, and what it would say badly. Run by validate.yaml before anything else is of use.
*/}}
{{/* Values that are texts with a literal `${`: (list path value). */}}
{{- define "chart.literals" -}}
{{- $path := index . 0 -}}{{- $value := index . 1 -}}
{{- if kindIs "string" $value -}}
{{- if contains "${" $value }}{{ $path }} {{ end -}}
{{- else if kindIs "map" $value -}}
{{- range $key, $inner := $value }}{{ include "chart.literals" (list (ternary $key (printf "%s.%s" $path $key) (eq $path "")) $inner) }}{{ end -}}
{{- else if kindIs "slice" $value -}}
{{- range $at, $inner := $value }}{{ include "chart.literals" (list (printf "%s[%d]" $path $at) $inner) }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "chart.validate" -}}
{{- $root := . -}}
{{- with include "chart.literals" (list "" .Values) | trim -}}
{{- fail (printf "\n\nThese values hold a literal `${...}`, which nothing replaces: %s\nReplace the variables first: envsubst < values.yaml | helm upgrade --install %s CHART --values -\n" (splitList " " . | join ", ") $root.Release.Name) -}}
{{- end -}}
{{- range $old, $new := include "chart.facts.moved" . | fromYaml -}}
{{- $given := include "chart.value" (list $root $old) -}}
{{- if $given -}}
{{- if $new -}}
{{- $snippet := "" -}}
{{- $parts := splitList "." $new -}}
{{- range $at, $part := $parts -}}
{{- $snippet = printf "%s\n%s%s:" $snippet (repeat (int (add 2 (mul 2 $at))) " ") $part -}}
{{- end -}}
{{- fail (printf "\n\nThe value `%s` is called `%s`. Write:\n%s %s\n" $old $new $snippet $given) -}}
{{- else -}}
{{- fail (printf "\n\nThe value `%s` is gone; take it out.\n" $old) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]" (include "chart.fullname" $root)) -}}
{{- fail (printf "\n\nNames of objects would begin with `%s`, and that of a Service begins with a letter: set fullnameOverride.\n" (include "chart.fullname" $root)) -}}
{{- end -}}
{{- if or .Values.ingress.enabled .Values.gateway.enabled .Values.istio.enabled .Values.certManager.enabled -}}
{{- if not .Values.ingress.hosts -}}
{{- fail "\n\ningress.hosts is empty: say which hosts and paths there are.\n" -}}
{{- end -}}
{{- range .Values.ingress.hosts -}}
{{- if and (not .host) (or $root.Values.gateway.enabled $root.Values.istio.enabled $root.Values.certManager.enabled) -}}
{{- fail "\n\ningress.hosts has an entry without a host, which is for an Ingress alone: name the host for gateway, istio and certManager.\n" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $loose := list -}}
{{- range $name := values (include "chart.facts.keys" . | fromYaml) | sortAlpha -}}
{{- $c := include "chart.component" (list $root $name) | fromJson -}}
{{- $v := index $root.Values $c.key -}}
{{- if $v.enabled -}}
{{- if not (or $root.Values.image.unpinned (contains "@" (include "chart.image" (list $root $v.image $c.image)))) -}}
{{- $loose = append $loose (printf "%s.image.digest" $c.key) -}}
{{- end -}}
{{- range $port, $number := $c.ports -}}
{{- if and (ne $port $c.port) (not $c.headless) (eq (int $number) (int $v.service.port)) -}}
{{- fail (printf "\n\n%s.service.port is %d, which is that of `%s`: take another.\n" $c.key (int $number) $port) -}}
{{- end -}}
{{- end -}}
{{- if and $c.most (gt (int $v.replicaCount) (int $c.most)) -}}
{{- fail (printf "\n\n%s.replicaCount is %d: at most %d of it can run%s\n" $c.key (int $v.replicaCount) (int $c.most) (ternary (printf ", %s." $c.mostWhy) "." (ne (default "" $c.mostWhy) ""))) -}}
{{- end -}}
{{- if and $c.most (dig "autoscaling" "enabled" false $v) -}}
{{- fail (printf "\n\n%s.autoscaling.enabled: at most %d of it can run%s\n" $c.key (int $c.most) (ternary (printf ", %s." $c.mostWhy) "." (ne (default "" $c.mostWhy) ""))) -}}
{{- end -}}
{{- with $v.autoscaling -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- fail (printf "\n\n%s.autoscaling: minReplicas (%d) is more than maxReplicas (%d).\n" $c.key (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- if and .enabled (not .targetCPUUtilizationPercentage) (not .targetMemoryUtilizationPercentage) -}}
{{- fail (printf "\n\n%s.autoscaling.enabled: say what is followed, targetCPUUtilizationPercentage or targetMemoryUtilizationPercentage.\n" $c.key) -}}
{{- end -}}
{{- $asked := default dict (default dict $v.resources).requests -}}
{{- range $word, $path := dict "cpu" "targetCPUUtilizationPercentage" "memory" "targetMemoryUtilizationPercentage" -}}
{{- if and $v.autoscaling.enabled (get $v.autoscaling $path) (not (get $asked $word)) -}}
{{- fail (printf "\n\n%s.autoscaling.%s is a share of %s.resources.requests.%s, which is not set.\n" $c.key $path $c.key $word) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $v.keda -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- fail (printf "\n\n%s.keda: minReplicas (%d) is more than maxReplicas (%d).\n" $c.key (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- with $v.podDisruptionBudget -}}
{{- $least := include "chart.least" $v | int -}}
{{- if and .enabled (gt $least 1) (not (kindIs "string" .minAvailable)) (ge (int .minAvailable) $least) -}}
{{- fail (printf "\n\n%s.podDisruptionBudget.minAvailable is %d, and %d may be all that run: no node could be drained.\n" $c.key (int .minAvailable) $least) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (hasKey .Values.secrets "image") .Values.secrets.create (not .Values.image.unpinned) (include "chart.madeObjects" . | fromJson) -}}
{{- $maker := include "chart.facts.maker" . | fromYaml -}}
{{- $image := include "chart.image" (list . .Values.secrets.image $maker.image) -}}
{{- if not (contains "@" $image) }}{{ $loose = append $loose "secrets.image.digest" }}{{ end -}}
{{- end -}}
{{- with $loose -}}
{{- fail (printf "\n\nimage.unpinned is false, and these images have no digest: set %s\n(`sha256:...`, as `docker buildx imagetools inspect NAME:TAG` shows it), or image.unpinned to true.\n" (join ", " .)) -}}
{{- end -}}
{{- include "chart.own.validate" . -}}
{{- end }}
