//! `sqlite3`'s own import: the same file into a table without history, search or checks.

use crate::bench::data::Matrix;
use crate::{Result, needs, process};
use std::path::Path;
use std::time::Instant;

/// The version of the program that is here, or that was installed.
///
/// # Errors
///
/// If it is missing and cannot be installed.
pub(in crate::bench) fn version() -> Result<String> {
    needs::ensure(&[needs::SQLITE])?;
    let said = process::quiet(process::command("sqlite3", Path::new("/")).arg("--version"))?;
    Ok(said.split(' ').next().unwrap_or_default().to_owned())
}

/// The time of one import into a new file, in milliseconds, the start of the program included.
///
/// # Errors
///
/// If the import fails.
pub(in crate::bench) fn import(matrix: &Matrix, dir: &Path) -> Result<f64> {
    let file = dir.join("import.sqlite");
    for name in ["import.sqlite", "import.sqlite-journal"] {
        let _ = std::fs::remove_file(dir.join(name));
    }
    let mut sqlite = process::command("sqlite3", dir);
    sqlite.arg(&file).arg(".mode csv").arg(format!(".import {} requirement", matrix.file.display()));
    let started = Instant::now();
    process::quiet(&mut sqlite)?;
    let took = started.elapsed().as_secs_f64() * 1e3;
    let mut count = process::command("sqlite3", dir);
    let counted = process::quiet(count.arg(&file).arg("SELECT count(*) FROM requirement"))?;
    let _ = std::fs::remove_file(&file);
    if counted.trim() != matrix.rows.to_string() {
        return Err(format!("`sqlite3` imported {} rows of {}", counted.trim(), matrix.rows));
    }
    Ok(took)
}
