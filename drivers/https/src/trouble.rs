//! Why there is no answer.

use http::StatusCode;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Whatever lies below.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a server gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the sentences are the documentation")]
pub enum Trouble {
    #[error("the host `{host}` could not be found")]
    NotFound {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("could not connect to `{host}` port {port}")]
    Connect {
        host: String,
        port: u16,
        #[source]
        source: io::Error,
    },
    #[error("could not speak TLS with `{host}`")]
    Tls {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("the certificates in `{}` cannot be used", path.display())]
    Certificates {
        path: PathBuf,
        #[source]
        source: Cause,
    },
    #[error("this machine has no certificates to trust, and `ca_file` names none")]
    NoCertificates,
    #[error("the proxy `{host}` opened no tunnel: it answered {status}")]
    Proxy { host: String, status: StatusCode },
    #[error("the connection ended without an answer")]
    Cut {
        #[source]
        source: hyper::Error,
    },
    #[error("there was no {what} within {} ms", limit.as_millis())]
    TimedOut { what: &'static str, limit: Duration },
    #[error("the answer has more than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the question could not be asked")]
    Unasked {
        #[source]
        source: Cause,
    },
}

/// The most characters of a trouble in words.
const WORDS_LIMIT: usize = 600;

/// A sentence, and an error with its causes behind it, on one line. What a stranger's server wrote can be
/// part of a cause (names in a certificate), so it is bounded and cannot begin a line.
pub fn in_words(sentence: &str, error: &dyn Error) -> String {
    let mut words = format!("{sentence}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Libraries repeat the cause in the parent.
        if !words.contains(&text) {
            words.push_str(": ");
            words.push_str(&text);
        }
        cause = error.source();
    }
    let shown = |c: char| if c.is_control() || is_bidirectional(c) { '\u{fffd}' } else { c };
    words.chars().take(WORDS_LIMIT).map(shown).collect()
}

/// Characters that turn the direction of a line round.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_bounded_line_with_each_cause_once() {
        let hostile = format!("bad name \"\n2026-11-01 ERROR all is lost\u{202e}\" {}", "x".repeat(5_000));
        let source = io::Error::other(hostile);
        let trouble = Trouble::Tls { host: "license.example".into(), source };
        let words = in_words("`license.example` gave no news", &trouble);
        assert_eq!(words.chars().count(), WORDS_LIMIT);
        assert!(!words.contains(['\n', '\u{202e}']), "{words}");
        let source = io::Error::other(io::Error::other("refused"));
        let twice = in_words("h", &Trouble::Connect { host: "h".into(), port: 1, source });
        assert_eq!(twice.matches("refused").count(), 1);
    }
}
