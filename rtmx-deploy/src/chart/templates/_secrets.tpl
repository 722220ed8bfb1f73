{{/*
Where secrets are. `chart.facts.secrets` says of each its object and key, the value that names an existing object,
and who uses it.
*/}}
{{/* The name of the Secret that holds a secret: (list root fact). */}}
{{- define "chart.secretName" -}}
{{- $root := index . 0 -}}{{- $fact := index . 1 -}}
{{- $existing := "" -}}
{{- with $fact.existing }}{{ $existing = include "chart.value" (list $root .) }}{{ end -}}
{{- default (include "chart.named" (list $root $fact.object)) $existing -}}
{{- end }}

{{/* Whether somebody that is on uses a secret: (list root fact). */}}
{{- define "chart.secretUsed" -}}
{{- $root := index . 0 -}}{{- $fact := index . 1 -}}
{{- range $fact.users }}{{ if (index $root.Values .).enabled }}yes{{ end }}{{ end -}}
{{- end }}

{{/*
The objects that the hook makes, as JSON. Left out: what exists, what nobody uses, what the values contain, and
what External Secrets brings.
*/}}
{{- define "chart.madeObjects" -}}
{{- $root := . -}}
{{- $facts := include "chart.facts.secrets" . | fromYaml -}}
{{- $brought := include "chart.brought" . | fromJson -}}
{{- $objects := dict -}}
{{- range $name, $fact := $facts -}}
{{- $on := include "chart.secretUsed" (list $root $fact) -}}
{{- with $fact.only }}{{ if not (index $root.Values .).enabled }}{{ $on = "" }}{{ end }}{{ end -}}
{{- with $fact.existing }}{{ if include "chart.value" (list $root .) }}{{ $on = "" }}{{ end }}{{ end -}}
{{- if or (not $fact.made) (hasKey $brought $fact.object) }}{{ $on = "" }}{{ end -}}
{{- if $on -}}
{{- $object := include "chart.secretName" (list $root $fact) -}}
{{- $keys := default dict (get $objects $object) -}}
{{- range $key, $text := $fact.beside }}{{ $_ := set $keys $key (dict "value" $text) }}{{ end -}}
{{- $made := deepCopy $fact.made -}}
{{- with $fact.made.composed -}}
{{- $text := "" -}}
{{- range . -}}
{{- if .secret -}}
{{- if hasKey $brought (get $facts .secret).object -}}
{{- fail (printf "\n\nexternalSecrets.data brings `%s`, of which `%s` is made before it can be there: bring `%s`, too, or neither.\n" .secret $name $name) -}}
{{- end -}}
{{- $text = printf "%s{%s/%s%s}" $text (include "chart.secretName" (list $root (get $facts .secret))) .key (ternary ":url" "" .url) -}}
{{- else -}}
{{- $text = printf "%s%s" $text (.text | replace "{" "\x7b\x7b" | replace "}" "\x7d\x7d") -}}
{{- end -}}
{{- end -}}
{{- $made = dict "composed" $text -}}
{{- end -}}
{{- $_ := set $keys $fact.key $made -}}
{{- $_ := set $objects $object $keys -}}
{{- end -}}
{{- end -}}
{{- toJson $objects -}}
{{- end }}

{{/* The names that the hook may read: what it makes, and what it composes from. */}}
{{- define "chart.readObjects" -}}
{{- $root := . -}}
{{- $made := include "chart.madeObjects" . -}}
{{- $names := keys ($made | fromJson) -}}
{{- range $name, $fact := include "chart.facts.secrets" . | fromYaml -}}
{{- $from := include "chart.secretName" (list $root $fact) -}}
{{- if contains (printf "{%s/" $from) $made }}{{ $names = append $names $from }}{{ end -}}
{{- end -}}
{{- toJson (uniq (sortAlpha $names)) -}}
{{- end }}

{{/* What External Secrets brings, by object: {object: [{key, remoteRef}]}, as JSON. */}}
{{- define "chart.brought" -}}
{{- $root := . -}}
{{- $objects := dict -}}
{{- if .Values.externalSecrets.enabled -}}
{{- $facts := include "chart.facts.secrets" . | fromYaml -}}
{{- range .Values.externalSecrets.data -}}
{{- $fact := get $facts .secretKey -}}
{{- if not $fact -}}
{{- fail (printf "externalSecrets.data: there is no secret `%s`; there are: %s" .secretKey (keys $facts | sortAlpha | join ", ")) -}}
{{- end -}}
{{- $entries := append (default list (get $objects $fact.object)) (dict "key" $fact.key "remoteRef" .remoteRef) -}}
{{- $_ := set $objects $fact.object $entries -}}
{{- end -}}
{{- end -}}
{{- toJson $objects -}}
{{- end }}

{{/* The values that are secrets, by object, as JSON: they go into Secrets of the release. */}}
{{- define "chart.givenObjects" -}}
{{- $root := . -}}
{{- $objects := dict -}}
{{- range $name, $fact := include "chart.facts.secrets" . | fromYaml -}}
{{- if and $fact.value (not (and $fact.existing (include "chart.value" (list $root $fact.existing)))) -}}
{{- $given := include "chart.value" (list $root $fact.value) -}}
{{- if $given -}}
{{- $keys := default dict (get $objects $fact.object) -}}
{{- $_ := set $keys $fact.key $given -}}
{{- $_ := set $objects $fact.object $keys -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $objects -}}
{{- end }}
