//! Sessions: what a browser holds instead of a token.
//!
//! A sign-in puts 256 random bits into a cookie that no script can read, and their SHA-256 into a record
//! beside the token that was shown. At every request both records are read, so what ends either counts
//! at once on every server. A session is good in the epoch that it was made in: a restore of the
//! database brings none back to life.
//!
//! A record's id begins with the second in which the session expires, so that the expired ones come
//! first in the order of ids and are found without reading the others; the cookie begins with it, too.

use super::{App, Caller, tokens};
use http::{HeaderMap, header};
use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Cx, Error, Kind, Record, Result, Secret, Session, Space, Timestamp,
    Token, server, storage,
};
use rtmx_storage::Query;
use rtmx_storage::query::RecordQuery;
use subtle::ConstantTimeEq;

/// The cookie's name, and its name over HTTPS, where the prefix makes browsers refuse it from any other
/// host (RFC 6265bis, "The `__Host-` Prefix").
const COOKIE: &str = "rtmx_session";
const COOKIE_HTTPS: &str = "__Host-rtmx_session";
/// The most expired sessions that one sign-in deletes.
const SWEEP_LIMIT: usize = 100;
/// Hexadecimal digits of the second in which a session expires.
const EXPIRY_DIGITS: usize = 10;
/// Characters of 256 bits in base64 without padding.
const SECRET_CHARS: usize = 43;

/// Whether the browser speaks HTTPS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Https,
    Http,
}

/// A session that was just made.
pub(super) struct Made {
    /// What the cookie holds.
    secret: Secret<String>,
    /// How long it is good, in seconds.
    seconds: i64,
}

/// What a cookie's text says, before anything is asked.
struct Named {
    id: String,
    hash: String,
    expires_at: Timestamp,
}

/// Makes a session for the holder of a token, and deletes some that have expired.
///
/// # Errors
///
/// What the storage meets.
pub(super) async fn make(app: &App, cx: &Cx, token_id: &str, token: &Token) -> Result<Made> {
    let epoch = app.storage.head(cx, &Space::System).await?.epoch;
    let now = app.clock.now();
    let latest = now.checked_add(app.settings().auth.session_lifetime).unwrap_or(Timestamp::MAX);
    let expires_at = whole_second(token.expires_at.map_or(latest, |end| end.min(latest)));
    let secret = random_secret(expires_at);
    let named = Named::of(secret.expose()).expect("a secret that was just made is well formed");
    let body =
        Session { token_id: token_id.to_owned(), epoch, hash: named.hash, created_at: now, expires_at };
    let mut set = ChangeSet::new(ChangeSetId(super::start::random_uuid()), Space::System, token_id, now);
    set.note = "sign in".into();
    set.epoch = Some(epoch);
    set.changes = vec![Change::create(named.id, Body::Session(body))];
    app.storage.apply(cx, &set).await?;
    if let Err(error) = sweep(app, cx).await {
        // Another server was quicker, or the next sign-in finds them.
        tracing::debug!(code = %error.code(), "expired sessions were not deleted");
    }
    Ok(Made { secret, seconds: expires_at.as_second() - now.as_second() })
}

/// The caller that a session stands for: the holder of its token.
///
/// # Errors
///
/// `session_ended`, the same for unknown, expired, ended and restored ones and for those whose token is
/// no longer good.
pub(super) async fn caller_of(app: &App, cx: &Cx, text: &str) -> Result<Caller> {
    let ended = || Error::new(server::SESSION_ENDED, "the session has ended");
    let now = app.clock.now();
    let named = Named::of(text).filter(|named| named.expires_at > now).ok_or_else(ended)?;
    let page = app.storage.fetch(cx, &Query::ids(Space::System, Kind::Session, [named.id.clone()])).await?;
    let epoch = page.head.epoch;
    let (_, session) = page.into_records().pop().and_then(|record| named.opens(record)).ok_or_else(ended)?;
    if session.epoch != epoch || session.expires_at <= now {
        return Err(ended());
    }
    let token = tokens::good(app, cx, &session.token_id).await?.ok_or_else(ended)?;
    Ok(Caller { actor: session.token_id, role: token.role, project: token.project })
}

/// Ends a session on every server, if it is one.
///
/// # Errors
///
/// What the storage meets.
pub(super) async fn end(app: &App, cx: &Cx, text: &str) -> Result<()> {
    let Some(named) = Named::of(text) else { return Ok(()) };
    let page = app.storage.fetch(cx, &Query::ids(Space::System, Kind::Session, [named.id.clone()])).await?;
    let Some((record, session)) = page.into_records().pop().and_then(|record| named.opens(record)) else {
        return Ok(());
    };
    let id = ChangeSetId(super::start::random_uuid());
    let mut set = ChangeSet::new(id, Space::System, &session.token_id, app.clock.now());
    set.note = "sign out".into();
    set.changes = vec![Change::delete(record.key(), record.revision)];
    match app.storage.apply(cx, &set).await {
        // Nothing writes a session twice, so whoever came first has deleted it.
        Err(error) if [storage::STALE_REVISION, storage::RECORD_NOT_FOUND].contains(&error.code()) => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}

/// The secrets of sessions in a request's cookies. The first counts: only this host can have set it, if
/// there is such a one.
pub(super) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let named = |wanted: &'static str| {
        let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(move |(name, _)| *name == wanted).map(|(_, value)| value)
    };
    named(COOKIE_HTTPS).chain(named(COOKIE))
}

impl Made {
    /// The cookie to set. Its text is a secret.
    pub(super) fn cookie(&self, channel: Channel) -> Secret<String> {
        Secret::new(set_cookie(channel, self.secret.expose(), self.seconds))
    }
}

/// The cookie that takes the place of a session's, and ends at once.
pub(super) fn cleared(channel: Channel) -> String {
    set_cookie(channel, "", 0)
}

/// Every part is ours, so none needs quoting. `Lax` lets links from elsewhere in; what it keeps out is
/// kept out by `origin` as well.
fn set_cookie(channel: Channel, value: &str, seconds: i64) -> String {
    let (name, secure) = match channel {
        Channel::Https => (COOKIE_HTTPS, "; Secure"),
        Channel::Http => (COOKIE, ""),
    };
    format!("{name}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}")
}

/// Deletes some of the sessions that have expired.
async fn sweep(app: &App, cx: &Cx) -> Result<()> {
    let now = app.clock.now();
    let query = RecordQuery { limit: SWEEP_LIMIT, ..RecordQuery::all(Space::System, Kind::Session) };
    let found = app.storage.fetch(cx, &Query::Records(query)).await?.into_records();
    let expired = |record: &Record| matches!(&record.body, Body::Session(it) if it.expires_at <= now);
    let mut set = ChangeSet::new(ChangeSetId(super::start::random_uuid()), Space::System, "server", now);
    set.note = "delete expired sessions".into();
    set.changes = found
        .iter()
        .take_while(|record| expired(record))
        .map(|record| Change::delete(record.key(), record.revision))
        .collect();
    if set.changes.is_empty() {
        return Ok(());
    }
    app.storage.apply(cx, &set).await.map(|_| ())
}

impl Named {
    /// Reads a cookie's text; `None` for one that was never made here.
    fn of(text: &str) -> Option<Named> {
        let (expiry, secret) = text.split_once('.')?;
        let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        let lower_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        if expiry.len() != EXPIRY_DIGITS
            || !expiry.bytes().all(lower_hex)
            || secret.len() != SECRET_CHARS
            || !secret.bytes().all(plain)
        {
            return None;
        }
        let second = i64::from_str_radix(expiry, 16).ok()?;
        let expires_at = Timestamp::from_second(second).ok()?;
        let hash = tokens::hash_of(text);
        let id = format!("{expiry}-{}", hash.get(..16)?);
        Some(Named { id, hash, expires_at })
    }

    /// The session of a record, if it is the one whose secret this is.
    fn opens(&self, record: Record) -> Option<(Record, Session)> {
        let Body::Session(session) = record.body.clone() else { return None };
        let same: bool = self.hash.as_bytes().ct_eq(session.hash.as_bytes()).into();
        same.then_some((record, session))
    }
}

/// The last whole second that is not after `at`: what a cookie can say.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn random_secret(expires_at: Timestamp) -> Secret<String> {
    use base64::Engine;
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    let secret = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    Secret::new(format!("{:010x}.{secret}", expires_at.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("it is in range")
    }

    #[test]
    fn a_cookie_names_its_record_and_when_it_expires() {
        let secret = random_secret(at(1_700_000_000));
        let named = Named::of(secret.expose()).expect("it was made here");
        assert_eq!(named.expires_at, at(1_700_000_000));
        assert!(named.id.starts_with("006553f100-"), "{}", named.id);
        let later = Named::of(random_secret(at(1_700_000_001)).expose()).expect("it was made here");
        assert!(later.id > named.id, "ids are in the order of expiry");
        let other = Named::of(random_secret(at(1_700_000_000)).expose()).expect("it was made here");
        assert_ne!(other.id, named.id);
    }

    #[test]
    fn what_was_never_made_here_is_no_session() {
        let good = "0".repeat(10) + "." + &"A".repeat(43);
        assert!(Named::of(&good).is_some());
        let bad = [
            String::new(),
            ".".into(),
            good.replace('.', "-"),
            good.clone() + "A",
            good[1..].to_owned(),
            good.replacen('0', "+", 1),
            good.replacen('0', "F", 1),
            good.replace('A', "="),
            "f".repeat(10) + "." + &"A".repeat(43),
            "ä".repeat(5) + "." + &"A".repeat(43),
        ];
        for text in bad {
            assert!(Named::of(&text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn the_cookie_that_only_this_host_can_have_set_goes_first() {
        // the header lines, the secret that is taken
        let cases: [(&[&str], Option<&str>); 7] = [
            (&[], None),
            (&["theme=dark"], None),
            (&["rtmx_session=a"], Some("a")),
            (&["theme=dark; rtmx_session=a;lang=en"], Some("a")),
            (&["rtmx_session=a; __Host-rtmx_session=b"], Some("b")),
            (&["rtmx_session=a", "__Host-rtmx_session=b"], Some("b")),
            (&["xrtmx_session=a; rtmx_sessions=b"], None),
        ];
        for (lines, wanted) in cases {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, line.parse().expect("a header's text"));
            }
            assert_eq!(cookies(&headers).next(), wanted, "{lines:?}");
        }
    }
}
