{{/*
Names and labels. A name leaves room for what Kubernetes and this chart add to it: 63 characters in a label.
*/}}
{{- define "rtmx.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "rtmx.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $wanted := .Values.fullnameOverride -}}
{{- if not $wanted -}}
{{- $wanted = ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- end -}}
{{- if gt (len $wanted) 40 -}}
{{- printf "%s-%s" (trunc 33 $wanted | trimSuffix "-") (sha256sum $wanted | trunc 6) -}}
{{- else -}}
{{- $wanted | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* The name of a component's objects: (list root suffix). */}}
{{- define "rtmx.named" -}}
{{- $full := include "rtmx.fullname" (index . 0) -}}
{{- with index . 1 }}{{ printf "%s-%s" $full . }}{{ else }}{{ $full }}{{ end -}}
{{- end }}

{{/* What selects the pods of a component: (list root label). */}}
{{- define "rtmx.selector" -}}
app.kubernetes.io/name: {{ include "rtmx.name" (index . 0) | quote }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name | quote }}
{{- with index . 1 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* The labels of an object: (list root label). */}}
{{- define "rtmx.labels" -}}
{{- $root := index . 0 -}}
{{ include "rtmx.selector" . }}
{{- with $root.Chart.AppVersion }}
app.kubernetes.io/version: {{ . | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
{{- end }}
app.kubernetes.io/part-of: {{ include "rtmx.name" $root | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "rtmx.serviceAccount" -}}
{{- $made := ternary (include "rtmx.fullname" .) "default" .Values.serviceAccount.create -}}
{{- default $made .Values.serviceAccount.name -}}
{{- end }}

{{/* A value by its dotted path, "" where it is not there: (list root path). */}}
{{- define "rtmx.value" -}}
{{- $at := (index . 0).Values -}}
{{- range splitList "." (index . 1) -}}
{{- $at = ternary (index (ternary $at dict (kindIs "map" $at)) .) nil (kindIs "map" $at) -}}
{{- end -}}
{{- if not (kindIs "invalid" $at) }}{{ $at }}{{ end -}}
{{- end }}

{{/*
An image: (list root given default). `given` are the values, `default` what the chart was made with. A digest
goes before a tag; the digest of the chart counts only where neither is given.
*/}}
{{- define "rtmx.image" -}}
{{- $root := index . 0 -}}{{- $given := index . 1 -}}{{- $made := index . 2 -}}
{{- $prefix := "" -}}
{{- if $made.own -}}{{- $prefix = dig "repository" "" $root.Values.image -}}{{- end -}}
{{- $name := $given.repository -}}
{{- if not $name -}}{{- $name = ternary (printf "%s/%s" $prefix $made.base) $made.repository (and $made.own (ne $prefix "")) -}}{{- end -}}
{{- $tag := $given.tag -}}
{{- if and (not $tag) $made.versioned -}}{{- $tag = dig "tag" "" $root.Values.image -}}{{- end -}}
{{- $digest := $given.digest -}}
{{- if not (or $tag $digest) -}}
{{- if eq $name $made.repository -}}{{- $digest = $made.digest -}}{{- end -}}
{{- $tag = ternary $root.Chart.AppVersion $made.tag $made.versioned -}}
{{- end -}}
{{- $global := $root.Values.global | default dict -}}
{{- with $global.imageRegistry -}}
{{- $parts := splitList "/" $name -}}
{{- $first := first $parts -}}
{{- if and (gt (len $parts) 1) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) -}}
{{- $name = join "/" (rest $parts) -}}
{{- end -}}
{{- $name = printf "%s/%s" (trimSuffix "/" .) $name -}}
{{- end -}}
{{- if $digest }}{{ printf "%s@%s" $name $digest }}{{ else }}{{ printf "%s:%s" $name $tag }}{{ end -}}
{{- end }}

{{- define "rtmx.pullSecrets" -}}
{{- $global := .Values.global | default dict }}
{{- with $global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ ternary (dig "name" "" (ternary . dict (kindIs "map" .))) . (kindIs "map" .) | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Whether this is OpenShift, which chooses users and groups itself. */}}
{{- define "rtmx.choosesUsers" -}}
{{- if or (.Capabilities.APIVersions.Has "security.openshift.io/v1") .Values.openshift }}yes{{ end -}}
{{- end }}

{{/* The security context of a pod: (list root overrides). */}}
{{- define "rtmx.podSecurity" -}}
{{- $root := index . 0 -}}
{{- $context := mergeOverwrite (deepCopy (default dict $root.Values.podSecurityContext)) (deepCopy (default dict (index . 1))) -}}
{{- if include "rtmx.choosesUsers" $root -}}{{- $context = omit $context "fsGroup" "fsGroupChangePolicy" "runAsUser" "runAsGroup" "supplementalGroups" -}}{{- end -}}
{{- range $key, $value := $context }}{{ if kindIs "invalid" $value }}{{ $context = omit $context $key }}{{ end }}{{ end -}}
{{- if not (hasKey $context "fsGroup") }}{{ $context = omit $context "fsGroupChangePolicy" }}{{ end -}}
{{- toYaml $context -}}
{{- end }}

{{/* The security context of a container: (list root overrides). */}}
{{- define "rtmx.containerSecurity" -}}
{{- $root := index . 0 -}}
{{- $context := mergeOverwrite (deepCopy (default dict $root.Values.securityContext)) (deepCopy (default dict (index . 1))) -}}
{{- if include "rtmx.choosesUsers" $root -}}{{- $context = omit $context "runAsUser" "runAsGroup" -}}{{- end -}}
{{- range $key, $value := $context }}{{ if kindIs "invalid" $value }}{{ $context = omit $context $key }}{{ end }}{{ end -}}
{{- toYaml $context -}}
{{- end }}
