//! Open files: each connection is one, and the shell that started the server may allow few.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the server opens beside connections: the database with its readers, sockets, the admin socket's
/// and the metrics' connections.
const BESIDE_CONNECTIONS: u64 = 256;

/// Raises the soft limit on open files to the hard one, and says so if that is too low for the
/// connections that the settings allow.
///
/// The soft limit is low only for programs that use `select(2)`, which cannot tell higher descriptors.
pub(crate) fn raise(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "could not raise the limit on open files");
        }
    }
    let needed = connections as u64 + BESIDE_CONNECTIONS;
    if let Some(limit) = getrlimit(Resource::Nofile).current.filter(|limit| *limit < needed) {
        tracing::warn!(
            limit,
            needed,
            "the limit on open files is too low for `server.connections`: raise the hard limit (`LimitNOFILE` of a system unit, `ulimits` of a container), or lower the setting"
        );
    }
}
