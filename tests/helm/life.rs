//! Installed, written to, its pod deleted, taken away and installed again.

use crate::asking::Asked;
use crate::ground::{BUNDLED, Ground};
use crate::namespace::{Namespace, WAIT};
use crate::{Helm, Ignored};
use http::Method;
use rtmx_containers::DEFAULT_VERSION;

/// The project's own matrix, which is imported.
const MATRIX: &str = include_str!("../../rtm/database.csv");

pub(crate) fn on_sqlite(ground: &Ground) -> Result<(), Ignored> {
    let namespace = Namespace::new(ground, Helm::Four)?;
    let said = namespace.install("");
    assert!(said.contains("SQLite, one pod"), "{said}");
    lives(&namespace, "");
    Ok(())
}

/// The version that the chart brings.
pub(crate) fn on_bundled_postgres(ground: &Ground) -> Result<(), Ignored> {
    let namespace = Namespace::new(ground, Helm::Four)?;
    let values = bundling(ground, BUNDLED)?;
    namespace.install(&values);
    lives(&namespace, &values);
    Ok(())
}

/// One whose image has its data elsewhere.
pub(crate) fn on_newest_postgres(ground: &Ground) -> Result<(), Ignored> {
    let namespace = Namespace::new(ground, Helm::Four)?;
    let values = bundling(ground, DEFAULT_VERSION)?;
    namespace.install(&values);
    let token = namespace.token();
    namespace.forward().make(&token, "REQ-A-1");
    namespace.kubectl(&["delete", "pod", "demo-rtmx-postgresql-0"]);
    namespace.kubectl(&["rollout", "status", "statefulset/demo-rtmx-postgresql", "--timeout", WAIT]);
    namespace.kubectl(&["rollout", "status", "deployment/demo-rtmx", "--timeout", WAIT]);
    assert_eq!(namespace.forward().ids(&token), ["REQ-A-1"], "the database's pod was deleted");
    Ok(())
}

/// The values that bring a version.
pub(crate) fn bundling(ground: &Ground, version: u16) -> Result<String, Ignored> {
    let image = ground.postgres(version)?;
    let (name, tag) = image.rsplit_once(':').ok_or("the image has no tag")?;
    Ok(format!("postgresql: {{enabled: true, image: {{repository: {name}, tag: \"{tag}\"}}}}\n"))
}

fn lives(namespace: &Namespace<'_>, values: &str) {
    let token = namespace.token();
    let forward = namespace.forward();
    forward.make(&token, "REQ-A-1");
    let dashboard = forward.call(&token, &Method::GET, "/", "text/plain", "");
    assert!([200, 303].contains(&dashboard.status.as_u16()), "{}", dashboard.status);
    let tested = namespace.run_helm(&["test", "demo", "--timeout", "120s"]);
    assert!(tested.contains("Succeeded"), "{tested}");

    namespace.kubectl(&["delete", "pod", "--selector", "app.kubernetes.io/instance=demo"]);
    drop(forward);
    // Waits until what was deleted is ready again.
    namespace.install(values);
    let forward = namespace.forward();
    assert_eq!(forward.ids(&token), ["REQ-A-1"], "the pods were deleted");
    let imported = forward.call(&token, &Method::POST, "/api/v1/projects/default/import", "text/csv", MATRIX);
    assert_eq!(imported.status, 200, "{:?}", imported.json());
    let before = forward.ids(&token);
    drop(forward);

    namespace.run_helm(&["uninstall", "demo", "--wait"]);
    let claims = namespace.kubectl(&["get", "pvc", "--output", "name"]);
    assert!(!claims.is_empty(), "claims outlive the release");
    namespace.install(values);
    assert_eq!(namespace.token(), token, "the token outlives the release, as the data does");
    assert_eq!(namespace.forward().ids(&token), before, "uninstalled and installed again");
}

pub(crate) fn secrets_are_made_once(ground: &Ground) -> Result<(), Ignored> {
    let namespace = Namespace::new(ground, Helm::Four)?;
    // One that is there before: given by the operator.
    namespace.apply(&serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "demo-rtmx-admin-token"},
        "stringData": {"token": "given-0123456789abcdef0123456789abcdef"},
    }));
    // Any user works, as clusters choose them that have one for each namespace.
    let anybody = "{runAsUser: 1000770000, runAsGroup: 0}";
    namespace.install(&format!("securityContext: {anybody}\npodSecurityContext: {{fsGroup: 1000770000}}\n"));
    let token = namespace.token();
    assert_eq!(token, "given-0123456789abcdef0123456789abcdef");
    assert_eq!(namespace.forward().ids(&token), Vec::<String>::new(), "it is the one that counts");
    let version = namespace.field("secret/demo-rtmx-admin-token", "{.metadata.resourceVersion}");
    namespace.install("rtmx: {podAnnotations: {round: two}}\n");
    assert_eq!(namespace.field("secret/demo-rtmx-admin-token", "{.metadata.resourceVersion}"), version);
    // What made them is gone, and its rights with it.
    let left = namespace.kubectl(&["get", "jobs,roles,rolebindings", "--output", "name"]);
    assert_eq!(left, "");
    Ok(())
}
