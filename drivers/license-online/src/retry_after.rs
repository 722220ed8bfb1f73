//! `Retry-After`: the one thing of an unsigned answer that is listened to, because it can only make us
//! ask less, and for a day at most.

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};
use rtmx_core::Timestamp;
use std::time::Duration;

/// How long the server asks to be left alone: seconds, or a moment by its own clock (its `Date`), or by
/// ours where it does not say.
///
/// Source: RFC 9110, 10.2.3 and 5.6.7.
pub(crate) fn retry_after(headers: &HeaderMap, wall: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit are as many as are taken.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let from = moment(headers, &DATE).unwrap_or(wall);
    let wait = moment(headers, &RETRY_AFTER)?.as_second().saturating_sub(from.as_second());
    u64::try_from(wait).ok().map(Duration::from_secs)
}

fn moment(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    let text = headers.get(name)?.to_str().ok()?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn seconds_and_moments_are_understood_and_nothing_else() {
        let wall: Timestamp = "2026-11-01T12:00:00Z".parse().unwrap();
        // Retry-After, Date, seconds
        let cases: [(&str, Option<&str>, Option<u64>); 11] = [
            ("0", None, Some(0)),
            ("120", None, Some(120)),
            (" 7 ", None, Some(7)),
            ("99999999999999999999999", None, Some(u64::MAX)),
            ("Sun, 01 Nov 2026 12:10:00 GMT", None, Some(600)),
            ("Sun, 01 Nov 2026 13:10:00 GMT", Some("Sun, 01 Nov 2026 13:00:00 GMT"), Some(600)),
            ("Sun, 01 Nov 2026 11:00:00 GMT", None, None),
            ("soon", None, None),
            ("-5", None, None),
            ("1.5", None, None),
            ("", None, None),
        ];
        for (text, date, wanted) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_static(date));
            }
            assert_eq!(retry_after(&headers, wall).map(|wait| wait.as_secs()), wanted, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), wall), None);
    }
}
