//! The product's image with another server in it: everything else of it is what is released.

use crate::Ignored;
use crate::engine::{Engine, must};
use crate::given::Given;
use crate::ground::Ground;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Where the image has its server.
const PROGRAM: &str = "/usr/bin/rtmx-server";
/// The images that are made here, and what they are known by.
const NAME: &str = "rtmx-test-instead";
const LABEL: &str = "rtmx.test=instead";

/// An image with this program, and with a variable if one is given, on the nodes: its name and tag. The tag
/// says what is in it, because nodes take an image that they have for the one of the same tag.
pub(crate) fn image_with(
    ground: &Ground,
    program: &str,
    variable: Option<(&str, &str)>,
) -> Result<(String, String), Ignored> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (engine, given) = (Engine::find()?, Given::read()?);
    engine.load(&given);
    let below = engine.id(&given);
    let short = |digest: &str| digest.trim_start_matches("sha256:").chars().take(12).collect::<String>();
    let digest = must(Command::new("sha256sum").arg(program));
    let content = variable.map_or_else(String::new, |(_, content)| format!("-{content}"));
    let tag = format!("{}-{}{content}", short(&below), short(&digest));
    let image = format!("{NAME}:{tag}");
    if engine.run(&["images", "--quiet", &image]).is_empty() {
        // Each build of the server has one; those of yesterday are nobody's.
        let label = format!("label={LABEL}");
        engine.run(&["image", "prune", "--all", "--force", "--filter", &label, "--filter", "until=24h"]);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let small = folder.path().join("rtmx-server");
        must(Command::new("strip").args(["--strip-debug", "-o"]).arg(&small).arg(program));
        let container = engine.run(&["create", &below]);
        engine.run(&["cp", &small.display().to_string(), &format!("{container}:{PROGRAM}")]);
        let labelled = format!("--change=LABEL {LABEL}");
        let says = variable.map(|(name, content)| format!("--change=ENV {name}={content}"));
        let mut commit = vec!["commit", &labelled];
        commit.extend(says.as_deref());
        engine.run(&[&commit[..], &[&container, &image]].concat());
        engine.run(&["rm", &container]);
    }
    ground.load(&image)?;
    Ok((NAME.to_owned(), tag))
}
