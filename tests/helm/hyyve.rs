//! The chart of the second application, as far as its images can be had: what it stands on, without the
//! application itself.

use crate::asking::Asked;
use crate::forward::Forward;
use crate::ground::{BUNDLED, Ground};
use crate::namespace::{Namespace, WAIT};
use crate::{Helm, Ignored};
use http::Method;
use rtmx_containers::parts_image;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const ABSENT: [&str; 7] = ["web", "api", "worker", "workerBeat", "weaviate", "sandbox", "ssrfProxy"];
/// nginx looks names up every ten seconds, and a pod is deleted within a few.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn infrastructure(ground: &Ground) -> Result<(), Ignored> {
    let parts = parts_image().map_err(|error| error.to_string())?;
    let postgres = ground.postgres(BUNDLED)?;
    ground.load(&parts)?;
    let namespace = Namespace::new(ground, Helm::Four)?;
    install(&namespace, &values(ground, &parts, &postgres));
    let application = Application { namespace: &namespace };
    application.is_whole();
    application.sql("CREATE TABLE kept AS SELECT 42 AS answer");
    assert_eq!(application.redis("SET kept 42"), "OK");

    namespace.kubectl(&["delete", "pod", "--selector", "app.kubernetes.io/instance=demo"]);
    for workload in
        ["statefulset/demo-hyyve-postgresql", "statefulset/demo-hyyve-redis", "deployment/demo-hyyve-nginx"]
    {
        namespace.kubectl(&["rollout", "status", workload, "--timeout", WAIT]);
    }
    application.is_whole();
    assert_eq!(application.sql("SELECT answer FROM kept"), "42", "its pod was deleted");
    assert_eq!(application.redis("GET kept"), "42", "its pod was deleted");
    Ok(())
}

/// Only what packages give images for, and no more of the machine than it needs here.
fn values(ground: &Ground, parts: &str, postgres: &str) -> Value {
    let image = |reference: &str| {
        let (name, tag) = reference.rsplit_once(':').expect("it has a tag");
        json!({"repository": name, "tag": tag})
    };
    let little = json!({"requests": {"cpu": "50m", "memory": "64Mi"}});
    let part = |reference| json!({"enabled": true, "image": image(reference), "resources": little});
    let mut values = json!({
        "postgresql": part(postgres),
        "redis": part(parts),
        "nginx": part(parts),
        "secrets": {"image": {"repository": ground.image.0, "tag": ground.image.1}},
    });
    for name in ABSENT {
        values[name] = json!({"enabled": false});
    }
    values
}

fn install(namespace: &Namespace<'_>, values: &Value) {
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/hyyve/chart");
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), values.to_string()).expect("it is ours");
    let (chart, file) = (chart.display().to_string(), file.path().display().to_string());
    namespace.run_helm(&[
        "upgrade",
        "--install",
        "demo",
        &chart,
        "--values",
        &file,
        "--wait",
        "--timeout",
        WAIT,
    ]);
}

/// What stands in the namespace.
struct Application<'n> {
    namespace: &'n Namespace<'n>,
}

impl Application<'_> {
    /// Each part answers, to whoever has the password alone.
    fn is_whole(&self) {
        let extensions = "SELECT count(*) FROM pg_extension WHERE extname IN ('pgcrypto', 'pg_trgm')";
        assert_eq!(self.sql(extensions), "2", "its first start ran what the chart brings");
        let refused = self.ask_sql("not the password", "SELECT 1");
        assert!(refused.contains("authentication failed"), "{refused}");
        assert_eq!(self.redis("PING"), "PONG");
        let refused = self.ask_redis("", "PING");
        assert!(refused.contains("NOAUTH"), "{refused}");

        let nginx = Forward::to(self.namespace, "service/demo-hyyve-nginx", 8080);
        let health = nginx.call("", &Method::GET, "/health", "text/plain", "");
        assert_eq!((health.status.as_u16(), health.json()["service"].as_str()), (200, Some("nginx")));
        // It has started without what is behind it, and says so.
        let began = Instant::now();
        loop {
            let page = nginx.call("", &Method::GET, "/api/projects", "text/plain", "");
            if page.status == 502 {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "{}", page.status);
        }
    }

    /// What the database answers to whoever has the password that was made for it.
    fn sql(&self, statement: &str) -> String {
        self.ask_sql(&self.namespace.secret("demo-hyyve-db-credentials", "password"), statement)
    }

    /// By the service's name, because connections from the machine itself may be let in without a password.
    fn ask_sql(&self, password: &str, statement: &str) -> String {
        let words = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--host=demo-hyyve-postgresql"];
        let whom = ["--username=hyyve", "--dbname=hyyve", "--command", statement];
        self.exec("statefulset/demo-hyyve-postgresql", "PGPASSWORD", password, &[&words[..], &whom].concat())
    }

    fn redis(&self, command: &str) -> String {
        self.ask_redis(&self.namespace.secret("demo-hyyve-redis", "password"), command)
    }

    fn ask_redis(&self, password: &str, command: &str) -> String {
        let words: Vec<&str> = ["redis-cli"].into_iter().chain(command.split(' ')).collect();
        self.exec("statefulset/demo-hyyve-redis", "REDISCLI_AUTH", password, &words)
    }

    /// What a command in a pod says, with a password in a variable of its own.
    fn exec(&self, pod: &str, variable: &str, password: &str, command: &[&str]) -> String {
        let mut kubectl = self.namespace.ground.kubectl_command();
        kubectl.args(["--namespace", &self.namespace.name, "exec", pod, "--", "env"]);
        if !password.is_empty() {
            kubectl.arg(format!("{variable}={password}"));
        }
        let ended = kubectl.args(command).output().expect("kubectl runs");
        let said = [ended.stdout, ended.stderr].concat();
        String::from_utf8_lossy(&said).trim().to_owned()
    }
}
