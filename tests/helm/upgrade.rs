//! From the previous version to this one and back, on both engines, with a writer running.

use crate::asking::Asked;
use crate::ground::Ground;
use crate::load::{CALM, Counted, Load};
use crate::namespace::{Namespace, WAIT};
use crate::own_database::Customers;
use crate::{Helm, Ignored, releases};
use http::Method;
use rtmx_containers::DEFAULT_VERSION;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The project's own matrix, which is imported into the previous version.
const MATRIX: &str = include_str!("../../rtm/database.csv");
const EXPORT: &str = "/api/v1/projects/default/export.csv";
/// The user's answer to what the previous version did not know.
const NEW_SETTING: &str = "  extraEnv: [{name: RTMX_SERVER__DRAIN_DELAY, value: \"1s\"}]\n";
/// A pod begins with its migration, and ends within its grace period; five times what a busy machine takes.
const BEGIN_LIMIT: Duration = Duration::from_secs(150);
const SERVERS: &str = "--selector=app.kubernetes.io/component=server";

/// An installation of the previous version with data in it.
struct Installed<'g> {
    namespace: Namespace<'g>,
    values: String,
    token: String,
    /// The rows of the exported matrix.
    rows: Vec<String>,
    /// Secrets and claims: name, uid and version.
    kept: String,
    /// Whether two servers share a database, so that no request has to fail.
    is_shared: bool,
    #[allow(dead_code, reason = "held, not read")]
    customers: Option<Customers>,
}

impl<'g> Installed<'g> {
    fn on_sqlite(ground: &'g Ground, helm: Helm) -> Result<Installed<'g>, Ignored> {
        let values = "rtmx:\n  service: {type: NodePort}\n".to_owned();
        Installed::new(ground, Namespace::new(ground, helm)?, values, None)
    }

    fn on_postgres(ground: &'g Ground, helm: Helm) -> Result<Installed<'g>, Ignored> {
        let customers = Customers::start(ground, DEFAULT_VERSION)?;
        let namespace = Namespace::new(ground, helm)?;
        customers.name(&namespace, "db");
        customers.credentials(&namespace, "demo-rtmx-database");
        let values = format!(
            "rtmx:\n  replicaCount: 2\n  service: {{type: NodePort}}\n  \
             database: {{external: true, host: db, name: \"{}\"}}\n",
            customers.server.database()
        );
        Installed::new(ground, namespace, values, Some(customers))
    }

    fn new(
        ground: &'g Ground,
        namespace: Namespace<'g>,
        values: String,
        customers: Option<Customers>,
    ) -> Result<Installed<'g>, Ignored> {
        namespace.install_version(&releases::previous(ground)?, &values);
        let token = namespace.token();
        let forward = namespace.forward();
        let import = "/api/v1/projects/default/import";
        let imported = forward.call(&token, &Method::POST, import, "text/csv", MATRIX);
        assert_eq!(imported.status, 200, "{:?}", imported.json());
        drop(forward);
        let (is_shared, rows, kept) = (customers.is_some(), Vec::new(), String::new());
        let mut installed = Installed { namespace, values, token, rows, kept, is_shared, customers };
        installed.rows = installed.exported();
        assert!(installed.rows.len() > 100, "there is something to lose");
        installed.kept = installed.held();
        assert_eq!(installed.migrated()["schema"], 1, "the previous version lacks the newest migration");
        Ok(installed)
    }

    fn exported(&self) -> Vec<String> {
        let csv = self.namespace.forward().call(&self.token, &Method::GET, EXPORT, "text/plain", "");
        assert_eq!(csv.status, 200, "{:?}", csv.body);
        String::from_utf8(csv.body.to_vec()).expect("it is text").lines().map(str::to_owned).collect()
    }

    /// What outlives every version.
    fn held(&self) -> String {
        let wanted = "jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.data}{\"\\n\"}{end}";
        let secrets = ["get", "secrets", "--field-selector=type=Opaque", "--output", wanted];
        let claims =
            "jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.spec.volumeName}{\"\\n\"}{end}";
        let kept =
            [self.namespace.kubectl(&secrets), self.namespace.kubectl(&["get", "pvc", "--output", claims])];
        kept.join("\n")
    }

    /// What the migration of a server's pod said at its end.
    fn migrated(&self) -> serde_json::Value {
        let pods = self.namespace.kubectl(&["get", "pods", SERVERS, "--output", "name"]);
        let pod = pods.lines().next().expect("there is a pod");
        let log = self.namespace.kubectl(&["logs", pod, "--container", "migrate"]);
        let mut said = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        said.rfind(|line| line["message"] == "migrated").unwrap_or_else(|| panic!("{log}"))
    }

    /// A writer among readers, who go on until they are stopped.
    fn load(&self) -> Load {
        Load::start(self.namespace.node_port(), &self.token, CALM)
    }

    /// Waits until every server is of this image: those before it take a moment to end.
    fn runs(&self, (name, tag): &(String, String)) {
        let wanted = format!("{name}:{tag}");
        let path = "jsonpath={.items[*].spec.containers[0].image}";
        let began = Instant::now();
        loop {
            let images = self.namespace.kubectl(&["get", "pods", SERVERS, "--output", path]);
            if !images.is_empty() && images.split_whitespace().all(|image| image == wanted) {
                return;
            }
            assert!(began.elapsed() < BEGIN_LIMIT, "{images}");
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// Nothing that was there is gone, and nothing that was acknowledged since.
    fn holds_everything(&self, counted: &Counted) {
        let rows: BTreeSet<String> = self.exported().into_iter().collect();
        let lost: Vec<_> = self.rows.iter().filter(|row| !rows.contains(*row)).collect();
        assert!(lost.is_empty(), "rows that are gone or changed: {lost:?}");
        counted.assert_kept(&self.namespace.forward(), &self.token);
        if self.is_shared {
            counted.assert_none_failed(&"another version came");
        }
        assert_eq!(self.held(), self.kept, "secrets and claims are those that were there");
    }
}

pub(crate) fn preserves_data(ground: &Ground, helm: Helm) -> Result<(), Ignored> {
    for installed in [Installed::on_sqlite, Installed::on_postgres] {
        let installed = installed(ground, helm)?;
        let load = installed.load();
        let values = format!("{}{NEW_SETTING}", installed.values);
        installed.namespace.install(&values);
        installed.holds_everything(&load.stop());
        installed.runs(&ground.image);
        assert_eq!(installed.migrated()["schema"], 2);
        let tested = installed.namespace.run_helm(&["test", "demo", "--timeout", "120s"]);
        assert!(tested.contains("Succeeded"), "{tested}");
    }
    Ok(())
}

pub(crate) fn is_rolled_back(ground: &Ground, helm: Helm) -> Result<(), Ignored> {
    for installed in [Installed::on_sqlite, Installed::on_postgres] {
        let installed = installed(ground, helm)?;
        let values = format!("{}{NEW_SETTING}", installed.values);
        installed.namespace.install(&values);
        installed.namespace.forward().make(&installed.token, "REQ-WRITTEN-BY-THE-NEW-VERSION");
        let load = installed.load();
        installed.namespace.run_helm(&["rollback", "demo", "1", "--wait", "--timeout", WAIT]);
        installed.holds_everything(&load.stop());
        let ids = installed.namespace.forward().all_ids(&installed.token);
        assert!(ids.iter().any(|id| id == "REQ-WRITTEN-BY-THE-NEW-VERSION"), "it is on the newer schema");
        installed.runs(&releases::previous(ground)?.image);
        let migrated = installed.migrated();
        assert_eq!((&migrated["schema"], &migrated["standing"]), (&2.into(), &"Ahead".into()));
        // Whoever went back goes on later.
        installed.namespace.install(&values);
        installed.namespace.forward().make(&installed.token, "REQ-UPGRADED-AGAIN");
    }
    Ok(())
}

pub(crate) fn takes_nothing_away(ground: &Ground) -> Result<(), Ignored> {
    for installed in [Installed::on_sqlite, Installed::on_postgres] {
        let installed = installed(ground, Helm::Four)?;
        let load = installed.load();
        let broken = releases::broken(ground)?;
        let ended =
            installed.namespace.try_version(&broken, &installed.values, &["--wait", "--timeout", "30s"]);
        assert!(!ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        // What an operator finds in the log of the pod that does not begin.
        let logs = ["logs", SERVERS, "--container", "migrate", "--tail", "-1"];
        let said = installed.namespace.await_text(&logs, "migration 3 `half_done` failed");
        assert!(said.contains("migration_failed") && said.contains("no_such_table"), "{said}");
        if installed.is_shared {
            installed.namespace.forward().make(&installed.token, "REQ-WRITTEN-MEANWHILE");
        }
        installed.namespace.run_helm(&["rollback", "demo", "1", "--wait", "--timeout", WAIT]);
        installed.holds_everything(&load.stop());
    }
    Ok(())
}
