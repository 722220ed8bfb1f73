//! A backup of the whole database, for the owner of the installation alone.
//!
//! The archive is made in the data folder first, because only its end says that it is whole; it is
//! unlinked before it is sent, so that nothing of it stays behind. Deliberately absent: a restore.
//! `rtmxctl` stops the server for that.

use super::{Answer, App, Caller, ProblemDocument};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, header};
use rtmx_core::{Cx, Error, storage};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The header that carries the content hash of the archive.
pub const CONTENT_HASH: HeaderName = HeaderName::from_static("rtmx-content-hash");

/// How much of an archive is read at a time.
const PIECE_BYTES: usize = 256 * 1024;
/// What the names of unfinished archives in the data folder begin with.
const UNFINISHED: &str = "backup-";

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(back_up))
}

/// Backs up the whole database as a portable archive, from one snapshot. Only the admin socket takes it.
///
/// `rtmxctl backup create` calls it.
#[utoipa::path(post, path = "/api/v1/backup", tag = "files", responses(
    (status = 200, body = Vec<u8>, content_type = "application/vnd.rtmx.archive"),
    (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument)))]
async fn back_up(State(app): State<App>, caller: Caller) -> Answer<Response> {
    caller.require_owner()?;
    let place = Place::new(&app.settings().data.dir);
    // It takes as long as the data is large. Whoever asked and goes away ends it.
    let report = app.storage.back_up(&Cx::new(), &place.0).await?;
    let file = File::open(&place.0).map_err(|source| {
        Error::new(storage::STORAGE_UNAVAILABLE, "could not read the archive that was made")
            .with_source(source)
    })?;
    drop(place);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.rtmx.archive")),
        (header::CONTENT_LENGTH, HeaderValue::from(report.bytes)),
        (CONTENT_HASH, report.content_hash.parse().expect("a hash is hexadecimal")),
    ];
    Ok((headers, Body::from_stream(pieces(file))).into_response())
}

fn pieces(file: File) -> impl stream::Stream<Item = std::io::Result<Bytes>> + Send {
    stream::try_unfold(file, |mut file| async move {
        let read = move || {
            let mut piece = vec![0; PIECE_BYTES];
            let read = file.read(&mut piece)?;
            piece.truncate(read);
            Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(piece), file)))
        };
        tokio::task::spawn_blocking(read).await.map_err(std::io::Error::other)?
    })
}

/// The place of an archive that is not sent yet. Gone when it is dropped.
struct Place(PathBuf);

impl Place {
    fn new(folder: &Path) -> Place {
        static TIDIED: Once = Once::new();
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // One process uses a data folder, so what lies there when it begins is of one that was killed.
        TIDIED.call_once(|| {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if name.starts_with(UNFINISHED) && name.ends_with(".part") {
                    // If it cannot be removed it only takes room.
                    let _ = std::fs::remove_file(entry.path());
                }
            }
        });
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Place(folder.join(format!("{UNFINISHED}{}-{number}.part", std::process::id())))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It may not have been made.
        let _ = std::fs::remove_file(&self.0);
    }
}
