//! Looking after the license for as long as the server runs, also where a look fails in a way that nobody
//! thought of.

use super::{Keeper, PAUSE};
use crate::http::App;
use tokio::task::JoinSet;

/// Keeps the license of an application until the server shuts down. A panic is said, and the next look comes
/// a minute later; what was allowed goes on meanwhile.
pub(crate) async fn keep(app: App) {
    // The next keeper sits where the last one sat.
    let holder = crate::http::random_uuid().to_string();
    while let Some(keeper) = Keeper::named(&app, holder.clone()) {
        // A task that nobody waits for any more ends with this set.
        let mut task = JoinSet::new();
        task.spawn(keeper.run());
        match task.join_next().await {
            Some(Err(error)) if error.is_panic() => tracing::error!(
                again_s = PAUSE.as_secs(),
                "looking after the license failed for a reason that RTMX did not expect; what was allowed goes on"
            ),
            _ => return,
        }
        tokio::select! {
            () = app.until_draining() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
