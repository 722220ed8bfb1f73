//! What a neighbour on the machine sees of an installation, and what its containers may do.

use crate::asking::Asked;
use crate::project::Project;
use crate::{Ground, Ignored};
use rtmx_containers::{DEFAULT_VERSION, Flavour};
use std::path::Path;

const TOKEN: &str = "canary-token-of-more-than-thirty-two-characters";

pub(crate) fn files_are_used(ground: &Ground) -> Result<(), Ignored> {
    let project = Project::of(ground, "rtmx", "prod").with_postgres(DEFAULT_VERSION, Flavour::Debian)?;
    project.write("secrets/admin_token", &format!("{TOKEN}\n"));
    project.up();
    project.make(TOKEN, "REQ-A-1");
    let made = made_secrets(ground, &project);
    assert!(made.len() >= 2, "a password and an address were made: {made:?}");
    let mut shown = project.run(&["logs", "--no-color"]) + &project.run(&["config"]);
    for container in project.containers().values() {
        shown += &ground.engine.run(&["inspect", container]);
        shown += &ground.engine.run(&["top", container, "-eo", "pid,args"]);
    }
    shown += &ground.engine.run(&["history", "--no-trunc", &ground.given.reference]);
    for secret in made.iter().map(String::as_str).chain([TOKEN]) {
        assert!(!shown.contains(secret), "a secret shows in:\n{}", shown.replace(secret, "[secret]"));
    }
    Ok(())
}

/// The generated secrets, as root on the machine finds them.
fn made_secrets(ground: &Ground, project: &Project) -> Vec<String> {
    let server = &project.containers()["rtmx-server"];
    let format = "{{range .Mounts}}{{if eq .Destination \"/run/secrets\"}}{{.Source}}{{end}}{{end}}";
    let folder = ground.engine.run(&["inspect", "--format", format, server]);
    let mut secrets = Vec::new();
    collect(Path::new(&folder), &mut secrets);
    secrets.retain(|text| text != TOKEN);
    secrets
}

fn collect(folder: &Path, secrets: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().map_while(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, secrets);
        } else if let Ok(text) = std::fs::read_to_string(&path)
            && text.trim().len() >= 16
        {
            secrets.push(text.trim().to_owned());
        }
    }
}

pub(crate) fn is_confined(ground: &Ground) -> Result<(), Ignored> {
    let project = Project::of(ground, "rtmx", "prod").with_postgres(DEFAULT_VERSION, Flavour::Alpine)?;
    project.up();
    for (service, container) in project.containers() {
        let pid = ground.engine.run(&["inspect", "--format", "{{.State.Pid}}", &container]);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
        let status =
            status.map_err(|error| format!("the processes of containers are not seen here: {error}"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(!field("Uid:").contains(&"0".to_owned()), "{service} is not root: {status}");
        for capabilities in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
            assert_eq!(field(capabilities), ["0000000000000000"], "{service} {capabilities}");
        }
        assert_eq!(field("NoNewPrivs:"), ["1"], "{service}");
        let mounts = std::fs::read_to_string(format!("/proc/{pid}/mounts")).expect("the process lives");
        let of_root = mounts.lines().find(|line| line.split(' ').nth(1) == Some("/")).expect("there is one");
        let options = of_root.split(' ').nth(3).unwrap_or_default();
        assert!(options.split(',').any(|option| option == "ro"), "{service}: {of_root}");
        let secrets = mounts.lines().find(|line| line.split(' ').nth(1) == Some("/run/secrets"));
        let secrets = secrets.expect("they are mounted");
        assert!(secrets.split(' ').nth(3).unwrap_or_default().starts_with("ro"), "{service}: {secrets}");
    }
    // Each may read its own secrets alone: the group of a file is the one of the component that reads it.
    let database = &project.containers()["postgres"];
    let others =
        ground.engine.run(&["exec", database, "sh", "-c", "cat /run/secrets/rtmx-server/* 2>&1 || true"]);
    assert!(others.contains("ermission denied") || others.contains("annot open"), "{}", others.len());
    Ok(())
}
