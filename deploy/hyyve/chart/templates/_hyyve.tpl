{{/*
What only Hyyve has: the number of tasks at once, documents on a volume instead of an object store, and where
nginx resolves names. nginx does not read /etc/resolv.conf, and the cluster's DNS has another address in each.
*/}}
{{- define "hyyve.isLocal" -}}
{{- if and (eq .Values.config.storageType "local") .Values.persistence.enabled }}yes{{ end -}}
{{- end }}

{{- define "hyyve.own.component" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $c := index . 2 -}}
{{- if eq $name "worker" }}
{{- $command := list }}
{{- range $c.command }}{{ $command = append $command (ternary (printf "--concurrency=%d" (int $root.Values.worker.concurrency)) . (hasPrefix "--concurrency=" .)) }}{{ end }}
command:
  {{- toYaml $command | nindent 2 }}
{{- end }}
{{- if and (eq $name "nginx") (not $root.Values.nginx.resolver) }}
entrypoint:
  - sh
  - -ec
  - |-
    servers=
    while read -r word address _; do
        [ "$word" = nameserver ] || continue
        case $address in *:*) address="[$address]" ;; esac
        servers="$servers $address"
    done < /etc/resolv.conf
    echo "resolver$servers valid=10s ipv6=off;" > /tmp/resolver.conf
    exec nginx -g "daemon off;"
{{- end }}
{{- if and (has $name (list "api" "worker")) (include "hyyve.isLocal" $root) }}
claims:
  - {name: storage, path: /app/storage, claim: {{ default (printf "%s-storage" (include "hyyve.fullname" $root)) $root.Values.persistence.existingClaim }}}
{{- end }}
{{- end }}

{{- define "hyyve.own.validate" -}}
{{- if include "hyyve.isLocal" . -}}
{{- $pods := add (int .Values.api.replicaCount) (int .Values.worker.replicaCount) -}}
{{- if and (gt $pods 1) (ne .Values.persistence.accessMode "ReadWriteMany") -}}
{{- fail (printf "\n\nconfig.storageType is local and %d pods of api and worker share the volume: set persistence.accessMode to ReadWriteMany, or use an object store.\n" $pods) -}}
{{- end -}}
{{- end -}}
{{- if and (not .Values.postgresql.enabled) .Values.secrets.create (not .Values.externalSecrets.enabled) (not .Values.secrets.existing.databaseUrl) -}}
{{- fail "\n\npostgresql.enabled is false: say in secrets.existing.databaseUrl which Secret has `url`, where yours is.\n" -}}
{{- end -}}
{{- if and (not .Values.redis.enabled) .Values.secrets.create (not .Values.externalSecrets.enabled) (not .Values.secrets.existing.redisUrl) -}}
{{- fail "\n\nredis.enabled is false: say in secrets.existing.redisUrl which Secret has `url`, where yours is.\n" -}}
{{- end -}}
{{- end }}

{{- define "hyyve.own.rows" -}}
- {name: Database, value: "{{ ternary "PostgreSQL of this chart, one pod" "a PostgreSQL of yours" .Values.postgresql.enabled }}"}
- {name: Backups, value: "NONE by this chart: see `state` in its spec", risk: true}
- {name: License, value: "as the application itself says"}
{{- if not .Values.sandbox.enabled }}
- {name: Sandbox, value: "off: it needs a namespace that enforces no more than `baseline`"}
{{- end }}
{{- end }}

{{- define "hyyve.own.next" -}}
The user interface on this machine, then http://127.0.0.1:3000:

  kubectl --namespace {{ .Release.Namespace }} port-forward service/{{ include "hyyve.named" (list . "web") }} 3000:{{ .Values.web.service.port }}
{{- end }}
