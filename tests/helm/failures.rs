//! Upgrades that cannot go through: each says why, the old servers go on, and once the cause is away the same
//! command, or a rollback, ends well.

use crate::asking::Asked;
use crate::ground::Ground;
use crate::load::{CALM, Load};
use crate::namespace::{Namespace, WAIT};
use crate::own_database::Customers;
use crate::{Helm, Ignored};
use rtmx_containers::DEFAULT_VERSION;
use serde_json::{Value, json};

/// A release with two servers on the customer's database.
struct Working<'g> {
    namespace: Namespace<'g>,
    customers: Customers,
}

impl<'g> Working<'g> {
    fn start(ground: &'g Ground, helm: Helm) -> Result<Working<'g>, Ignored> {
        let customers = Customers::start(ground, DEFAULT_VERSION)?;
        let namespace = Namespace::new(ground, helm)?;
        customers.name(&namespace, "db");
        customers.credentials(&namespace, "demo-rtmx-database");
        let working = Working { namespace, customers };
        working.namespace.install(&working.values(&json!({})));
        Ok(working)
    }

    /// The values of the release, with these ones of the servers.
    fn values(&self, more: &Value) -> String {
        let mut values = json!({"rtmx": {
            "replicaCount": 2, "service": {"type": "NodePort"},
            "database": {"external": true, "host": "db", "name": self.customers.server.database()},
        }});
        for (key, value) in more.as_object().expect("it is one") {
            let rtmx = values["rtmx"].as_object_mut().expect("it is one");
            match (rtmx.get_mut(key).and_then(Value::as_object_mut), value) {
                (Some(there), Value::Object(value)) => there.extend(value.clone()),
                _ => drop(rtmx.insert(key.clone(), value.clone())),
            }
        }
        values.to_string()
    }

    /// Does something while users work, and holds them to have noticed nothing.
    fn unnoticed(&self, act: impl FnOnce()) {
        let token = self.namespace.token();
        let load = Load::start(self.namespace.node_port(), &token, CALM);
        act();
        let counted = load.stop();
        counted.assert_none_failed(&"");
        counted.assert_kept(&self.namespace.forward(), &token);
    }

    fn servers(&self) -> String {
        let server = "--selector=app.kubernetes.io/component=server";
        self.namespace.kubectl(&["get", "pods", server, "--output", "name"])
    }
}

pub(crate) fn an_image_that_is_not_there(ground: &Ground, helm: Helm) -> Result<(), Ignored> {
    let working = Working::start(ground, helm)?;
    let namespace = &working.namespace;
    let before = working.servers();
    working.unnoticed(|| {
        // Nobody listens there.
        let wrong = ["--set", "rtmx.image.repository=127.0.0.1:1/rtmx", "--set", "rtmx.image.tag=v0.0.0"];
        let complaint = namespace.refused(&working.values(&json!({})), &wrong);
        assert!(complaint.contains("pre-upgrade hooks failed"), "{complaint}");
        if helm == Helm::Four {
            assert!(complaint.contains("demo-rtmx-secrets, kind: Job"), "{complaint}");
        }
        let pods = namespace.await_text(&["get", "pods"], "ImagePull");
        assert!(pods.contains("demo-rtmx-secrets"), "{pods}");
        namespace.await_text(&["get", "events"], "Failed to pull image \"127.0.0.1:1/rtmx:v0.0.0\"");
        assert_eq!(working.servers(), before, "no server was touched");
        namespace.run_helm(&["rollback", "demo", "--wait", "--timeout", WAIT]);
        namespace.install(&working.values(&json!({"podAnnotations": {"round": "two"}})));
    });
    Ok(())
}

pub(crate) fn a_wrong_secret(ground: &Ground) -> Result<(), Ignored> {
    let working = Working::start(ground, Helm::Four)?;
    let namespace = &working.namespace;
    working.unnoticed(|| {
        let values = working.values(&json!({"database": {"existingSecret": "theirs"}}));
        let complaint = namespace.refused(&values, &[]);
        assert!(complaint.contains("demo-rtmx, kind: Deployment"), "{complaint}");
        namespace.await_text(&["get", "events"], "secret \"theirs\" not found");

        namespace.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"},
            "stringData": {"username": working.customers.server.user(), "password": "not this one"},
        }));
        let server = "--selector=app.kubernetes.io/component=server";
        let log = ["logs", server, "--container", "migrate", "--tail", "-1"];
        let log = namespace.await_text(&log, "the server refused the password");
        let line = log.lines().find(|line| line.contains("refused the password")).unwrap_or_default();
        for told in ["storage_denied", "\"next\":\"Correct the password of "] {
            assert!(line.contains(told), "{told} is not in {line}");
        }

        working.customers.credentials(namespace, "theirs");
        namespace.install(&values);
    });
    // Nothing is left behind that waits in vain: the backup of the installation is the only job.
    let jobs = namespace.kubectl(&["get", "jobs", "--output", "jsonpath={.items[*].status.succeeded}"]);
    assert_eq!(jobs, "1", "{}", namespace.trouble());
    Ok(())
}

/// A Secret that is there and has no address: a server that made itself a database would be ready, and alone.
pub(crate) fn a_secret_without_an_address(ground: &Ground) -> Result<(), Ignored> {
    let customers = Customers::start(ground, DEFAULT_VERSION)?;
    let namespace = Namespace::new(ground, Helm::Four)?;
    customers.name(&namespace, "db");
    let (user, database) = (customers.server.user(), customers.server.database());
    let password = customers.server.password().unwrap_or_default();
    let url = format!("postgresql://{user}:{password}@db:5432/{database}");
    // As an operator for PostgreSQL has it, under a key that is not the chart's.
    let secret = |key: &str| {
        namespace.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"}, "stringData": {key: url},
        }));
    };
    secret("uri");
    let values =
        json!({"rtmx": {"replicaCount": 2, "database": {"external": true, "existingSecret": "theirs"}}});
    let values = values.to_string();
    let complaint = namespace.refused(&values, &[]);
    assert!(complaint.contains("demo-rtmx, kind: Deployment"), "{complaint}");
    let server = "--selector=app.kubernetes.io/component=server";
    let log = ["logs", server, "--container", "migrate", "--tail", "-1"];
    let log = namespace.await_text(&log, "config_invalid");
    assert!(log.contains("`database.engine` is `postgresql`") && !log.contains(&password), "{log}");

    secret("url");
    namespace.install(&values);
    let (token, forward) = (namespace.token(), namespace.forward());
    forward.make(&token, "REQ-A-1");
    assert_eq!(customers.ask("SELECT id FROM rtmx.requirement"), "REQ-A-1", "both are on the customer's");
    Ok(())
}

pub(crate) fn a_quota(ground: &Ground) -> Result<(), Ignored> {
    let working = Working::start(ground, Helm::Four)?;
    let namespace = &working.namespace;
    // Two servers of 1 GiB and the job before the release, but not a third one.
    namespace.apply(&json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"},
        "spec": {"hard": {"limits.memory": "2200Mi"}},
    }));
    namespace.await_text(&["get", "resourcequota", "team"], "limits.memory: 2Gi/2200Mi");
    working.unnoticed(|| {
        let values = working.values(&json!({"podAnnotations": {"round": "two"}}));
        let complaint = namespace.refused(&values, &[]);
        assert!(complaint.contains("demo-rtmx, kind: Deployment"), "{complaint}");
        let told = namespace.await_text(&["describe", "deployment/demo-rtmx"], "ReplicaFailure");
        assert!(told.contains("FailedCreate"), "{told}");
        let told = namespace.await_text(&["get", "events"], "exceeded quota: team");
        assert!(told.contains("requested: limits.memory=1Gi, used: limits.memory=2Gi"), "{told}");

        namespace.kubectl(&["delete", "resourcequota", "team"]);
        namespace.install(&values);
    });
    Ok(())
}

pub(crate) fn a_webhook(ground: &Ground, helm: Helm) -> Result<(), Ignored> {
    let working = Working::start(ground, helm)?;
    let namespace = &working.namespace;
    let before = working.servers();
    let name = format!("{}.example.com", namespace.name);
    let metadata = json!({"name": name, "ownerReferences": namespace.owns()});
    let here = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace.name}});
    let deployments = json!([{
        "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
        "resources": ["deployments"],
    }]);
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": metadata,
        "webhooks": [{
            "name": "review.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "failurePolicy": "Fail", "namespaceSelector": here, "rules": deployments,
            "clientConfig": {"service": {"namespace": namespace.name, "name": "nobody"}},
        }],
    });
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {
            "matchConstraints": {"resourceRules": deployments},
            "validations": [{
                "expression": "'cost-centre' in object.metadata.labels",
                "message": "a Deployment names its cost centre",
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": {
            "policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": here},
        },
    });
    let kinds =
        "validatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings";
    let cases = [
        (vec![&webhook], "failed calling webhook \"review.example.com\""),
        (vec![&policy, &binding], "denied request: a Deployment names its cost centre"),
    ];
    working.unnoticed(|| {
        for (at, (refusing, told)) in cases.iter().enumerate() {
            refusing.iter().for_each(|object| namespace.apply(object));
            // It takes a moment until the API asks it.
            let label = ["label", "deployment/demo-rtmx", "round=one", "--overwrite", "--dry-run=server"];
            namespace.await_text(&label, told);
            let values = working.values(&json!({"podAnnotations": {"round": at.to_string()}}));
            let complaint = namespace.refused(&values, &[]);
            assert!(complaint.contains(told) && complaint.contains("UPGRADE FAILED"), "{complaint}");
            if at == 0 {
                assert_eq!(working.servers(), before, "no server was touched");
            }
            for kind in kinds.split(',') {
                namespace.kubectl(&["delete", kind, &name, "--ignore-not-found"]);
            }
            namespace.await_text(&label, "labeled (server dry run)");
            namespace.install(&values);
        }
    });
    Ok(())
}

/// The one of a new installation: there is nothing yet that could go on.
pub(crate) fn a_claim_of_no_class(ground: &Ground) -> Result<(), Ignored> {
    let namespace = Namespace::new(ground, Helm::Four)?;
    let of_class = |class: &str| format!("rtmx: {{persistence: {{storageClass: \"{class}\"}}}}\n");
    let complaint = namespace.refused(&of_class("absent"), &[]);
    assert!(complaint.contains("demo-rtmx, kind: StatefulSet"), "{complaint}");
    namespace.await_text(&["get", "pods"], "Pending");
    namespace.await_text(&["describe", "pvc/data-demo-rtmx-0"], "\"absent\" not found");

    // Corrected, it is told why that is not enough, and what is.
    let complaint = namespace.refused(&of_class(""), &[]);
    assert!(complaint.contains("rtmx.persistence.storageClass cannot become"), "{complaint}");
    let next =
        format!("kubectl --namespace {} delete statefulset/demo-rtmx pvc/data-demo-rtmx-0", namespace.name);
    assert!(complaint.contains(&next), "{complaint}");
    namespace.kubectl(&["delete", "statefulset/demo-rtmx", "pvc/data-demo-rtmx-0"]);
    namespace.install(&of_class(""));
    let forward = namespace.forward();
    forward.make(&namespace.token(), "REQ-A-1");
    Ok(())
}
