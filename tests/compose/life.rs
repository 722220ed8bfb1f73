//! Up, written to, killed, down, and up again.

use crate::asking::Asked;
use crate::project::Project;
use crate::{Ground, Ignored};
use http::Method;
use rtmx_containers::Flavour;

/// Rows of the project's own matrix, which is imported.
const MATRIX: &str = include_str!("../../rtm/database.csv");

pub(crate) fn on_sqlite(ground: &Ground) -> Result<(), Ignored> {
    lives(ground, &Project::of(ground, "rtmx", "dev"), &["rtmx-server"]);
    Ok(())
}

pub(crate) fn on_bundled_postgres(ground: &Ground, version: u16) -> Result<(), Ignored> {
    // Both users that the official images have.
    let flavour = if version.is_multiple_of(2) { Flavour::Alpine } else { Flavour::Debian };
    let project = Project::of(ground, "rtmx", "prod").with_postgres(version, flavour)?;
    lives(ground, &project, &["postgres", "rtmx-server"]);
    Ok(())
}

fn lives(ground: &Ground, project: &Project, services: &[&str]) {
    project.up();
    let running = project.containers();
    assert_eq!(running.keys().collect::<Vec<_>>(), services);
    let token = project.token();
    project.make(&token, "REQ-A-1");
    let dashboard = project.call(&token, &Method::GET, "/", "text/plain", "");
    assert!([200, 303].contains(&dashboard.status.as_u16()), "{}", dashboard.status);

    for (service, container) in &running {
        ground.engine.run(&["kill", container]);
        project.up();
        let id = format!("REQ-AFTER-{}", service.to_uppercase());
        assert_eq!(project.ids(&token)[0], "REQ-A-1", "{service} was killed");
        project.make(&token, &id);
    }
    let before = project.ids(&token);
    assert_eq!(before.len(), 1 + services.len());

    project.run(&["down"]);
    assert!(project.containers().is_empty());
    project.up();
    assert_eq!(project.ids(&token), before, "taken down and up again");
    let imported = project.call(&token, &Method::POST, "/api/v1/projects/default/import", "text/csv", MATRIX);
    assert_eq!(imported.status, 200, "{:?}", imported.json());
}
