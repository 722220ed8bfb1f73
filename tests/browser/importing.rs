//! Import with a report before anything changes, and export.

use crate::Told;
use crate::matrix;
use crate::tab::{Scripts, Tab};
use serde_json::Value;
use std::path::PathBuf;

pub(crate) async fn an_import_is_reported_before_it_changes_anything(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(10)).await;
    let (_folder, path, file) = another_file();
    let before = revision(&tab).await;
    tab.open(&tab.at("files")).await?;
    tab.field("A matrix as CSV").await?.send_keys(path.display().to_string()).await?;
    tab.click("Check").await?;
    tab.until("the report", "return document.querySelector('#answer') !== null;").await?;
    let report = tab.text("#answer").await?;
    assert!(report.contains("What the import would do"), "{report}");
    assert!(report.contains('5'), "five are new: {report}");
    assert_eq!(revision(&tab).await, before, "nothing was changed by the check");

    // With scripts the file that was chosen stays chosen.
    tab.click("Import").await?;
    tab.until("the import", "return document.querySelector('#done') !== null;").await?;
    assert!(revision(&tab).await > before);
    assert_eq!(tab.api.export(&tab.project).await, file, "what was imported is what is exported");
    Ok(())
}

pub(crate) async fn without_scripts_a_file_is_chosen_twice_and_imported_as_checked(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(10)).await;
    let (_folder, path, file) = another_file();
    let before = revision(&tab).await;
    tab.scripts(Scripts::Off).await?;
    tab.open(&tab.at("files")).await?;
    tab.field("A matrix as CSV").await?.send_keys(path.display().to_string()).await?;
    tab.click("Check").await?;
    tab.until("the report", "return document.querySelector('#answer') !== null;").await?;
    assert_eq!(revision(&tab).await, before, "nothing was changed by the check");
    tab.field("A matrix as CSV").await?.send_keys(path.display().to_string()).await?;
    tab.click("Import").await?;
    tab.until("the import", "return document.querySelector('#done') !== null;").await?;
    assert_eq!(tab.api.export(&tab.project).await, file);
    Ok(())
}

pub(crate) async fn the_export_is_the_file_as_it_was(tab: Tab) -> Told {
    let file = matrix::real();
    tab.project_of(&file).await;
    tab.open(&tab.at("files")).await?;
    let link = tab.named("main", "The whole matrix as CSV").await?;
    let address = link.attr("href").await?.expect("a link has an address");
    assert_eq!(tab.api.page(&address).await.body, file);
    Ok(())
}

/// A file with five requirements more, on the disk of whoever sits at the browser.
fn another_file() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let path = folder.path().join("matrix.csv");
    let file = matrix::plain(15);
    std::fs::write(&path, &file).expect("the folder is ours");
    (folder, path, file)
}

async fn revision(tab: &Tab) -> u64 {
    let status = tab.api.get(&format!("/api/v1/projects/{}/status", tab.project)).await;
    status["revision"].as_u64().unwrap_or_else(|| panic!("no revision in {}", Value::to_string(&status)))
}
