//! What is refused, and what is said after an installation.

use super::helm::{Helms, chart, parsed, template};
use super::variants::{AS_GIVEN, copied};
use std::path::Path;

/// Each is refused with these words, on both majors.
pub(crate) fn refused(helms: &Helms) {
    // application, values, what is said
    let cases: [(&str, &str, &[&str]); 44] = [
        ("rtmx", "rtmx.license.key=${RTMX_LICENSE_KEY}", &["rtmx.license.key", "envsubst <"]),
        (
            "rtmx",
            "rtmx.extraEnv[0].name=A,rtmx.extraEnv[0].value=${X}",
            &["rtmx.extraEnv[0].value", "envsubst"],
        ),
        ("rtmx", "rtmx.replicaCount=3", &["at most 1", "SQLite", "postgresql.enabled"]),
        ("rtmx", "rtmx.autoscaling.enabled=true", &["at most 1", "SQLite"]),
        ("rtmx", "rtmx.replicaCuont=3", &["replicaCuont", "not allowed"]),
        ("rtmx", "rtmx.replicaCount=many", &["rtmx", "replicaCount", "integer"]),
        ("rtmx", "rtmx.database.engine=mysql", &["engine", "sqlite", "postgresql"]),
        ("rtmx", "rtmx.database.engine=postgresql", &["say which", "rtmx.database.host"]),
        ("rtmx", "rtmx.database.engine=sqlite,postgresql.enabled=true", &["take one of them out"]),
        ("rtmx", "rtmx.database.external=true", &["rtmx.database.host", "existingSecret"]),
        ("rtmx", "rtmx.database.external=true,rtmx.database.host=h,postgresql.enabled=true", &["contradict"]),
        ("rtmx", "rtmx.license.key=k,rtmx.license.existingSecret=s", &["contradict", "keep the second"]),
        ("rtmx", "rtmx.license.offlineMode=false", &["rtmx.license.serverUrl"]),
        (
            "rtmx",
            "postgresql.persistence.size=3Gi",
            &["postgresql.primary.persistence.size", "        size: 3Gi"],
        ),
        ("rtmx", "externalDatabase.host=h", &["rtmx.database.host", "    host: h"]),
        ("rtmx", "rtmx.image.digest=sha256:12", &["digest"]),
        (
            "rtmx",
            "image.unpinned=false,postgresql.enabled=true",
            &["postgresql.image.digest, rtmx.image.digest"],
        ),
        (
            "hyyve",
            "image.unpinned=false",
            &["api.image.digest", "redis.image.digest", "secrets.image.digest"],
        ),
        ("rtmx", "rtmx.persistence.size=big", &["size"]),
        ("rtmx", "gateway.enabled=true", &["gateway.parentRefs"]),
        ("rtmx", "certManager.enabled=true", &["certManager.issuerRef.name"]),
        ("rtmx", "externalSecrets.enabled=true", &["externalSecrets.data", "admin_token"]),
        (
            "rtmx",
            "externalSecrets.enabled=true,externalSecrets.data[0].secretKey=tokn,externalSecrets.data[0].remoteRef.key=k",
            &["`tokn`", "admin_token"],
        ),
        (
            "rtmx",
            "ingress.enabled=true,ingress.hosts[0].host=h,ingress.hosts[0].paths[0].path=/,ingress.hosts[0].paths[0].component=wbe",
            &["`wbe`", "rtmx"],
        ),
        // What a misplaced value of a database would lead to is an empty one.
        ("rtmx", "rtmx.database.host=h", &["rtmx.database.host is set", "rtmx.database.external to true"]),
        ("rtmx", "rtmx.database.sslMode=verify-full", &["rtmx.database.sslMode is set"]),
        ("rtmx", "rtmx.database.existingSecret=s", &["which has no credentials"]),
        ("rtmx", "externalDatabase.existingSecret=s", &["existingSecret", "not allowed"]),
        ("rtmx", "postgresql.persistence.enabled=false", &["enabled", "not allowed"]),
        ("rtmx", "postgresql.service.port=1", &["port", "not allowed"]),
        ("rtmx", "rtmx.service.port=9090", &["which is that of `metrics`"]),
        ("rtmx", "rtmx.persistence.accessMode=ReadWriteOncePod", &["backup.enabled to false"]),
        ("rtmx", "backup.keep=-1", &["keep"]),
        ("rtmx", "fullnameOverride=My_App", &["fullnameOverride"]),
        ("rtmx", "fullnameOverride=1st", &["begins with a letter"]),
        ("rtmx", "rtmx.podLabels.a=1", &["podLabels"]),
        (
            "rtmx",
            "postgresql.enabled=true,rtmx.replicaCount=3,rtmx.podDisruptionBudget.minAvailable=3",
            &["no node could be drained"],
        ),
        (
            "rtmx",
            "postgresql.enabled=true,rtmx.autoscaling.enabled=true,rtmx.resources=null",
            &["rtmx.resources.requests.cpu"],
        ),
        (
            "rtmx",
            "gateway.enabled=true,gateway.parentRefs[0].name=g,ingress.hosts=null",
            &["ingress.hosts is empty"],
        ),
        (
            "rtmx",
            "postgresql.enabled=true,externalSecrets.enabled=true,externalSecrets.data[0].secretKey=postgres_password,externalSecrets.data[0].remoteRef.key=k",
            &["brings `postgres_password`", "bring `database_url`, too"],
        ),
        (
            "rtmx",
            "rtmx.auth.existingSecret=s,externalSecrets.enabled=true,externalSecrets.data[0].secretKey=admin_token,externalSecrets.data[0].remoteRef.key=k",
            &["brings `admin_token`", "`rtmx.auth.existingSecret` is set, too"],
        ),
        ("hyyve", "worker.keda.minReplicas=30", &["minReplicas (30) is more than maxReplicas"]),
        ("hyyve", "config.storageType=local", &["ReadWriteMany"]),
        ("hyyve", "postgresql.enabled=false", &["secrets.existing.databaseUrl"]),
    ];
    for (major, helm) in &helms.all {
        for (app, values, wanted) in &cases {
            let said = template(helm, &chart(app), "1.34.0", &["--set", values]);
            let said = said.err().unwrap_or_else(|| panic!("Helm {major}: {app} takes {values}"));
            for word in *wanted {
                assert!(said.contains(word), "Helm {major}: {values}: `{word}` is not in: {said}");
            }
        }
        let old = template(helm, &chart("hyyve"), "1.29.0", &[]).expect_err("it is for 1.30 and newer");
        assert!(old.contains("1.30"), "{old}");
    }
}

/// The text that Helm prints, made as a value of a template: `helm template` leaves it out.
fn told(helm: &Path, scratch: &Path, app: &str, arguments: &[&str]) -> String {
    let dir = scratch.join(app);
    copied(&chart(app), &dir);
    std::fs::rename(dir.join("templates/NOTES.txt"), dir.join("NOTES.txt")).expect("the folder is ours");
    let show = "notes: {{ tpl (.Files.Get \"NOTES.txt\") . | toJson }}\n";
    std::fs::write(dir.join("templates/told.yaml"), show).expect("the folder is ours");
    let more = [&["--show-only", "templates/told.yaml"], arguments].concat();
    let text =
        template(helm, &dir, "1.34.0", &more).unwrap_or_else(|said| panic!("{app} {arguments:?}: {said}"));
    parsed(&text)[0]["notes"].as_str().expect("it is a text").to_owned()
}

pub(crate) fn notes(helms: &Helms) {
    let scratch = tempfile::tempdir().expect("there is a folder for temporary files");
    let told = |app: &str, arguments: &[&str]| told(helms.newest(), scratch.path(), app, arguments);
    let given = scratch.path().join("given.yaml");
    std::fs::write(&given, AS_GIVEN).expect("the folder is ours");
    let given = given.display().to_string();
    // application, arguments, what is told
    let cases: [(&str, &[&str], &[&str]); 6] = [
        (
            "rtmx",
            &[],
            &[
                "URL",
                "Version",
                "SQLite",
                "Replicas",
                "! Backups              17 2 * * *, 7 kept ON THE DATABASE'S OWN VOLUME",
                "License",
                "! TLS",
                "get secret demo-rtmx-admin-token",
            ],
        ),
        (
            "rtmx",
            &["--values", &given],
            &[
                "Version              v1.0.0, chart ",
                "Image                ghcr.io/iotactical/rtmx:v1.0.0",
                "postgres.internal",
                "demo-rtmx-database",
                "! Network",
                "port 5432 is open to every address",
                "create secret generic",
            ],
        ),
        ("rtmx", &["--set", "rtmx.persistence.enabled=false"], &["! Storage rtmx", "lost with the pod"]),
        ("rtmx", &["--set", "networkPolicy.enabled=false"], &["! Network", "networkPolicy.enabled is false"]),
        (
            "rtmx",
            &["--set", "ingress.enabled=true,certManager.enabled=true,certManager.issuerRef.name=i"],
            &["https://rtmx.example.com", "TLS                  yes"],
        ),
        ("hyyve", &[], &["! Backups", "Sandbox", "Replicas workerBeat  1"]),
    ];
    for (app, arguments, wanted) in cases {
        let text = told(app, arguments);
        for word in wanted {
            assert!(text.contains(word), "{app} {arguments:?}: `{word}` is not in: {text}");
        }
        let rows: Vec<&str> =
            text.lines().filter(|line| line.starts_with("  ! ") || line.starts_with("    ")).collect();
        let last_risk = rows.iter().rposition(|line| line.starts_with("  ! "));
        let first_other = rows.iter().position(|line| !line.starts_with("  ! "));
        assert!(last_risk < first_other, "{app} {arguments:?}: what is risky stands first: {text}");
        assert!(text.lines().all(|line| line.chars().count() <= 140), "{app} {arguments:?}: {text}");
    }
    assert!(
        !told("rtmx", &["--set", "networkPolicy.database.to[0].ipBlock.cidr=10.0.0.0/8", "--values", &given])
            .contains("! Network")
    );
}
