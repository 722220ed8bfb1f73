//! Which values the charts are tried with.

use super::helm::{Helms, chart, parsed, run, template};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A chart with values.
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) app: &'static str,
    pub(crate) arguments: &'static [&'static str],
}

/// The values of the requirements, after their variables were replaced.
pub(crate) const AS_GIVEN: &str = "rtmx:\n  replicaCount: 3\n  image: {repository: ghcr.io/iotactical/rtmx, tag: \"v1.0.0\"}\n  database: {external: true, host: \"postgres.internal\", name: \"rtmx\"}\n  license: {key: \"a-license\", offlineMode: true}\n  persistence: {enabled: true, size: 10Gi}\n";

const EDGE: &str = "ingress.enabled=true,certManager.enabled=true,certManager.issuerRef.name=issuer,gateway.enabled=true,gateway.parentRefs[0].name=public,istio.enabled=true,istio.gateways[0]=public";
const WATCHED: &str = "monitoring.enabled=true,monitoring.labels.release=prometheus";
const LONG: &str = "fullnameOverride=a-name-that-is-much-longer-than-what-kubernetes-takes-in-a-label";
const VAULT: &str = "externalSecrets.enabled=true,externalSecrets.vault.create=true,externalSecrets.vault.server=https://vault.example.com,externalSecrets.vault.role=app,externalSecrets.secretStoreRef.kind=SecretStore";

/// Everything that is tried, beside the presets.
pub(crate) const VARIANTS: &[Variant] = &[
    Variant { name: "default", app: "rtmx", arguments: &[] },
    Variant {
        name: "bundled",
        app: "rtmx",
        arguments: &["--set", "postgresql.enabled=true,rtmx.replicaCount=2"],
    },
    Variant {
        name: "external",
        app: "rtmx",
        arguments: &[
            "--set",
            "rtmx.database.external=true,rtmx.database.host=db,rtmx.replicaCount=3,rtmx.autoscaling.enabled=true,rtmx.license.key=k",
        ],
    },
    Variant {
        name: "by url",
        app: "rtmx",
        arguments: &[
            "--set",
            "rtmx.database.external=true,rtmx.database.existingSecret=mine,rtmx.license.existingSecret=mine,rtmx.auth.existingSecret=mine",
        ],
    },
    Variant {
        name: "online",
        app: "rtmx",
        arguments: &["--set", "rtmx.license.offlineMode=false,rtmx.license.serverUrl=https://l.example.com"],
    },
    Variant { name: "edge", app: "rtmx", arguments: &["--set", EDGE] },
    Variant { name: "watched", app: "rtmx", arguments: &["--set", WATCHED] },
    Variant { name: "long", app: "rtmx", arguments: &["--set", LONG, "--set", "postgresql.enabled=true"] },
    Variant {
        name: "openshift",
        app: "rtmx",
        arguments: &["--api-versions", "security.openshift.io/v1", "--set", "postgresql.enabled=true"],
    },
    Variant { name: "no group", app: "rtmx", arguments: &["--set", "podSecurityContext.fsGroup=null"] },
    Variant {
        name: "nothing said",
        app: "rtmx",
        arguments: &[
            "--set",
            "rtmx.resources=null,rtmx.image.tag=null,rtmx.podAnnotations=null,ingress.hosts=null",
        ],
    },
    Variant {
        name: "open",
        app: "rtmx",
        arguments: &[
            "--set",
            "networkPolicy.enabled=false,topologySpreadConstraints.enabled=false,serviceAccount.create=false,tests.enabled=false,secrets.create=false",
        ],
    },
    Variant { name: "lost", app: "rtmx", arguments: &["--set", "rtmx.persistence.enabled=false"] },
    Variant {
        name: "claimed",
        app: "rtmx",
        arguments: &["--set", "rtmx.persistence.existingClaim=mine,global.storageClass=fast"],
    },
    Variant {
        name: "placed",
        app: "rtmx",
        arguments: &[
            "--set",
            "rtmx.nodeSelector.a=b,rtmx.tolerations[0].operator=Exists,rtmx.priorityClassName=high,rtmx.podLabels.a=b,rtmx.podAnnotations.a=b,rtmx.extraEnv[0].name=A,rtmx.extraEnv[0].value=b,global.imagePullSecrets[0]=pull,rtmx.service.annotations.a=b,rtmx.service.type=LoadBalancer,rtmx.extraVolumes[0].name=e,rtmx.extraVolumes[0].emptyDir.sizeLimit=1Mi,rtmx.extraVolumeMounts[0].name=e,rtmx.extraVolumeMounts[0].mountPath=/e",
        ],
    },
    Variant {
        name: "brought",
        app: "rtmx",
        arguments: &[
            "--set",
            VAULT,
            "--set",
            "externalSecrets.data[0].secretKey=admin_token,externalSecrets.data[0].remoteRef.key=rtmx,externalSecrets.data[0].remoteRef.property=token",
        ],
    },
    Variant {
        name: "no probes",
        app: "rtmx",
        arguments: &["--set", "rtmx.startupProbe=null,rtmx.livenessProbe=null,global=null"],
    },
    Variant { name: "default", app: "hyyve", arguments: &[] },
    Variant {
        name: "scaled",
        app: "hyyve",
        arguments: &[
            "--set",
            "web.autoscaling.enabled=true,api.autoscaling.enabled=true,worker.autoscaling.enabled=true",
        ],
    },
    Variant {
        name: "queue",
        app: "hyyve",
        arguments: &["--set", "worker.autoscaling.enabled=true,worker.keda.enabled=true"],
    },
    Variant { name: "edge", app: "hyyve", arguments: &["--set", EDGE] },
    Variant {
        name: "all on",
        app: "hyyve",
        arguments: &[
            "--set",
            "nginx.enabled=true,sandbox.enabled=true,ssrfProxy.enabled=true,worker.keda.enabled=true",
        ],
    },
    Variant {
        name: "classes",
        app: "hyyve",
        arguments: &[
            "--set",
            "storageClasses.ebs.enabled=true,storageClasses.pd.enabled=true,storageClasses.azure.enabled=true",
        ],
    },
    Variant {
        name: "local",
        app: "hyyve",
        arguments: &["--set", "config.storageType=local,persistence.accessMode=ReadWriteMany"],
    },
    Variant { name: "long", app: "hyyve", arguments: &["--set", LONG] },
    Variant {
        name: "brought",
        app: "hyyve",
        arguments: &[
            "--set",
            "externalSecrets.enabled=true,externalSecrets.data[0].secretKey=database_url,externalSecrets.data[0].remoteRef.key=hyyve,postgresql.enabled=false",
        ],
    },
];

/// The presets of an application, as files.
pub(crate) fn presets(app: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(chart(app)).expect("the chart is there");
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("values-") && name.ends_with(".yaml")
    });
    files.sort();
    files
}

/// A digest for every image, which those presets ask for that are meant for production.
pub(crate) fn pins(app: &str) -> Vec<String> {
    let text = std::fs::read_to_string(chart(app).join("values.yaml")).expect("the chart is there");
    let values: BTreeMap<String, Value> = serde_saphyr::from_str(&text).expect("they can be read");
    let with_image = values.iter().filter(|(_, value)| value["image"]["digest"].is_string());
    let pin = |key: &String| format!("{key}.image.digest=sha256:{}", "0".repeat(64));
    with_image.flat_map(|(key, _)| ["--set".to_owned(), pin(key)]).collect()
}

/// Every variant, presets, the values of the requirements, and both charts as parts of a third one: what is
/// called how, and the chart with its arguments.
pub(crate) fn all(scratch: &Path) -> Vec<(String, PathBuf, Vec<String>)> {
    let mut all: Vec<(String, PathBuf, Vec<String>)> = VARIANTS
        .iter()
        .map(|it| {
            let arguments = it.arguments.iter().map(|word| (*word).to_owned()).collect();
            (format!("{} {}", it.app, it.name), chart(it.app), arguments)
        })
        .collect();
    for app in ["rtmx", "hyyve"] {
        let presets = presets(app);
        assert_eq!(presets.len(), 5, "{app}: dev, staging, prod, ci, airgap");
        for file in presets {
            let mut arguments = vec!["--values".to_owned(), file.display().to_string()];
            arguments.extend(pins(app));
            all.push((format!("{app} {}", file.display()), chart(app), arguments));
        }
    }
    let given = scratch.join("as-given.yaml");
    std::fs::write(&given, AS_GIVEN).expect("the folder is ours");
    all.push((
        "rtmx as given".to_owned(),
        chart("rtmx"),
        vec!["--values".to_owned(), given.display().to_string()],
    ));
    all.push(("umbrella".to_owned(), umbrella(scratch), Vec::new()));
    let one = vec!["--set".to_owned(), "hyyve.enabled=false".to_owned()];
    all.push(("umbrella of one".to_owned(), umbrella(scratch), one));
    all
}

/// A chart that both are parts of.
pub(crate) fn umbrella(scratch: &Path) -> PathBuf {
    let dir = scratch.join("umbrella");
    let dependency =
        |name: &str| format!("  - {{name: {name}, version: \"*\", condition: {name}.enabled}}\n");
    let about = format!(
        "apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n{}{}",
        dependency("rtmx"),
        dependency("hyyve")
    );
    std::fs::create_dir_all(dir.join("charts")).expect("the folder is ours");
    std::fs::write(dir.join("Chart.yaml"), about).expect("the folder is ours");
    let values =
        "global:\n  imageRegistry: registry.internal\n  ours: {more: true}\nrtmx:\n  nameOverride: tracing\n";
    std::fs::write(dir.join("values.yaml"), values).expect("the folder is ours");
    for name in ["rtmx", "hyyve"] {
        copied(&chart(name), &dir.join("charts").join(name));
    }
    dir
}

/// Copies a folder.
pub(crate) fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the folder is ours");
    for entry in std::fs::read_dir(from).expect("it can be listed").flatten() {
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copied(&path, &place);
        } else {
            std::fs::copy(&path, &place).expect("it can be copied");
        }
    }
}

pub(crate) fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// `helm lint --strict` finds nothing, on both majors, with and without each preset.
pub(crate) fn lint(helms: &Helms) {
    for (major, helm) in &helms.all {
        for app in ["rtmx", "hyyve"] {
            for file in std::iter::once(None).chain(presets(app).into_iter().map(Some)) {
                let mut arguments: Vec<OsString> = vec!["lint".into(), "--strict".into(), chart(app).into()];
                arguments.extend(["--kube-version".into(), "1.34.0".into()]);
                if let Some(file) = &file {
                    arguments.extend(["--values".into(), file.into()]);
                }
                let output = run(helm, arguments);
                let said = String::from_utf8_lossy(&output.stdout);
                let clean =
                    output.status.success() && !said.contains("[WARNING]") && !said.contains("[ERROR]");
                assert!(
                    clean,
                    "Helm {major}, {app}, {file:?}: {said}{}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        }
    }
}

/// Both majors make the same objects of every variant.
pub(crate) fn same(helms: &Helms) {
    let scratch = tempfile::tempdir().expect("there is a folder for temporary files");
    for (name, chart, arguments) in all(scratch.path()) {
        let mut first = None;
        for (major, helm) in &helms.all {
            let text = template(helm, &chart, "1.34.0", &words(&arguments));
            let text = text.unwrap_or_else(|said| panic!("Helm {major}, {name}: {said}"));
            let mut objects: Vec<String> = parsed(&text).iter().map(ToString::to_string).collect();
            objects.sort();
            match &first {
                None => first = Some(objects),
                Some(first) => assert_eq!(*first, objects, "Helm {major}, {name}"),
            }
        }
    }
}

/// The same bytes each time, and no secret in them but what the values contain.
pub(crate) fn stable(helms: &Helms) {
    let scratch = tempfile::tempdir().expect("there is a folder for temporary files");
    for (name, chart, arguments) in all(scratch.path()) {
        let render =
            || template(helms.newest(), &chart, "1.34.0", &words(&arguments)).expect("it is rendered");
        let first = render();
        assert!((0..2).all(|_| render() == first), "{name}");
        let secrets: Vec<_> = parsed(&first).into_iter().filter(|it| it["kind"] == "Secret").collect();
        let given = first.contains("a-license") || arguments.iter().any(|word| word.contains("license.key"));
        let wanted = usize::from(given || name == "rtmx as given");
        assert_eq!(secrets.len(), wanted, "{name}: {secrets:?}");
    }
}
