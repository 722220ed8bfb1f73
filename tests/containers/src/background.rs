//! The runtime that talks to the engine and to databases.
//!
//! It is one for the process and apart from the tests' own, so that everything here can be called from
//! any test, also from within a runtime, and dropped there.

use std::future::Future;
use std::sync::LazyLock;
use std::sync::mpsc;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_multi_thread();
    let builder = builder.worker_threads(2).thread_name("rtmx-containers").enable_all();
    builder.build().expect("the system gives us threads")
});

/// Waits for a future that runs there.
pub(crate) fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    RUNTIME.spawn(async move {
        // Nobody but the line below receives, and it waits.
        let _ = sender.send(future.await);
    });
    receiver.recv().expect("the future does not panic")
}
