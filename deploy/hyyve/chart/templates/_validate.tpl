{{/*
What a schema cannot say, and what it would say badly. Run by validate.yaml before anything else is of use.
*/}}
{{/* Values that are texts with a literal `${`: (list path value). */}}
{{- define "hyyve.literals" -}}
{{- $path := index . 0 -}}{{- $value := index . 1 -}}
{{- if kindIs "string" $value -}}
{{- if contains "${" $value }}{{ $path }} {{ end -}}
{{- else if kindIs "map" $value -}}
{{- range $key, $inner := $value }}{{ include "hyyve.literals" (list (ternary $key (printf "%s.%s" $path $key) (eq $path "")) $inner) }}{{ end -}}
{{- else if kindIs "slice" $value -}}
{{- range $at, $inner := $value }}{{ include "hyyve.literals" (list (printf "%s[%d]" $path $at) $inner) }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "hyyve.validate" -}}
{{- $root := . -}}
{{- with include "hyyve.literals" (list "" .Values) | trim -}}
{{- fail (printf "\n\nThese values hold a literal `${...}`, which nothing replaces: %s\nReplace the variables first: envsubst < values.yaml | helm upgrade --install %s CHART --values -\n" (splitList " " . | join ", ") $root.Release.Name) -}}
{{- end -}}
{{- range $old, $new := include "hyyve.facts.moved" . | fromYaml -}}
{{- $given := include "hyyve.value" (list $root $old) -}}
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
{{- $loose := list -}}
{{- range $name := values (include "hyyve.facts.keys" . | fromYaml) | sortAlpha -}}
{{- $c := include "hyyve.component" (list $root $name) | fromJson -}}
{{- $v := index $root.Values $c.key -}}
{{- if $v.enabled -}}
{{- if not (or $root.Values.image.unpinned (contains "@" (include "hyyve.image" (list $root $v.image $c.image)))) -}}
{{- $loose = append $loose (printf "%s.image.digest" $c.key) -}}
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
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $loose -}}
{{- fail (printf "\n\nimage.unpinned is false, and these images have no digest: set %s\n(`sha256:...`, as `docker buildx imagetools inspect NAME:TAG` shows it), or image.unpinned to true.\n" (join ", " .)) -}}
{{- end -}}
{{- include "hyyve.own.validate" . -}}
{{- end }}
