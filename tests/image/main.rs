//! The container image as engines, registries and the kernel see it.
//!
//! `cargo xtask test image` makes the image and says in variables where it is; without them every trial
//! reports itself ignored. Each trial has containers, volumes and images of its own names and removes them.
//! What is claimed of a running container is read from the kernel (`/proc`), because nothing in the image
//! could be asked.

mod attached;
mod container;
mod engine;
mod given;
mod older;
mod probe;
mod registry;

use container::Container;
use engine::{Engine, must};
use given::Given;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::process::Command;
use std::time::Duration;

/// How long a server may take until it is ready; the claim is a fifth of it, and the machines that run tests
/// are busy.
const READY_LIMIT: Duration = Duration::from_secs(5);
/// What a registry stores of the image, at most.
const SIZE_LIMIT_BYTES: u64 = 30_000_000;

/// Why a trial did not run.
type Ignored = String;
type Claim = (&'static str, fn(&Given) -> Result<(), Ignored>);

fn main() {
    let arguments = Arguments::from_args();
    let claims: [Claim; 14] = [
        ("docker_load_reports_our_digest", is_loaded),
        ("an_older_engine_knows_the_image_by_its_configuration", older::is_loaded),
        ("skopeo_reads_the_layout_and_reports_our_digest", is_read_by_skopeo),
        ("a_registry_takes_the_layout_and_gives_it_back_by_our_digest", registry::takes_it),
        ("what_is_attached_is_valid_and_names_the_image", attached::are_valid),
        ("the_inventory_names_every_crate_that_the_program_shows", attached::name_what_the_program_shows),
        ("a_bare_run_is_healthy_and_leaves_its_first_token_in_the_volume", runs),
        ("a_running_server_has_no_right_that_it_does_not_need", is_confined),
        ("no_secret_is_in_inspect_history_log_or_process_list", keeps_secrets),
        ("there_is_no_shell_and_one_program", has_one_program),
        ("the_image_runs_under_any_user", runs_for_anybody),
        ("a_library_that_is_opened_at_run_time_finds_its_own_in_the_image", probe::opens_a_library),
        ("a_local_deployment_runs_the_very_file_of_the_image", is_the_file_of_a_deployment),
        ("the_operators_tool_runs_in_an_empty_root", runs_in_an_empty_root),
    ];
    let trials =
        claims.into_iter().map(|(name, prove)| Trial::ignorable_test(name, move || on_the_image(prove)));
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn on_the_image(prove: fn(&Given) -> Result<(), Ignored>) -> Result<Completion, Failed> {
    let given = match Given::read() {
        Ok(given) => given,
        Err(reason) => return Ok(Completion::ignored_with(reason)),
    };
    Ok(match prove(&given) {
        Ok(()) => Completion::Completed,
        Err(reason) => Completion::ignored_with(reason),
    })
}

fn is_loaded(given: &Given) -> Result<(), Ignored> {
    let engine = Engine::find()?;
    let said = engine.load(given);
    assert!(said.contains(&given.reference), "{said}");
    assert!(!said.contains("Loaded image ID"), "nothing without a name was loaded: {said}");
    let size = given.blob_bytes();
    given.note(&format!("{:.1} MB compressed", size as f64 / 1e6));
    assert!(size < SIZE_LIMIT_BYTES, "{size} bytes");
    if engine.keeps_digests() {
        assert_eq!(engine.inspected(&given.reference, "{{index .RepoDigests 0}}"), given.by_digest());
    } else {
        assert_eq!(engine.inspected(&given.reference, "{{.Id}}"), given.config);
    }
    Ok(())
}

fn is_read_by_skopeo(given: &Given) -> Result<(), Ignored> {
    engine::has("skopeo")?;
    let layout = format!("oci:{}:{}", given.layout.display(), given.version());
    let said = must(Command::new("skopeo").args(["inspect", "--format", "{{.Digest}}", &layout]));
    assert_eq!(said, given.digest);
    Ok(())
}

fn runs(given: &Given) -> Result<(), Ignored> {
    let engine = Engine::find()?;
    let container = Container::run(&engine, given, &["--publish", "127.0.0.1::8080"]);
    let (engine_took, server_took) = container.is_ready();
    given.note(&format!(
        "started in {} ms, ready {} ms later",
        engine_took.as_millis(),
        server_took.as_millis()
    ));
    assert!(server_took < READY_LIMIT, "{server_took:?}");
    container.is_healthy();
    let token = container.first_token();
    assert!(token.starts_with("rtmx_"), "the token is one");
    let answer = container.get("/api/v1/projects", Some(&token));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = container.get("/api/v1/projects", None);
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    Ok(())
}

fn is_confined(given: &Given) -> Result<(), Ignored> {
    let engine = Engine::find()?;
    let hardened = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
    let container =
        Container::run(&engine, given, &[&hardened[..], &["--publish", "127.0.0.1::8080"]].concat());
    container.is_ready();
    let process = container.process()?;
    let own = |field: &str| process.status(field);
    assert_eq!(own("Uid"), "1000 1000 1000 1000");
    assert_eq!(own("Gid"), "1000 1000 1000 1000");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(own(set), "0000000000000000", "{set}");
    }
    assert_eq!(own("NoNewPrivs"), "1");
    for place in ["written", "usr/bin/written", "etc/written", "var/written"] {
        let error = std::fs::write(process.path(place), "x").expect_err("the root is read-only");
        assert_eq!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem, "{place}");
    }
    std::fs::write(process.path("data/written"), "x").expect("the volume is not");
    Ok(())
}

fn keeps_secrets(given: &Given) -> Result<(), Ignored> {
    let engine = Engine::find()?;
    let secrets = probe::folder_that_all_may_read();
    let token = format!("rtmx_{}", "canary0123456789".repeat(3));
    std::fs::write(secrets.path().join("token"), &token).expect("a folder of ours");
    let mount = format!("{}:/run/secrets:ro", secrets.path().display());
    let container = Container::run(
        &engine,
        given,
        &[
            "--env",
            "RTMX_ADMIN_TOKEN_FILE=/run/secrets/token",
            "--volume",
            &mount,
            "--publish",
            "127.0.0.1::8080",
        ],
    );
    container.is_ready();
    let answer = container.get("/api/v1/projects", Some(&token));
    assert!(answer.starts_with("HTTP/1.1 200"), "the secret is in use: {answer}");
    let process = container.process()?;
    let seen = [
        ("inspect", engine.run(&["inspect", &container.name])),
        ("history", engine.run(&["history", "--no-trunc", &engine.id(given)])),
        ("the image's inspect", engine.run(&["image", "inspect", &engine.id(given)])),
        ("log", container.log()),
        ("process list", process.read("cmdline")),
        ("environment", process.read("environ")),
    ];
    for (place, text) in seen {
        assert!(!text.is_empty(), "{place} can be seen");
        assert!(!text.contains("canary0123456789"), "{place}");
    }
    Ok(())
}

fn has_one_program(given: &Given) -> Result<(), Ignored> {
    let engine = Engine::find()?;
    let container = Container::create(&engine, given, &[]);
    // Files without content are the places that an engine mounts over.
    let is_program = |file: &String| file.starts_with("-rwx") && file.split_whitespace().nth(2) != Some("0");
    let programs: Vec<_> = container.files().into_iter().filter(is_program).collect();
    let known = |line: &String| line.contains("usr/bin/rtmx-server") || line.contains(".so");
    assert!(programs.iter().all(known), "{programs:#?}");
    assert_eq!(programs.iter().filter(|line| !line.contains(".so")).count(), 1, "{programs:#?}");
    for shell in ["sh", "/bin/sh", "/bin/bash", "/bin/busybox"] {
        let mut run = Command::new("docker");
        run.args(["run", "--rm", "--entrypoint", shell, &engine.id(given), "-c", "true"]);
        let ended = run.output().expect("an engine answered");
        assert_eq!(ended.status.code(), Some(127), "{shell}: {}", String::from_utf8_lossy(&ended.stderr));
    }
    Ok(())
}

fn runs_for_anybody(given: &Given) -> Result<(), Ignored> {
    let engine = Engine::find()?;
    let data = probe::folder_that_all_may_write();
    let mount = format!("{}:/data", data.path().display());
    let container = Container::without_a_volume(
        &engine,
        given,
        &["--user", "4711:0", "--volume", &mount, "--publish", "127.0.0.1::8080"],
    );
    container.is_ready();
    assert_eq!(container.process()?.status("Uid"), "4711 4711 4711 4711");
    Ok(())
}

fn is_the_file_of_a_deployment(given: &Given) -> Result<(), Ignored> {
    let home = tempfile::tempdir().expect("a folder");
    let at = home.path().display().to_string();
    let port = probe::free_port().to_string();
    let deploy =
        ["--home", &at, "--name", "image-test", "deploy", "--port", &port, "--set", "metrics.port=0"];
    must(Command::new(given.deployer()?).args(deploy));
    let installed = probe::find(home.path(), "rtmx-server");
    let digests: Vec<_> = installed.iter().map(|file| probe::sha256(file)).collect();
    must(Command::new(given.deployer()?).args([
        "--home",
        &at,
        "--name",
        "image-test",
        "--yes",
        "remove",
        "--purge",
        "--confirm",
        "image-test",
    ]));
    assert!(!digests.is_empty(), "a server was installed in {at}");
    assert!(digests.iter().all(|digest| *digest == given.server), "{digests:?} is not {}", given.server);
    if let Ok(engine) = Engine::find() {
        let container = Container::create(&engine, given, &[]);
        assert_eq!(container.sha256_of("/usr/bin/rtmx-server"), given.server);
    }
    Ok(())
}

fn runs_in_an_empty_root(given: &Given) -> Result<(), Ignored> {
    let tool = given.tool()?;
    if !rustix::process::geteuid().is_root() {
        return Err("only root can give a program an empty root".into());
    }
    let root = tempfile::tempdir().expect("a folder");
    std::fs::copy(tool, root.path().join("rtmxctl")).expect("a folder of ours");
    let run =
        |arguments: &[&str]| must(Command::new("chroot").arg(root.path()).arg("/rtmxctl").args(arguments));
    assert_eq!(run(&["--version"]), format!("rtmxctl {}", given.version().trim_start_matches('v')));
    assert!(run(&["config", "reference"]).contains("`listen`"));
    Ok(())
}
