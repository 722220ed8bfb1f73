//! Other releases of the product than this one: charts as they were published, and images of a server that
//! knows other migrations and settings (`tests/releases/`).

use crate::Ignored;
use crate::engine::Engine;
use crate::given::Given;
use crate::ground::{Ground, Version};
use std::path::PathBuf;
use std::sync::Mutex;

/// The chart of the release before this one, as it was published.
const PREVIOUS_CHART: &str = "tests/history/rtmx-0.0.9.tgz";

/// The release before this one: chart and image.
pub(crate) fn previous(ground: &Ground) -> Result<Version, Ignored> {
    let chart = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(PREVIOUS_CHART);
    Ok(Version { chart, image: image(ground, "previous")? })
}

/// A release after this one, whose migration fails; its chart is this one's.
pub(crate) fn broken(ground: &Ground) -> Result<Version, Ignored> {
    Ok(Version { chart: ground.chart(), image: image(ground, "broken")? })
}

/// The product's image with the server of another release in it, on the nodes: name and tag.
fn image(ground: &Ground, release: &str) -> Result<(String, String), Ignored> {
    static MADE: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let name = "rtmx-other-release";
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !made.iter().any(|other| other == release) {
        let program =
            std::env::var("RTMX_OTHER_RELEASE").map_err(|_| "RTMX_OTHER_RELEASE names no server")?;
        let (engine, given) = (Engine::find()?, Given::read()?);
        engine.load(&given);
        let container = engine.run(&["create", &engine.id(&given)]);
        engine.run(&["cp", &program, &format!("{container}:/usr/bin/rtmx-server")]);
        let says = format!("ENV OTHER_RELEASE={release}");
        let reference = format!("{name}:{release}");
        engine.run(&["commit", "--change", &says, &container, &reference]);
        engine.run(&["rm", &container]);
        ground.load(&reference)?;
        made.push(release.to_owned());
    }
    Ok((name.to_owned(), release.to_owned()))
}
