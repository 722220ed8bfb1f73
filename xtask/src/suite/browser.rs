//! The step that clicks through the dashboard in a real browser.

use super::binaries::{Filter, build, build_some};
use super::record::Record;
use super::suites::run_all;
use super::{Suite, Tally};
use crate::workspace::relative;
use crate::{Result, axe, needs};

/// Stories of `tests/browser/` times the views of the short form. Raise it with the stories.
const FLOOR: usize = 48;

/// Skipped where there is no browser or no accessibility checker to be had.
pub(super) fn browser(suite: &Suite) -> Result<Tally> {
    let Suite { workspace, full } = suite;
    if let Err(reason) = needs::ensure(&[needs::CHROMIUM, needs::CHROME_DRIVER]) {
        return Ok(Tally::skipped(reason));
    }
    let axe = match axe::path(workspace)? {
        Ok(file) => file,
        Err(reason) => return Ok(Tally::skipped(reason)),
    };
    let built = build_some(&workspace.root, &[("rtmx", "kill")])?;
    let program = |name: &str| {
        let path = built.iter().find_map(|binary| binary.programs.get(name));
        Ok::<_, String>(path.ok_or(format!("the build did not say where `{name}` is"))?.display().to_string())
    };
    let (server, licensed) = (program("rtmx-server")?, program("rtmx-licensed")?);

    let dir = workspace.root.join("tests/browser");
    let built = workspace.target.join("browser-build").display().to_string();
    let mut stories = build(&dir, &["--target-dir", &built])?;
    for binary in &mut stories {
        binary.root = relative(&workspace.root, &dir.join(&binary.root));
    }
    let pictures = workspace.target.join("browser");
    let mut variables = vec![
        ("RTMX_SERVER", server),
        ("RTMX_LICENSED", licensed),
        ("RTMX_AXE", axe.display().to_string()),
        ("RTMX_BROWSER_PICTURES", pictures.display().to_string()),
    ];
    if *full {
        variables.push(("RTMX_BROWSER_FULL", "1".into()));
    }
    let mut record = Record::read(workspace).unwrap_or_default();
    let tally = run_all(&stories, &Filter::default(), &variables, &mut record)?;
    record.write(workspace)?;
    let note = if *full { format!("pictures in {}", pictures.display()) } else { String::new() };
    Ok(Tally { note, ..tally }.with_floor(FLOOR))
}
