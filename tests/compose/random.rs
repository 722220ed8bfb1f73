//! An application that nothing knows: random names, and its containers start.

use crate::project::Project;
use crate::{Ground, Ignored};
use rtmx_containers::parts_image;
use rtmx_deploy::app::read_app;
use rtmx_deploy::{AppFiles, Choice, Release, render_compose};
use serde_json::{Value, json};
use std::hash::{BuildHasher, Hasher, RandomState};

/// How many components it has.
const COMPONENTS: usize = 5;

pub(crate) fn application_starts(ground: &Ground) -> Result<(), Ignored> {
    let parts = parts_image().map_err(|error| error.to_string())?;
    let names = Names::random();
    let spec = spec(&names, &parts).to_string();
    let app = read_app(&spec, "random").unwrap_or_else(|error| panic!("{error:?}\n{spec}"));
    let release = Release::resolve(&app, None, &Choice::of("dev")).expect("the choice has no fault").release;
    let rendered = render_compose(&release, &AppFiles::new()).expect("it reads no files").rendered;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for file in rendered.files {
        let path = folder.path().join(&file.path);
        std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder is ours");
        std::fs::write(path, file.content).expect("the folder is ours");
    }
    let project = Project::in_folder(ground, folder);
    let made = project.ask(&["run", "--rm", "secrets"]);
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success() || said.contains("secrets_reload"), "{said}\n{spec}");
    project.up();
    let running = project.containers();
    let mut wanted = names.components.clone();
    wanted.sort();
    assert_eq!(running.keys().cloned().collect::<Vec<_>>(), wanted, "{spec}");
    for (service, container) in running {
        let health = ground.engine.run(&["inspect", "--format", "{{.State.Health.Status}}", &container]);
        assert_eq!(health, "healthy", "{service}");
    }
    Ok(())
}

struct Names {
    application: String,
    components: Vec<String>,
    volume: String,
    network: String,
    made: String,
    joined: String,
}

impl Names {
    fn random() -> Names {
        Names {
            application: word(),
            components: (0..COMPONENTS).map(|_| word()).collect(),
            volume: word(),
            network: word(),
            made: word(),
            joined: word(),
        }
    }
}

/// Ten letters: two of them are never the same.
fn word() -> String {
    let mut number = RandomState::new().build_hasher().finish();
    let mut letter = || {
        let letter = char::from(b'a' + u8::try_from(number % 26).expect("it is below 26"));
        number /= 26;
        letter
    };
    (0..10).map(|_| letter()).collect()
}

/// Each component waits for the one before it, and starts only with what it was promised.
fn spec(names: &Names, image: &str) -> Value {
    let (image, tag) = image.rsplit_once(':').expect("the image has a tag");
    let mut components = serde_json::Map::new();
    for (at, name) in names.components.iter().enumerate() {
        let port = 20_000 + at;
        // A place of another name would be closed to this user on engines that are older than promised.
        let kept = if at == 0 { "/data" } else { "/tmp" };
        let server = format!("exec redis-server --port {port} --save '' --appendonly yes --dir {kept}");
        // A loopback address is reached without a password; the neighbour is asked by its name.
        let before = at.checked_sub(1).map(|before| (&names.components[before], 20_000 + before));
        let neighbour = before.map_or(String::new(), |(name, port)| {
            format!("redis-cli -h {name} -p {port} ping | grep -E 'PONG|NOAUTH|DENIED' && ")
        });
        let script = format!(
            "{neighbour}test -s \"$MADE_FILE\" && test \"$JOINED\" = \"u:$(cat \"$MADE_FILE\" | sed 's/+/%2B/g; s:/:%2F:g; s/=/%3D/g')\" \
             && touch /tmp/written && ! touch /written && {server}"
        );
        components.insert(
            name.clone(),
            json!({
                "summary": "random", "image": {"name": image, "tag": tag}, "user": "redis",
                "command": ["sh", "-c", script],
                "networks": [names.network],
                "ports": {"p": {"port": port}},
                "secrets": {
                    &names.made: {"file": "MADE", "file_variable": "MADE_FILE"},
                    &names.joined: {"delivery": "environment", "variable": "JOINED"},
                },
                "volumes": if at == 0 { json!([{"volume": names.volume, "path": "/data"}]) } else { json!([]) },
                "scratch": [{"path": "/tmp", "size": "8MiB"}],
                "resources": {"request": {"cpu": 0.1, "memory": "32MiB"}, "limit": {"cpu": 1, "memory": "128MiB"}},
                "probes": {"health": {"command": ["redis-cli", "-p", port.to_string(), "ping"], "interval_s": 2}},
                "after": before.map_or_else(|| json!({}), |(name, _)| json!({name: "healthy"})),
            }),
        );
    }
    json!({
        "application": names.application, "summary": "random", "version": "1",
        "secret_maker": {
            "image": {"name": "ghcr.io/iotactical/rtmx", "tag": "v0.1.0", "variable": "RTMX_IMAGE"},
            "command": ["rtmx-server", "secrets", "create"],
        },
        "networks": {&names.network: {}},
        "volumes": {&names.volume: {"summary": "kept", "size": "1GiB"}},
        "secrets": {
            &names.made: {"generated": {}},
            &names.joined: {"composed": format!("u:{{{}:url}}", names.made)},
        },
        "components": components,
        "sizes": {"only": {"summary": "s", "cpu": 8, "memory": "8GiB", "storage": "1TiB"}},
        "environments": {"dev": {"summary": "d", "size": "only", "unpinned": true}},
    })
}
