//! PgBouncer in transaction mode between the driver and the server.

use crate::clients::another;
use crate::support::{PASSWORD, ROLE, Server, fresh_schema, open};
use crate::together::{listening, told};
use crate::{ignored, start};
use libtest_mimic::{Arguments, Completion, Failed};
use rtmx_conformance::storage::{self, CASE_FLOOR, Instance};
use rtmx_containers::{PgBouncer, PoolMode};
use serde_json::{Value, json};
use std::time::Duration;

/// Where nobody listens, it is looked twice a second; a busy machine is slow.
const LOOKED_LIMIT: Duration = Duration::from_millis(1_500);

pub(crate) fn without_direct_url(version: u16) -> Result<Completion, Failed> {
    laws(version, false)
}

pub(crate) fn with_direct_url(version: u16) -> Result<Completion, Failed> {
    laws(version, true)
}

/// A pooler that lets the product's role in, which is no superuser.
fn bouncer(server: &Server) -> rtmx_containers::Result<PgBouncer> {
    PgBouncer::start_for(&server.postgres, PoolMode::Transaction, &[(ROLE, PASSWORD)])
}

fn settings(server: &Server, bouncer: &PgBouncer, has_direct_url: bool) -> Value {
    let mut settings = json!({ "url": server.url_at(bouncer.port()), "connections": 4, "pooler": true });
    if has_direct_url {
        settings["direct_url"] = server.url().into();
    }
    settings
}

/// What is written through one pooler's client is told to another, which listens around it.
pub(crate) fn woken(version: u16) -> Result<Completion, Failed> {
    let server = start(version, &[]);
    let bouncer = match bouncer(&server) {
        Ok(bouncer) => bouncer,
        Err(error) => return ignored(error),
    };
    crate::finish(told(&server, settings(&server, &bouncer, true)))
}

/// Nobody is told, and nobody waits for longer than it takes to look.
pub(crate) fn looking(version: u16) -> Result<Completion, Failed> {
    let server = start(version, &[]);
    let bouncer = match bouncer(&server) {
        Ok(bouncer) => bouncer,
        Err(error) => return ignored(error),
    };
    crate::finish(async {
        let mut settings = settings(&server, &bouncer, false);
        settings["schema"] = fresh_schema().into();
        settings["application_name"] = "looks".into();
        let first = crate::support::open_ready(settings.clone()).await;
        let second = another(&settings).await;
        for n in 0..5 {
            let (took, _) =
                crate::together::waited(&second, &first, &format!("written {n}"), async || {}).await;
            assert!(took < LOOKED_LIMIT, "{} ms", took.as_millis());
        }
        assert_eq!(listening(&server, "looks").await, 0);
    })
}

/// All cases of the kit, each in a schema of its own.
fn laws(version: u16, has_direct_url: bool) -> Result<Completion, Failed> {
    let server = start(version, &[]);
    let bouncer = match bouncer(&server) {
        Ok(bouncer) => bouncer,
        Err(error) => return ignored(error),
    };
    let of_both = settings(&server, &bouncer, has_direct_url);
    let cases = storage::cases(move || {
        let mut settings = of_both.clone();
        settings["schema"] = fresh_schema().into();
        async move {
            let backend = open(settings.clone()).await?;
            let reopen = move || {
                let settings = settings.clone();
                async move { open(settings).await }
            };
            Ok(Instance::new(backend).reopened_by(reopen))
        }
    });
    // Elsewhere than where this program's own results are read from.
    let log = tempfile::NamedTempFile::new()?.into_temp_path();
    let logfile = Some(log.display().to_string());
    let conclusion = libtest_mimic::run(&Arguments { logfile, ..Arguments::default() }, cases);
    let counted = conclusion.num_passed + conclusion.num_ignored;
    if conclusion.has_failed() || counted < CASE_FLOOR as u64 {
        let said = std::fs::read_to_string(&log)?;
        let (failed, passed) = (conclusion.num_failed, conclusion.num_passed);
        return Err(format!("{failed} cases failed, {passed} passed\n{said}").into());
    }
    Ok(Completion::Completed)
}
