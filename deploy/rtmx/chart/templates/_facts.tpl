{{/* What this chart was made with. Rendered: changes belong into the spec. */}}
{{- define "rtmx.facts.component.postgres" -}}
"key": "postgresql"
"suffix": "postgresql"
"label": "postgresql"
"container": "postgresql"
"kind": "StatefulSet"
"headless": true
"single": true
"naps": false
"image": { "repository": "postgres", "base": "postgres", "tag": "16-alpine", "digest": null, "own": false, "versioned": false }
"entrypoint": []
"command": []
"ports": { "postgresql": 5432 }
"port": "postgresql"
"metricsPort": "metrics"
"exposed": []
"env": { "PGDATA": "/var/lib/postgresql/data/pgdata", "POSTGRES_DB": "rtmx", "POSTGRES_INITDB_ARGS": "--data-checksums", "POSTGRES_USER": "rtmx", "POSTGRES_PASSWORD_FILE": "/run/secrets/postgres/POSTGRES_PASSWORD" }
"optional": []
"variables": []
"secretFiles": [{ "object": "postgresql", "key": "password", "existing": "postgresql.auth.existingSecret", "path": "POSTGRES_PASSWORD", "optional": false }]
"secretsPath": "/run/secrets/postgres"
"configFiles": []
"scratch": [{ "path": "/var/run/postgresql", "size": "16Mi" }, { "path": "/tmp", "size": "64Mi" }, { "path": "/var/lib/postgresql", "size": "1Mi" }]
"claims": [{ "name": "data", "path": "/var/lib/postgresql/data", "readOnly": false, "persistence": "primary.persistence" }]
"init": []
"security": { "readOnlyRootFilesystem": true }
"probes": { "livenessProbe": { "exec": { "command": ["pg_isready", "--host=127.0.0.1", "--username=rtmx", "--dbname=rtmx"] } }, "readinessProbe": { "exec": { "command": ["pg_isready", "--host=127.0.0.1", "--username=rtmx", "--dbname=rtmx"] } }, "startupProbe": { "exec": { "command": ["pg_isready", "--host=127.0.0.1", "--username=rtmx", "--dbname=rtmx"] } } }
"most": 1
"mostWhy": ""
"mesh": false
"outside": []
"reaches": []
"clients": [{ "label": "server", "ports": [5432] }]
"services": []
"queueOf": false
{{- end }}

{{- define "rtmx.facts.component.rtmx-server" -}}
"key": "rtmx"
"suffix": ""
"label": "server"
"container": "server"
"kind": "StatefulSet"
"headless": false
"single": false
"naps": false
"image": { "repository": "ghcr.io/iotactical/rtmx", "base": "ghcr.io/iotactical/rtmx", "tag": "v0.1.0", "digest": null, "own": false, "versioned": true }
"entrypoint": []
"command": []
"ports": { "http": 8080, "metrics": 9090 }
"port": "http"
"metricsPort": "metrics"
"exposed": [8080]
"env": { "LOG_FORMAT": {{ include "rtmx.value" (list . "config.logFormat") | toJson }}, "LOG_LEVEL": {{ include "rtmx.value" (list . "config.logLevel") | toJson }}, "RTMX_DATA__DIR": "/data", "RTMX_LICENSE__MODE": "offline", "RTMX_SERVER__LISTEN": "0.0.0.0:8080", "RTMX_TELEMETRY__ENABLED": "false", "RTMX_LICENSE__REVALIDATE_INTERVAL": {{ include "rtmx.value" (list . "rtmx.license.revalidateInterval") | toJson }}, "RTMX_LICENSE__SERVER_URL": {{ include "rtmx.value" (list . "rtmx.license.serverUrl") | toJson }}, "RTMX_SERVER__PUBLIC_URL": {{ include "rtmx.value" (list . "rtmx.publicUrl") | toJson }}, "RTMX_SERVER__TRUSTED_PROXIES": {{ include "rtmx.value" (list . "rtmx.trustedProxies") | toJson }}, "RTMX_SECRETS_DIR": "/run/secrets/rtmx-server" }
"optional": ["LOG_FORMAT", "LOG_LEVEL", "RTMX_LICENSE__REVALIDATE_INTERVAL", "RTMX_LICENSE__SERVER_URL", "RTMX_SERVER__PUBLIC_URL", "RTMX_SERVER__TRUSTED_PROXIES"]
"variables": []
"secretFiles": [{ "object": "admin-token", "key": "token", "existing": "rtmx.auth.existingSecret", "path": "RTMX_ADMIN_TOKEN", "optional": false }, { "object": "database", "key": "url", "existing": "rtmx.database.existingSecret", "path": "DATABASE_URL", "optional": false }, { "object": "license", "key": "license", "existing": "rtmx.license.existingSecret", "path": "RTMX_LICENSE_KEY", "optional": true }]
"secretsPath": "/run/secrets/rtmx-server"
"configFiles": []
"scratch": [{ "path": "/tmp", "size": "64Mi" }]
"claims": [{ "name": "data", "path": "/data", "readOnly": false, "persistence": "persistence" }]
"init": [{ "name": "migrate", "command": ["rtmx-server", "migrate", "--wait"] }]
"security": { "readOnlyRootFilesystem": true }
"probes": { "livenessProbe": { "httpGet": { "path": "/live", "port": "http" } }, "readinessProbe": { "httpGet": { "path": "/ready", "port": "http" } }, "startupProbe": { "httpGet": { "path": "/live", "port": "http" } } }
"most": null
"mostWhy": ""
"mesh": false
"outside": []
"reaches": [{ "key": "postgresql", "label": "postgresql", "ports": [5432] }]
"clients": [{ "label": "test", "ports": [8080] }]
"services": [{ "value": "database", "ports": [5432], "wanted": {{ not (index .Values "postgresql").enabled }} }]
"queueOf": false
{{- end }}

{{- define "rtmx.facts.keys" -}}
"postgresql": "postgres"
"rtmx": "rtmx-server"
{{- end }}

{{- define "rtmx.facts.secrets" -}}
"admin_token": { "object": "admin-token", "key": "token", "existing": "rtmx.auth.existingSecret", "beside": {  }, "users": ["rtmx"], "only": null, "value": null, "made": { "generated": { "bytes": 32, "encoding": "base64" } } }
"database_url": { "object": "database", "key": "url", "existing": "rtmx.database.existingSecret", "beside": {  }, "users": ["rtmx"], "only": "postgresql", "value": null, "made": { "composed": [{ "text": "postgresql://rtmx:" }, { "secret": "postgres_password", "key": "password", "url": true }, { "text": "@{{ include "rtmx.named" (list . "postgresql") }}:5432/rtmx" }] } }
"license_key": { "object": "license", "key": "license", "existing": "rtmx.license.existingSecret", "beside": {  }, "users": ["rtmx"], "only": null, "value": "rtmx.license.key", "made": null }
"postgres_password": { "object": "postgresql", "key": "password", "existing": "postgresql.auth.existingSecret", "beside": { "username": "rtmx" }, "users": ["postgresql"], "only": null, "value": null, "made": { "generated": { "bytes": 32, "encoding": "base64" } } }
{{- end }}

{{- define "rtmx.facts.moved" -}}
"externalDatabase.database": "rtmx.database.name"
"externalDatabase.host": "rtmx.database.host"
"externalDatabase.port": "rtmx.database.port"
"postgresql.persistence.size": "postgresql.primary.persistence.size"
"postgresql.storageClass": "postgresql.primary.persistence.storageClass"
"rtmx.image.registry": "global.imageRegistry"
"rtmx.license.existingKeySecret": "rtmx.license.existingSecret"
{{- end }}

{{- define "rtmx.facts.exposed" -}}
"name": "rtmx-server"
{{- end }}

{{- define "rtmx.facts.volumes" -}}
{}
{{- end }}

{{- define "rtmx.facts.test" -}}
"component": "rtmx-server"
"command": ["rtmx-server", "selftest", "--url", "{url}", "--token-file", "{secrets}/token"]
"secret": { "object": "admin-token", "key": "token", "existing": "rtmx.auth.existingSecret" }
{{- end }}

{{- define "rtmx.facts.maker" -}}
"image": { "repository": "ghcr.io/iotactical/rtmx", "base": "ghcr.io/iotactical/rtmx", "tag": "v0.1.0", "digest": null, "own": false, "versioned": true }
"command": ["rtmx-server", "secrets", "create"]
{{- end }}

{{- define "rtmx.makerImage" -}}
{{ (index .Values "rtmx").image | toJson }}
{{- end }}
