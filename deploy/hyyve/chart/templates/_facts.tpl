{{/* What this chart was made with. Rendered: changes belong into the spec. */}}
{{- define "hyyve.facts.component.api" -}}
"key": "api"
"suffix": "api"
"label": "api"
"container": "api"
"kind": "Deployment"
"headless": false
"single": false
"naps": true
"image": { "repository": "registry.example.com/hyyve/hyyve-api", "base": "hyyve-api", "tag": "1.0.0", "digest": null, "own": true, "versioned": true }
"entrypoint": []
"command": []
"ports": { "http": 5001 }
"port": "http"
"metricsPort": "metrics"
"exposed": [5001]
"env": { "FLASK_ENV": "production", "VECTOR_DB_URL": "http://{{ include "hyyve.named" (list . "weaviate") }}:8080", "APP_ENV": {{ include "hyyve.value" (list . "config.appEnv") | toJson }}, "LOG_FORMAT": {{ include "hyyve.value" (list . "config.logFormat") | toJson }}, "LOG_LEVEL": {{ include "hyyve.value" (list . "config.logLevel") | toJson }}, "STORAGE_TYPE": {{ include "hyyve.value" (list . "config.storageType") | toJson }} }
"optional": ["APP_ENV", "LOG_FORMAT", "LOG_LEVEL", "STORAGE_TYPE"]
"variables": [{ "object": "database", "key": "url", "existing": "secrets.existing.databaseUrl", "name": "DATABASE_URL" }, { "object": "keys", "key": "encryption-key", "existing": "secrets.existing.keys", "name": "ENCRYPTION_KEY" }, { "object": "redis-url", "key": "url", "existing": "secrets.existing.redisUrl", "name": "REDIS_URL" }, { "object": "keys", "key": "secret-key", "existing": "secrets.existing.keys", "name": "SECRET_KEY" }]
"secretFiles": []
"secretsPath": "/run/secrets/api"
"configFiles": []
"scratch": [{ "path": "/tmp", "size": "256Mi" }]
"claims": []
"init": [{ "name": "migrate", "command": ["flask", "db", "upgrade"] }]
"security": { "readOnlyRootFilesystem": true }
"probes": { "livenessProbe": { "httpGet": { "path": "/live", "port": "http" } }, "readinessProbe": { "httpGet": { "path": "/ready", "port": "http" } }, "startupProbe": { "httpGet": { "path": "/live", "port": "http" } } }
"most": null
"mostWhy": ""
"mesh": true
"outside": [443]
"reaches": [{ "key": "postgresql", "label": "database", "ports": [5432] }, { "key": "redis", "label": "redis", "ports": [6379] }, { "key": "sandbox", "label": "sandbox", "ports": [8194] }, { "key": "ssrfProxy", "label": "ssrf-proxy", "ports": [3128] }, { "key": "weaviate", "label": "weaviate", "ports": [8080] }]
"clients": [{ "label": "nginx", "ports": [5001] }, { "label": "web", "ports": [5001] }]
"services": [{ "value": "database", "ports": [5432], "wanted": {{ not (index .Values "postgresql").enabled }} }, { "value": "redis", "ports": [6379], "wanted": {{ not (index .Values "redis").enabled }} }]
"queueOf": false
{{- end }}

{{- define "hyyve.facts.component.db" -}}
"key": "postgresql"
"suffix": "postgresql"
"label": "database"
"container": "database"
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
"env": { "PGDATA": "/var/lib/postgresql/data/pgdata", "POSTGRES_DB": "hyyve", "POSTGRES_INITDB_ARGS": "--data-checksums", "POSTGRES_PASSWORD_FILE": "/run/secrets/db/POSTGRES_PASSWORD" }
"optional": []
"variables": [{ "object": "db-credentials", "key": "username", "existing": "postgresql.auth.existingSecret", "name": "POSTGRES_USER" }]
"secretFiles": [{ "object": "db-credentials", "key": "password", "existing": "postgresql.auth.existingSecret", "path": "POSTGRES_PASSWORD", "optional": false }]
"secretsPath": "/run/secrets/db"
"configFiles": [{ "path": "/docker-entrypoint-initdb.d/init.sql", "name": "init.sql", "source": "files/hyyve/init.sql", "template": false }]
"scratch": [{ "path": "/var/run/postgresql", "size": "16Mi" }, { "path": "/tmp", "size": "64Mi" }, { "path": "/var/lib/postgresql", "size": "1Mi" }]
"claims": [{ "name": "data", "path": "/var/lib/postgresql/data", "readOnly": false, "persistence": "primary.persistence" }]
"init": []
"security": { "readOnlyRootFilesystem": true }
"probes": { "livenessProbe": { "exec": { "command": ["pg_isready", "--host=127.0.0.1", "--username=hyyve", "--dbname=hyyve"] } }, "readinessProbe": { "exec": { "command": ["pg_isready", "--host=127.0.0.1", "--username=hyyve", "--dbname=hyyve"] } }, "startupProbe": { "exec": { "command": ["pg_isready", "--host=127.0.0.1", "--username=hyyve", "--dbname=hyyve"] } } }
"most": 1
"mostWhy": ""
"mesh": false
"outside": []
"reaches": []
"clients": [{ "label": "api", "ports": [5432] }, { "label": "worker", "ports": [5432] }, { "label": "worker-beat", "ports": [5432] }]
"services": []
"queueOf": false
{{- end }}

{{- define "hyyve.facts.component.nginx" -}}
"key": "nginx"
"suffix": "nginx"
"label": "nginx"
"container": "nginx"
"kind": "Deployment"
"headless": false
"single": false
"naps": true
"image": { "repository": "nginx", "base": "nginx", "tag": "alpine", "digest": null, "own": false, "versioned": false }
"entrypoint": []
"command": []
"ports": { "http": 8080, "https": 8443 }
"port": "http"
"metricsPort": "metrics"
"exposed": [8080, 8443]
"env": {  }
"optional": []
"variables": []
"secretFiles": []
"secretsPath": "/run/secrets/nginx"
"configFiles": [{ "path": "/etc/nginx/nginx.conf", "name": "nginx.conf", "source": "files/hyyve/chart/nginx.conf", "template": true }]
"scratch": [{ "path": "/tmp", "size": "128Mi" }]
"claims": []
"init": []
"security": { "readOnlyRootFilesystem": true }
"probes": { "livenessProbe": { "httpGet": { "path": "/health", "port": "http" } }, "readinessProbe": { "httpGet": { "path": "/health", "port": "http" } }, "startupProbe": { "httpGet": { "path": "/health", "port": "http" } } }
"most": null
"mostWhy": ""
"mesh": false
"outside": []
"reaches": [{ "key": "api", "label": "api", "ports": [5001] }, { "key": "web", "label": "web", "ports": [3000] }]
"clients": []
"services": []
"queueOf": false
{{- end }}

{{- define "hyyve.facts.component.redis" -}}
"key": "redis"
"suffix": "redis"
"label": "redis"
"container": "redis"
"kind": "StatefulSet"
"headless": true
"single": true
"naps": false
"image": { "repository": "redis", "base": "redis", "tag": "7-alpine", "digest": null, "own": false, "versioned": false }
"entrypoint": []
"command": ["redis-server", "/run/secrets/redis/redis.conf"]
"ports": { "redis": 6379 }
"port": "redis"
"metricsPort": "metrics"
"exposed": []
"env": {  }
"optional": []
"variables": []
"secretFiles": [{ "object": "redis", "key": "redis.conf", "existing": "redis.auth.existingSecret", "path": "redis.conf", "optional": false }, { "object": "redis", "key": "password", "existing": "redis.auth.existingSecret", "path": "REDIS_PASSWORD", "optional": false }]
"secretsPath": "/run/secrets/redis"
"configFiles": []
"scratch": [{ "path": "/tmp", "size": "16Mi" }]
"claims": [{ "name": "data", "path": "/data", "readOnly": false, "persistence": "primary.persistence" }]
"init": []
"security": { "readOnlyRootFilesystem": true }
"probes": { "livenessProbe": { "exec": { "command": ["sh", "-c", "REDISCLI_AUTH=\"$(cat /run/secrets/redis/REDIS_PASSWORD)\" redis-cli ping | grep -q PONG"] } }, "readinessProbe": { "exec": { "command": ["sh", "-c", "REDISCLI_AUTH=\"$(cat /run/secrets/redis/REDIS_PASSWORD)\" redis-cli ping | grep -q PONG"] } }, "startupProbe": { "exec": { "command": ["sh", "-c", "REDISCLI_AUTH=\"$(cat /run/secrets/redis/REDIS_PASSWORD)\" redis-cli ping | grep -q PONG"] } } }
"most": 1
"mostWhy": ""
"mesh": false
"outside": []
"reaches": []
"clients": [{ "label": "api", "ports": [6379] }, { "label": "worker", "ports": [6379] }, { "label": "worker-beat", "ports": [6379] }]
"services": []
"queueOf": true
{{- end }}

{{- define "hyyve.facts.component.sandbox" -}}
"key": "sandbox"
"suffix": "sandbox"
"label": "sandbox"
"container": "sandbox"
"kind": "Deployment"
"headless": false
"single": false
"naps": true
"image": { "repository": "ghcr.io/dify-ai/sandbox", "base": "ghcr.io/dify-ai/sandbox", "tag": "latest", "digest": null, "own": false, "versioned": false }
"entrypoint": []
"command": []
"ports": { "http": 8194 }
"port": "http"
"metricsPort": "metrics"
"exposed": []
"env": { "SANDBOX_PORT": "8194" }
"optional": []
"variables": []
"secretFiles": []
"secretsPath": "/run/secrets/sandbox"
"configFiles": []
"scratch": []
"claims": []
"init": []
"security": { "readOnlyRootFilesystem": false, "capabilities": { "drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "MKNOD", "SETGID", "SETUID", "SYS_CHROOT"] } }
"probes": {  }
"most": null
"mostWhy": ""
"mesh": false
"outside": []
"reaches": [{ "key": "ssrfProxy", "label": "ssrf-proxy", "ports": [3128] }]
"clients": [{ "label": "api", "ports": [8194] }, { "label": "ssrf-proxy", "ports": [8194] }, { "label": "worker", "ports": [8194] }]
"services": []
"queueOf": false
{{- end }}

{{- define "hyyve.facts.component.ssrf_proxy" -}}
"key": "ssrfProxy"
"suffix": "ssrf-proxy"
"label": "ssrf-proxy"
"container": "ssrf-proxy"
"kind": "Deployment"
"headless": false
"single": false
"naps": true
"image": { "repository": "ghcr.io/dify-ai/ssrf_proxy", "base": "ghcr.io/dify-ai/ssrf_proxy", "tag": "latest", "digest": null, "own": false, "versioned": false }
"entrypoint": []
"command": []
"ports": { "http": 3128 }
"port": "http"
"metricsPort": "metrics"
"exposed": []
"env": { "SANDBOX_HOST": "{{ include "hyyve.named" (list . "sandbox") }}" }
"optional": []
"variables": []
"secretFiles": []
"secretsPath": "/run/secrets/ssrf_proxy"
"configFiles": []
"scratch": []
"claims": []
"init": []
"security": { "readOnlyRootFilesystem": false, "capabilities": { "drop": ["ALL"], "add": ["CHOWN", "SETGID", "SETUID"] } }
"probes": {  }
"most": null
"mostWhy": ""
"mesh": false
"outside": [80, 443]
"reaches": [{ "key": "sandbox", "label": "sandbox", "ports": [8194] }]
"clients": [{ "label": "api", "ports": [3128] }, { "label": "sandbox", "ports": [3128] }, { "label": "worker", "ports": [3128] }]
"services": []
"queueOf": false
{{- end }}

{{- define "hyyve.facts.component.weaviate" -}}
"key": "weaviate"
"suffix": "weaviate"
"label": "weaviate"
"container": "weaviate"
"kind": "StatefulSet"
"headless": true
"single": true
"naps": false
"image": { "repository": "semitechnologies/weaviate", "base": "semitechnologies/weaviate", "tag": "1.36.1", "digest": null, "own": false, "versioned": false }
"entrypoint": []
"command": []
"ports": { "http": 8080 }
"port": "http"
"metricsPort": "metrics"
"exposed": []
"env": { "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false", "AUTHENTICATION_APIKEY_ENABLED": "true", "AUTHENTICATION_APIKEY_USERS": "admin", "BACKUP_FILESYSTEM_PATH": "/var/lib/weaviate/backups", "CLUSTER_HOSTNAME": "node1", "DEFAULT_VECTORIZER_MODULE": "none", "ENABLE_MODULES": "backup-filesystem", "PERSISTENCE_DATA_PATH": "/var/lib/weaviate", "QUERY_DEFAULTS_LIMIT": "25" }
"optional": []
"variables": [{ "object": "weaviate", "key": "api-key", "existing": "weaviate.auth.existingSecret", "name": "AUTHENTICATION_APIKEY_ALLOWED_KEYS" }]
"secretFiles": []
"secretsPath": "/run/secrets/weaviate"
"configFiles": []
"scratch": [{ "path": "/tmp", "size": "256Mi" }]
"claims": [{ "name": "data", "path": "/var/lib/weaviate", "readOnly": false, "persistence": "primary.persistence" }]
"init": []
"security": { "readOnlyRootFilesystem": true }
"probes": { "livenessProbe": { "httpGet": { "path": "/v1/.well-known/ready", "port": "http" } }, "readinessProbe": { "httpGet": { "path": "/v1/.well-known/ready", "port": "http" } }, "startupProbe": { "httpGet": { "path": "/v1/.well-known/ready", "port": "http" } } }
"most": 1
"mostWhy": ""
"mesh": false
"outside": []
"reaches": []
"clients": [{ "label": "api", "ports": [8080] }, { "label": "worker", "ports": [8080] }]
"services": []
"queueOf": false
{{- end }}

{{- define "hyyve.facts.component.web" -}}
"key": "web"
"suffix": "web"
"label": "web"
"container": "web"
"kind": "Deployment"
"headless": false
"single": false
"naps": true
"image": { "repository": "registry.example.com/hyyve/hyyve-web", "base": "hyyve-web", "tag": "1.0.0", "digest": null, "own": true, "versioned": true }
"entrypoint": []
"command": []
"ports": { "http": 3000 }
"port": "http"
"metricsPort": "metrics"
"exposed": [3000]
"env": { "API_URL": "http://{{ include "hyyve.named" (list . "api") }}:{{ int (index .Values "api").service.port }}", "NODE_ENV": "production", "APP_ENV": {{ include "hyyve.value" (list . "config.appEnv") | toJson }}, "LOG_FORMAT": {{ include "hyyve.value" (list . "config.logFormat") | toJson }}, "LOG_LEVEL": {{ include "hyyve.value" (list . "config.logLevel") | toJson }} }
"optional": ["APP_ENV", "LOG_FORMAT", "LOG_LEVEL"]
"variables": []
"secretFiles": []
"secretsPath": "/run/secrets/web"
"configFiles": []
"scratch": [{ "path": "/tmp", "size": "64Mi" }]
"claims": []
"init": []
"security": { "readOnlyRootFilesystem": true }
"probes": { "livenessProbe": { "httpGet": { "path": "/api/health", "port": "http" } }, "readinessProbe": { "httpGet": { "path": "/api/health", "port": "http" } }, "startupProbe": { "httpGet": { "path": "/api/health", "port": "http" } } }
"most": null
"mostWhy": ""
"mesh": false
"outside": []
"reaches": [{ "key": "api", "label": "api", "ports": [5001] }]
"clients": [{ "label": "nginx", "ports": [3000] }]
"services": []
"queueOf": false
{{- end }}

{{- define "hyyve.facts.component.worker" -}}
"key": "worker"
"suffix": "worker"
"label": "worker"
"container": "worker"
"kind": "Deployment"
"headless": false
"single": false
"naps": false
"image": { "repository": "registry.example.com/hyyve/hyyve-worker", "base": "hyyve-worker", "tag": "1.0.0", "digest": null, "own": true, "versioned": true }
"entrypoint": []
"command": ["celery", "-A", "app.celery", "worker", "--loglevel=info", "--concurrency=4"]
"ports": {  }
"port": null
"metricsPort": "metrics"
"exposed": []
"env": { "VECTOR_DB_URL": "http://{{ include "hyyve.named" (list . "weaviate") }}:8080", "APP_ENV": {{ include "hyyve.value" (list . "config.appEnv") | toJson }}, "LOG_FORMAT": {{ include "hyyve.value" (list . "config.logFormat") | toJson }}, "LOG_LEVEL": {{ include "hyyve.value" (list . "config.logLevel") | toJson }}, "STORAGE_TYPE": {{ include "hyyve.value" (list . "config.storageType") | toJson }} }
"optional": ["APP_ENV", "LOG_FORMAT", "LOG_LEVEL", "STORAGE_TYPE"]
"variables": [{ "object": "database", "key": "url", "existing": "secrets.existing.databaseUrl", "name": "DATABASE_URL" }, { "object": "redis-url", "key": "url", "existing": "secrets.existing.redisUrl", "name": "REDIS_URL" }]
"secretFiles": []
"secretsPath": "/run/secrets/worker"
"configFiles": []
"scratch": [{ "path": "/tmp", "size": "256Mi" }]
"claims": []
"init": []
"security": { "readOnlyRootFilesystem": true }
"probes": {  }
"most": null
"mostWhy": ""
"mesh": false
"outside": [443]
"reaches": [{ "key": "postgresql", "label": "database", "ports": [5432] }, { "key": "redis", "label": "redis", "ports": [6379] }, { "key": "sandbox", "label": "sandbox", "ports": [8194] }, { "key": "ssrfProxy", "label": "ssrf-proxy", "ports": [3128] }, { "key": "weaviate", "label": "weaviate", "ports": [8080] }]
"clients": []
"services": [{ "value": "database", "ports": [5432], "wanted": {{ not (index .Values "postgresql").enabled }} }, { "value": "redis", "ports": [6379], "wanted": {{ not (index .Values "redis").enabled }} }]
"queueOf": false
"queue": { "host": "{{ include "hyyve.named" (list . "redis") }}", "port": 6379, "password": { "object": "redis", "key": "password", "existing": "redis.auth.existingSecret" } }
{{- end }}

{{- define "hyyve.facts.component.worker_beat" -}}
"key": "workerBeat"
"suffix": "worker-beat"
"label": "worker-beat"
"container": "worker-beat"
"kind": "Deployment"
"headless": false
"single": true
"naps": false
"image": { "repository": "registry.example.com/hyyve/hyyve-worker", "base": "hyyve-worker", "tag": "1.0.0", "digest": null, "own": true, "versioned": true }
"entrypoint": []
"command": ["celery", "-A", "app.celery", "beat", "--loglevel=info", "--schedule=/tmp/celerybeat-schedule"]
"ports": {  }
"port": null
"metricsPort": "metrics"
"exposed": []
"env": { "APP_ENV": {{ include "hyyve.value" (list . "config.appEnv") | toJson }}, "LOG_FORMAT": {{ include "hyyve.value" (list . "config.logFormat") | toJson }}, "LOG_LEVEL": {{ include "hyyve.value" (list . "config.logLevel") | toJson }} }
"optional": ["APP_ENV", "LOG_FORMAT", "LOG_LEVEL"]
"variables": [{ "object": "database", "key": "url", "existing": "secrets.existing.databaseUrl", "name": "DATABASE_URL" }, { "object": "redis-url", "key": "url", "existing": "secrets.existing.redisUrl", "name": "REDIS_URL" }]
"secretFiles": []
"secretsPath": "/run/secrets/worker_beat"
"configFiles": []
"scratch": [{ "path": "/tmp", "size": "64Mi" }]
"claims": []
"init": []
"security": { "readOnlyRootFilesystem": true }
"probes": {  }
"most": 1
"mostWhy": ""
"mesh": false
"outside": []
"reaches": [{ "key": "postgresql", "label": "database", "ports": [5432] }, { "key": "redis", "label": "redis", "ports": [6379] }]
"clients": []
"services": [{ "value": "database", "ports": [5432], "wanted": {{ not (index .Values "postgresql").enabled }} }, { "value": "redis", "ports": [6379], "wanted": {{ not (index .Values "redis").enabled }} }]
"queueOf": false
{{- end }}

{{- define "hyyve.facts.keys" -}}
"api": "api"
"postgresql": "db"
"nginx": "nginx"
"redis": "redis"
"sandbox": "sandbox"
"ssrfProxy": "ssrf_proxy"
"weaviate": "weaviate"
"web": "web"
"worker": "worker"
"workerBeat": "worker_beat"
{{- end }}

{{- define "hyyve.facts.secrets" -}}
"database_url": { "object": "database", "key": "url", "existing": "secrets.existing.databaseUrl", "beside": {  }, "users": ["api", "worker", "workerBeat"], "only": "postgresql", "value": null, "made": { "composed": [{ "text": "postgresql://" }, { "secret": "postgres_password", "key": "username", "url": true }, { "text": ":" }, { "secret": "postgres_password", "key": "password", "url": true }, { "text": "@{{ include "hyyve.named" (list . "postgresql") }}:5432/hyyve" }] } }
"encryption_key": { "object": "keys", "key": "encryption-key", "existing": "secrets.existing.keys", "beside": {  }, "users": ["api"], "only": null, "value": null, "made": { "generated": { "bytes": 32, "encoding": "base64" } } }
"postgres_password": { "object": "db-credentials", "key": "password", "existing": "postgresql.auth.existingSecret", "beside": { "username": "hyyve" }, "users": ["postgresql"], "only": null, "value": null, "made": { "generated": { "bytes": 32, "encoding": "base64" } } }
"redis_conf": { "object": "redis", "key": "redis.conf", "existing": "redis.auth.existingSecret", "beside": {  }, "users": ["redis"], "only": null, "value": null, "made": { "composed": [{ "text": "appendonly yes\ndir /data\nrequirepass " }, { "secret": "redis_password", "key": "password", "url": false }, { "text": "\n" }] } }
"redis_password": { "object": "redis", "key": "password", "existing": "redis.auth.existingSecret", "beside": {  }, "users": ["redis"], "only": null, "value": null, "made": { "generated": { "bytes": 32, "encoding": "base64" } } }
"redis_url": { "object": "redis-url", "key": "url", "existing": "secrets.existing.redisUrl", "beside": {  }, "users": ["api", "worker", "workerBeat"], "only": "redis", "value": null, "made": { "composed": [{ "text": "redis://:" }, { "secret": "redis_password", "key": "password", "url": true }, { "text": "@{{ include "hyyve.named" (list . "redis") }}:6379/0" }] } }
"secret_key": { "object": "keys", "key": "secret-key", "existing": "secrets.existing.keys", "beside": {  }, "users": ["api"], "only": null, "value": null, "made": { "generated": { "bytes": 32, "encoding": "base64" } } }
"weaviate_api_key": { "object": "weaviate", "key": "api-key", "existing": "weaviate.auth.existingSecret", "beside": {  }, "users": ["weaviate"], "only": null, "value": null, "made": { "generated": { "bytes": 32, "encoding": "hex" } } }
{{- end }}

{{- define "hyyve.facts.moved" -}}
"postgresql.persistence.size": "postgresql.primary.persistence.size"
"postgresql.storageClass": "postgresql.primary.persistence.storageClass"
"redis.persistence.size": "redis.primary.persistence.size"
"weaviate.persistence.size": "weaviate.primary.persistence.size"
{{- end }}

{{- define "hyyve.facts.exposed" -}}
"name": "api"
{{- end }}

{{- define "hyyve.facts.volumes" -}}
{}
{{- end }}

{{- define "hyyve.facts.test" -}}
{}
{{- end }}

{{- define "hyyve.facts.maker" -}}
"image": { "repository": "ghcr.io/iotactical/rtmx", "base": "ghcr.io/iotactical/rtmx", "tag": "v0.1.0", "digest": null, "own": false, "versioned": false }
"command": ["rtmx-server", "secrets", "create"]
{{- end }}

{{- define "hyyve.makerImage" -}}
{{ .Values.secrets.image | toJson }}
{{- end }}
