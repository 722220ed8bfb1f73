//! Other releases of the product than this one: charts as they were published, and images of a server that
//! knows other migrations and settings (`tests/releases/`).

use crate::Ignored;
use crate::ground::{Ground, Version};
use crate::instead::image_with;
use std::path::PathBuf;

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

/// The product's image with the server of another release in it.
fn image(ground: &Ground, release: &str) -> Result<(String, String), Ignored> {
    let program = std::env::var("RTMX_OTHER_RELEASE").map_err(|_| "RTMX_OTHER_RELEASE names no server")?;
    image_with(ground, &program, Some(("OTHER_RELEASE", release)))
}
