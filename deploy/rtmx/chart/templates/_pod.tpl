{{/*
The pod of a component: (list root component). What differs between components is in the description; what differs
between kinds of workloads is outside.
*/}}
{{- define "rtmx.pod" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}{{- $v := index $root.Values $c.key -}}
{{- $naps := and $c.naps (gt (int $v.preStopSleepSeconds) 0) (semverCompare ">=1.30-0" $root.Capabilities.KubeVersion.Version) -}}
metadata:
  labels:
    {{- include "rtmx.selector" (list $root $c.label) | nindent 4 }}
    app.kubernetes.io/part-of: {{ include "rtmx.name" $root | quote }}
    {{- with $v.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ printf "%s%s" (toJson $c.env) (include "rtmx.fileTexts" .) | sha256sum }}
    checksum/secrets: {{ include "rtmx.givenTo" . | sha256sum }}
    kubectl.kubernetes.io/default-container: {{ $c.container }}
    {{- with $v.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "rtmx.serviceAccount" $root | quote }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with include "rtmx.pullSecrets" $root | trim }}{{ . | nindent 2 }}{{ end }}
  securityContext:
    {{- include "rtmx.podSecurity" (list $root $v.podSecurityContext) | nindent 4 }}
  terminationGracePeriodSeconds: {{ add (int $v.terminationGracePeriodSeconds) (ternary (int $v.preStopSleepSeconds) 0 $naps) }}
  {{- with $v.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- with $c.init }}
  initContainers:
    {{- range . }}
    - name: {{ .name }}
      {{- include "rtmx.container" (list $root $c .command nil) | nindent 6 }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ $c.container }}
      {{- include "rtmx.container" (list $root $c $c.entrypoint $c.command) | nindent 6 }}
      {{- with $c.ports }}
      ports:
        {{- range $name, $port := . }}
        - {name: {{ $name }}, containerPort: {{ int $port }}, protocol: TCP}
        {{- end }}
      {{- end }}
      {{- range $word, $probe := $c.probes }}
      {{- with index $v $word }}
      {{ $word }}:
        {{- /* Whoever says how it is asked says all of it. */}}
        {{- $is := or (hasKey . "exec") (hasKey . "httpGet") (hasKey . "tcpSocket") (hasKey . "grpc") }}
        {{- toYaml (merge (deepCopy .) (ternary dict $probe $is)) | nindent 8 }}
      {{- end }}
      {{- end }}
      {{- if $naps }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ int $v.preStopSleepSeconds }}
      {{- end }}
  {{- with include "rtmx.volumes" (list $root $c) | trim }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with $v.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  affinity:
    {{- if $v.affinity }}
    {{- toYaml $v.affinity | nindent 4 }}
    {{- else }}
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                {{- include "rtmx.selector" (list $root $c.label) | nindent 16 }}
    {{- end }}
  {{- with $root.Values.topologySpreadConstraints }}
  {{- if .enabled }}
  topologySpreadConstraints:
    - maxSkew: {{ int .maxSkew }}
      topologyKey: {{ .topologyKey }}
      whenUnsatisfiable: {{ .whenUnsatisfiable }}
      labelSelector:
        matchLabels:
          {{- include "rtmx.selector" (list $root $c.label) | nindent 10 }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* What the containers of a component share: (list root component command arguments). */}}
{{- define "rtmx.container" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}{{- $v := index $root.Values $c.key -}}
image: {{ include "rtmx.image" (list $root $v.image $c.image) | quote }}
imagePullPolicy: {{ default $root.Values.image.pullPolicy $v.image.pullPolicy }}
{{- with index . 2 }}
command:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with index . 3 }}
args:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $c.env }}
envFrom:
  - configMapRef: {name: {{ include "rtmx.named" (list $root $c.suffix) }}}
{{- end }}
{{- if or $c.variables $v.extraEnv }}
env:
  {{- range $c.variables }}
  - name: {{ .name }}
    valueFrom:
      secretKeyRef: {name: {{ include "rtmx.secretName" (list $root .) | quote }}, key: {{ .key }}}
  {{- end }}
  {{- with $v.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
resources:
  {{- toYaml (default dict $v.resources) | nindent 2 }}
securityContext:
  {{- include "rtmx.containerSecurity" (list $root (merge (deepCopy (default dict $v.securityContext)) $c.security)) | nindent 2 }}
{{- with include "rtmx.mounts" (list $root $c) | trim }}
volumeMounts:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{/* (list root component) */}}
{{- define "rtmx.mounts" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}{{- $v := index $root.Values $c.key -}}
{{- range $c.claims }}
- {name: {{ .name }}, mountPath: {{ .path | quote }}{{ if .readOnly }}, readOnly: true{{ end }}}
{{- end }}
{{- if $c.secretFiles }}
- {name: secrets, mountPath: {{ $c.secretsPath }}, readOnly: true}
{{- end }}
{{- range $at, $secret := $c.awaits }}
- {name: awaited-{{ $at }}, mountPath: /run/secrets/awaited-{{ $at }}, readOnly: true}
{{- end }}
{{- range $at, $file := $c.configFiles }}
- {name: files, mountPath: {{ $file.path | quote }}, subPath: {{ $file.name }}, readOnly: true}
{{- end }}
{{- range $at, $place := $c.scratch }}
- {name: scratch-{{ $at }}, mountPath: {{ $place.path | quote }}}
{{- end }}
{{- with $v.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* (list root component) */}}
{{- define "rtmx.volumes" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}{{- $v := index $root.Values $c.key -}}
{{- range $c.claims }}
{{- if .claim }}
- name: {{ .name }}
  persistentVolumeClaim: {claimName: {{ .claim | quote }}}
{{- else if .lost }}
- name: {{ .name }}
  emptyDir: {}
{{- end }}
{{- end }}
{{- with $c.secretFiles }}
- name: secrets
  projected:
    {{- /* Without a group of its own, the pod reads what everybody in it may read. */}}
    defaultMode: {{ ternary "0440" "0444" (or (ne (include "rtmx.choosesUsers" $root) "") (contains "fsGroup:" (include "rtmx.podSecurity" (list $root $v.podSecurityContext)))) }}
    sources:
      {{- range . }}
      - secret:
          name: {{ include "rtmx.secretName" (list $root .) | quote }}
          {{- /* What has to be there is no option: until it is, the pod waits, and its events name it. */}}
          optional: {{ default false .optional }}
          items:
            - {key: {{ .key }}, path: {{ .path }}}
      {{- end }}
{{- end }}
{{- /* Which of its keys are there is left to whoever made it; it is waited for. */}}
{{- range $at, $secret := $c.awaits }}
- name: awaited-{{ $at }}
  secret: {secretName: {{ include "rtmx.secretName" (list $root $secret) | quote }}, defaultMode: 0440}
{{- end }}
{{- if $c.configFiles }}
- name: files
  configMap: {name: {{ include "rtmx.named" (list $root $c.suffix) }}-files}
{{- end }}
{{- range $at, $place := $c.scratch }}
- name: scratch-{{ $at }}
  emptyDir: {sizeLimit: {{ $place.size }}}
{{- end }}
{{- with $v.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What the values give to a component as secrets: (list root component). */}}
{{- define "rtmx.givenTo" -}}
{{- $root := index . 0 -}}{{- $c := index . 1 -}}
{{- $given := include "rtmx.givenObjects" $root | fromJson -}}
{{- $its := dict -}}
{{- range concat $c.secretFiles $c.variables -}}
{{- if hasKey $given .object }}{{ $_ := set $its .object (get $given .object) }}{{ end -}}
{{- end -}}
{{- toJson $its -}}
{{- end }}
