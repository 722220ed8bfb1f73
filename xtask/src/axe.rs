//! axe-core, the accessibility checker: one file of a pinned release, kept outside the checkout.
//!
//! It is under the MPL-2.0 and only ever runs inside tests, so it is neither committed nor shipped. What
//! was fetched is compared with the release's own digest at every use.

use crate::workspace::Workspace;
use crate::{Result, needs, process};
use std::path::{Path, PathBuf};
use std::time::Duration;

const VERSION: &str = "4.14.1";
/// SHA-512 of the release's archive, as its registry states it (there in base64).
const DIGEST: &str = "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b73\
                      4f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5";
/// A registry that is slower cannot be had.
const FETCH_LIMIT: Duration = Duration::from_secs(120);

/// The file `axe.min.js`.
///
/// The outer error is a failure; the inner one is why it cannot be had on this machine.
///
/// # Errors
///
/// If what was fetched is not that release.
pub(crate) fn path(workspace: &Workspace) -> Result<std::result::Result<PathBuf, String>> {
    let tools = workspace.cache().join("tools");
    let archive = tools.join(format!("axe-core-{VERSION}.tgz"));
    if !archive.is_file()
        && let Err(reason) = fetch(&tools)
    {
        return Ok(Err(reason));
    }
    check(&archive)?;
    let dir = workspace.target.join("axe-core");
    made(&dir)?;
    let mut unpack = process::command("tar", &dir);
    unpack.arg("-xzf").arg(&archive).args(["--strip-components=1", "package/axe.min.js", "package/LICENSE"]);
    process::quiet(&mut unpack)?;
    Ok(Ok(dir.join("axe.min.js")))
}

/// Fetches the archive; the error says why it cannot be had.
fn fetch(tools: &Path) -> Result<()> {
    needs::ensure(&[needs::NPM])?;
    println!("fetching axe-core {VERSION}, once");
    made(tools)?;
    let mut pack = process::command("npm", tools);
    pack.args(["pack", "--silent", &format!("axe-core@{VERSION}")]);
    let ended = process::capture(&mut pack, FETCH_LIMIT)?;
    if ended.success {
        Ok(())
    } else {
        Err(format!("axe-core {VERSION} cannot be fetched: {}", ended.status))
    }
}

/// Removes what is not the pinned release, so that the next run fetches it anew.
fn check(archive: &Path) -> Result<()> {
    let said = process::read(process::command("sha512sum", Path::new("/")).arg(archive))?;
    let found = said.split_whitespace().next().unwrap_or_default();
    if found == DIGEST {
        return Ok(());
    }
    let removed = std::fs::remove_file(archive);
    let removed =
        removed.map_or_else(|error| format!("could not be removed ({error})"), |()| "was removed".into());
    Err(format!("{} is not axe-core {VERSION}: its SHA-512 is {found}; it {removed}", archive.display()))
}

fn made(dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(|error| format!("could not make {}: {error}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_is_not_the_pinned_release_is_refused_and_removed() {
        let dir = std::env::temp_dir().join(format!("rtmx-axe-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("the system has a folder for temporary files");
        let archive = dir.join("axe-core.tgz");
        std::fs::write(&archive, "something else").expect("the folder is ours");
        let error = check(&archive).expect_err("the digest differs");
        assert!(error.contains("is not axe-core") && error.contains("was removed"), "{error}");
        assert!(!archive.exists());
        std::fs::remove_dir_all(&dir).expect("the folder is ours");
    }
}
