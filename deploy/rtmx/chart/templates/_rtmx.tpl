{{/*
What only RTMX has: which database it uses, and its license.
*/}}
{{/* `postgresql` or `sqlite`. */}}
{{- define "rtmx.engine" -}}
{{- $d := .Values.rtmx.database -}}
{{- default (ternary "postgresql" "sqlite" (or $d.external .Values.postgresql.enabled)) $d.engine -}}
{{- end }}

{{/* The Secret with the credentials of the database. */}}
{{- define "rtmx.databaseSecret" -}}
{{- default (include "rtmx.named" (list . "database")) .Values.rtmx.database.existingSecret -}}
{{- end }}

{{- define "rtmx.own.component" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $c := index . 2 -}}
{{- if eq $name "rtmx-server" -}}
{{- $v := $root.Values.rtmx -}}
{{- $engine := include "rtmx.engine" $root -}}
{{- $external := and (eq $engine "postgresql") (not $root.Values.postgresql.enabled) -}}
{{- /* A server that finds no address would make itself an empty SQLite, and be ready. */ -}}
{{- $env := dict "RTMX_LICENSE__MODE" (ternary "offline" "online" $v.license.offlineMode) "RTMX_DATABASE__ENGINE" $engine -}}
{{- /* A Secret with `url` says all of it by itself. */ -}}
{{- if and $external $v.database.host -}}
{{- $_ := set $env "RTMX_DATABASE__HOST" $v.database.host -}}
{{- $_ := set $env "RTMX_DATABASE__PORT" ($v.database.port | int | toString) -}}
{{- $_ := set $env "RTMX_DATABASE__NAME" $v.database.name -}}
{{- with $v.database.user }}{{ $_ := set $env "RTMX_DATABASE__USER" . }}{{ end -}}
{{- end -}}
{{- if $external }}{{ with $v.database.sslMode }}{{ $_ := set $env "RTMX_DATABASE__SSLMODE" . }}{{ end }}{{ end -}}
{{- /* Older ones cannot wait before they ask a container to stop, so the server waits. */ -}}
{{- if and (eq $engine "postgresql") (gt (int $v.preStopSleepSeconds) 0) (not (semverCompare ">=1.30-0" $root.Capabilities.KubeVersion.Version)) -}}
{{- $_ := set $env "RTMX_SERVER__DRAIN_DELAY" (printf "%ds" (int $v.preStopSleepSeconds)) -}}
{{- end }}
env:
  {{- toYaml $env | nindent 2 }}
{{- $files := list }}
{{- $fact := dict "object" "database" "existing" "rtmx.database.existingSecret" }}
{{- if $external }}
{{- /* Which of the keys there are is left to whoever made it, and `rtmx.extraEnv` may say the same. */}}
{{- $files = append $files (merge (dict "key" "url" "path" "database.url" "optional" true) $fact) }}
{{- $files = append $files (merge (dict "key" "password" "path" "database.password" "optional" true) $fact) }}
{{- if not $v.database.user }}{{ $files = append $files (merge (dict "key" "username" "path" "database.user" "optional" true) $fact) }}{{ end }}
{{- end }}
{{- range $c.secretFiles }}{{ if or (ne .object "database") $root.Values.postgresql.enabled }}{{ $files = append $files . }}{{ end }}{{ end }}
secretFiles:
  {{- toYaml $files | nindent 2 }}
{{- if $external }}
awaits:
  - {{ toYaml $fact | nindent 4 | trim }}
{{- end }}
{{- if eq $engine "postgresql" }}
kind: Deployment
naps: true
{{- /* No claim is mounted, `rtmx.persistence` is the volume of backups; what the server keeps beside its database
is gone with the pod. */}}
claims: []
scratch:
  {{- toYaml (append $c.scratch (dict "path" "/data" "size" "64Mi")) | nindent 2 }}
most: null
{{- else }}
kind: StatefulSet
most: 1
mostWhy: because SQLite belongs to one process; set `rtmx.database.external` or `postgresql.enabled` for more
{{- end }}
services:
  - {value: database, wanted: {{ $external }}, ports: [{{ int $v.database.port }}]}
{{- if not $v.license.offlineMode }}
{{- $port := regexFind ":[0-9]+$" (urlParse $v.license.serverUrl).host | trimPrefix ":" }}
outside: [{{ default (ternary "80" "443" (hasPrefix "http://" $v.license.serverUrl)) $port }}]
{{- end }}
{{- end -}}
{{- if and (eq $name "postgres") $root.Values.backup.enabled }}
clients:
  {{- toYaml (append $c.clients (dict "label" "backup" "ports" (list 5432))) | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where backups are kept: `claim` and `path`; `made` where the claim is the chart's. */}}
{{- define "rtmx.backup" -}}
{{- $sqlite := eq (include "rtmx.engine" .) "sqlite" -}}
{{- $data := default (printf "data-%s-0" (include "rtmx.fullname" .)) .Values.rtmx.persistence.existingClaim -}}
{{- if .Values.backup.existingClaim }}
claim: {{ .Values.backup.existingClaim }}
path: /backups
{{- else if $sqlite }}
claim: ""
path: /data
{{- else }}
claim: {{ default (printf "%s-backups" (include "rtmx.fullname" .)) .Values.rtmx.persistence.existingClaim }}
path: /backups
made: {{ not .Values.rtmx.persistence.existingClaim }}
{{- end }}
sqlite: {{ $sqlite }}
data: {{ $data }}
wanted: {{ ternary "yes" "" (and .Values.backup.enabled (or .Values.rtmx.persistence.enabled (ne .Values.backup.existingClaim "")) (or (not $sqlite) .Values.rtmx.persistence.enabled)) | quote }}
{{- end }}

{{- define "rtmx.own.validate" -}}
{{- $d := .Values.rtmx.database -}}
{{- if and $d.external .Values.postgresql.enabled -}}
{{- fail "\n\nrtmx.database.external and postgresql.enabled contradict each other: the first says that the database is yours, the second brings one.\n" -}}
{{- end -}}
{{- if and (eq $d.engine "sqlite") (or $d.external .Values.postgresql.enabled) -}}
{{- fail "\n\nrtmx.database.engine is sqlite, and rtmx.database.external or postgresql.enabled wants a PostgreSQL: take one of them out.\n" -}}
{{- end -}}
{{- if and (eq $d.engine "postgresql") (not (or $d.external .Values.postgresql.enabled)) -}}
{{- fail "\n\nrtmx.database.engine is postgresql: say which, with rtmx.database.external and rtmx.database.host, or postgresql.enabled.\n" -}}
{{- end -}}
{{- if not $d.external -}}
{{- range $word := list "host" "user" "sslMode" -}}
{{- if get $d $word -}}
{{- fail (printf "\n\nrtmx.database.%s is set, and no PostgreSQL of yours is used: set rtmx.database.external to true, or take it out.\n" $word) -}}
{{- end -}}
{{- end -}}
{{- if and $d.existingSecret (not .Values.postgresql.enabled) -}}
{{- fail "\n\nrtmx.database.existingSecret is set, and the database is SQLite, which has no credentials: set rtmx.database.external to true, or take it out.\n" -}}
{{- end -}}
{{- end -}}
{{- if and (eq (include "rtmx.engine" .) "sqlite") .Values.backup.enabled (eq .Values.rtmx.persistence.accessMode "ReadWriteOncePod") -}}
{{- fail "\n\nrtmx.persistence.accessMode is ReadWriteOncePod, and backups of SQLite are made by a second pod on its volume: use ReadWriteOnce, or set backup.enabled to false.\n" -}}
{{- end -}}
{{- if and $d.external (not (or $d.host $d.existingSecret)) -}}
{{- fail "\n\nrtmx.database.external: say where it is, with rtmx.database.host, or a Secret with the key `url` in rtmx.database.existingSecret.\n" -}}
{{- end -}}
{{- if and .Values.rtmx.license.key .Values.rtmx.license.existingSecret -}}
{{- fail "\n\nrtmx.license.key and rtmx.license.existingSecret contradict each other: keep the second.\n" -}}
{{- end -}}
{{- if and (not .Values.rtmx.license.offlineMode) (not .Values.rtmx.license.serverUrl) -}}
{{- fail "\n\nrtmx.license.offlineMode is false: say in rtmx.license.serverUrl which server checks the license.\n" -}}
{{- end -}}
{{- end }}

{{- define "rtmx.own.rows" -}}
{{- $v := .Values.rtmx -}}
{{- $engine := include "rtmx.engine" . -}}
{{- if $v.database.external }}
- {name: Database, value: "PostgreSQL at {{ default "the address in its Secret" $v.database.host }}, credentials in the Secret {{ include "rtmx.databaseSecret" . }} (username and password, or url)"}
{{- else if eq $engine "postgresql" }}
- {name: Database, value: "PostgreSQL of this chart, one pod"}
{{- else }}
- {name: Database, value: "SQLite, one pod"}
{{- end }}
{{- $b := include "rtmx.backup" . | fromYaml }}
{{- if not $b.wanted }}
- {name: Backups, value: "NONE by this chart: run rtmxctl backup create", risk: true}
{{- else if not $b.claim }}
- {name: Backups, value: "{{ .Values.backup.schedule }}, {{ .Values.backup.keep }} kept ON THE DATABASE'S OWN VOLUME: set backup.existingClaim", risk: true}
{{- else }}
- {name: Backups, value: "{{ .Values.backup.schedule }}, {{ .Values.backup.keep }} kept in the claim {{ $b.claim }}"}
{{- end }}
{{- if or $v.license.key $v.license.existingSecret (hasKey (include "rtmx.brought" . | fromJson) "license") }}
- {name: License, value: "{{ ternary "checked offline" "checked online" $v.license.offlineMode }}"}
{{- else }}
- {name: License, value: "none: the limits of the community edition hold"}
{{- end }}
{{- end }}

{{- define "rtmx.own.next" -}}
{{- $token := default (include "rtmx.named" (list . "admin-token")) .Values.rtmx.auth.existingSecret -}}
{{- if and .Values.rtmx.database.external (not .Values.rtmx.database.existingSecret) (not (hasKey (include "rtmx.brought" . | fromJson) "database")) }}
The servers are ready once the Secret {{ include "rtmx.databaseSecret" . }} has what the database wants, the password from a
file that holds nothing else:

  kubectl --namespace {{ .Release.Namespace }} create secret generic {{ include "rtmx.databaseSecret" . }} \
    --from-literal=username=NAME --from-file=password=FILE
{{ end }}
The first token of an administrator:

  kubectl --namespace {{ .Release.Namespace }} get secret {{ $token }} --output go-template='{{ "{{" }}.data.token | base64decode{{ "}}" }}'

The dashboard on this machine, then http://127.0.0.1:8080:

  kubectl --namespace {{ .Release.Namespace }} port-forward service/{{ include "rtmx.fullname" . }} 8080:{{ .Values.rtmx.service.port }}

Whether it writes and reads:

  helm --namespace {{ .Release.Namespace }} test {{ .Release.Name }}
{{- end }}

{{/* Alerts. Each leads to a part of the handbook's page. */}}
{{- define "rtmx.own.alerts" -}}
{{- $scope := printf `namespace=%q,service=%q` .Release.Namespace (include "rtmx.scraped" .) -}}
{{- /* Probes are requests, too, and where few people are they are most of them. */ -}}
{{- $asked := printf `%s,route!~"/live|/ready|/health"` $scope -}}
- alert: RtmxErrors
  expr: sum(rate(http_requests_total{ {{- $asked }},status=~"5.."}[5m])) / sum(rate(http_requests_total{ {{- $asked }}}[5m])) > 0.02
  for: 10m
  labels: {severity: critical}
  annotations: {summary: more than 2 % of the requests end with an error, runbook: errors}
- alert: RtmxSlow
  expr: histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{ {{- $asked }}}[5m]))) > 2.5
  for: 15m
  labels: {severity: warning}
  annotations: {summary: one request of a hundred takes longer than 2.5 s, runbook: slow}
- alert: RtmxLicenseEnds
  expr: min(rtmx_license_expires_seconds{ {{- $scope }}}) < 30 * 86400
  for: 1h
  labels: {severity: warning}
  annotations: {summary: the license ends within 30 days, runbook: license-alerts}
- alert: RtmxLicenseUnchecked
  expr: max(rtmx_license_checked_seconds{ {{- $scope }}}) > 300
  for: 5m
  labels: {severity: warning}
  annotations: {summary: the license has not been looked at for five minutes, runbook: license-alerts}
{{- $b := include "rtmx.backup" . | fromYaml }}
{{- if $b.wanted }}
{{- /* Before the first one has ended well, its age is that of the CronJob. */}}
{{- $jobs := printf `{namespace=%q,cronjob=%q}` .Release.Namespace (include "rtmx.named" (list . "backup")) }}
- alert: RtmxBackupMissing
  expr: (time() - max(kube_cronjob_status_last_successful_time{{ $jobs }}) > 2 * 86400) or (time() - max(kube_cronjob_created{{ $jobs }}) > 2 * 86400 unless max(kube_cronjob_status_last_successful_time{{ $jobs }}))
  for: 1h
  labels: {severity: critical}
  annotations: {summary: there has been no backup for two days, runbook: backups}
{{- end }}
{{- end }}

{{/* The Service under which its metrics are read. */}}
{{- define "rtmx.scraped" -}}
{{- include "rtmx.metricsService" (list . (include "rtmx.component" (list . "rtmx-server") | fromJson)) -}}
{{- end }}

{{- define "rtmx.own.dashboard" -}}
{{- $scope := printf `namespace="%s",service="%s"` .Release.Namespace (include "rtmx.scraped" .) -}}
{{- $rows := list
  (dict "title" "Requests a second, by status" "expr" (printf "sum by (status) (rate(http_requests_total{%s}[5m]))" $scope) "unit" "reqps")
  (dict "title" "Duration, 99 of 100" "expr" (printf "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{%s}[5m])))" $scope) "unit" "s")
  (dict "title" "Requests at the moment" "expr" (printf "sum(http_requests_in_flight{%s})" $scope) "unit" "short")
  (dict "title" "Memory of each pod" "expr" (printf "process_resident_memory_bytes{%s}" $scope) "unit" "bytes")
  (dict "title" "Connections to the database" "expr" (printf "sum by (state) (rtmx_storage_connections{%s})" $scope) "unit" "short")
  (dict "title" "License: seconds until its end" "expr" (printf "min(rtmx_license_expires_seconds{%s})" $scope) "unit" "s") -}}
{{- $panels := list -}}
{{- range $at, $row := $rows -}}
{{- $place := dict "x" (mul 12 (mod $at 2)) "y" (mul 8 (div $at 2)) "w" 12 "h" 8 -}}
{{- $target := dict "refId" "A" "expr" $row.expr "datasource" (dict "type" "prometheus" "uid" "${datasource}") -}}
{{- $panels = append $panels (dict "id" (add1 $at) "type" "timeseries" "title" $row.title "gridPos" $place "datasource" (dict "type" "prometheus" "uid" "${datasource}") "targets" (list $target) "fieldConfig" (dict "defaults" (dict "unit" $row.unit) "overrides" list)) -}}
{{- end -}}
{{- $source := dict "name" "datasource" "type" "datasource" "query" "prometheus" "label" "Prometheus" -}}
{{- dict "title" (printf "RTMX %s" (include "rtmx.fullname" .)) "uid" (include "rtmx.fullname" . | sha256sum | trunc 16) "schemaVersion" 39 "version" 1 "editable" true "time" (dict "from" "now-6h" "to" "now") "refresh" "30s" "tags" (list "rtmx") "templating" (dict "list" (list $source)) "panels" $panels | toPrettyJson -}}
{{- end }}
