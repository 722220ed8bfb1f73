//! Moments in documents: `YYYY-MM-DDTHH:MM:SSZ`, years 2020 to 2199, whole seconds, UTC.
//!
//! One moment has one text. Offsets, fractions, leap seconds and lower case are refused, because each
//! of them was read in two ways by somebody.

use rtmx_core::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// Seconds of a day.
pub(crate) const DAY_S: i64 = 86_400;

/// 2020-01-01T00:00:00Z and 2200-01-01T00:00:00Z, half-open.
const RANGE_S: std::ops::Range<i64> = 1_577_836_800..7_258_118_400;

/// Parses the 20 characters.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    const SHAPE: &[u8; 20] = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(b, s)| if *s == b'd' { b.is_ascii_digit() } else { b == *s });
    // The parser reads `:60` as a leap second.
    if !fits || &text[17..19] > "59" || &text[11..13] > "23" {
        return None;
    }
    text.parse().ok().filter(|at: &Timestamp| is_in_range(*at))
}

/// Whether a document can hold the moment.
pub(crate) fn is_in_range(at: Timestamp) -> bool {
    RANGE_S.contains(&at.as_second()) && at.subsec_nanosecond() == 0
}

/// The moment without its fraction, for a document.
pub(crate) fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// The moment this many seconds later, or the end of time.
pub(crate) fn later(at: Timestamp, seconds: i64) -> Timestamp {
    let sum = at.as_second().saturating_add(seconds);
    let end = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::new(sum, at.subsec_nanosecond()).unwrap_or(end)
}

/// The moment this many days later, or the end of time.
pub(crate) fn days_later(at: Timestamp, days: u64) -> Timestamp {
    later(at, i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY_S))
}

/// The seconds from one moment to another; negative if the other is before.
pub(crate) fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second().saturating_sub(from.as_second())
}

pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| D::Error::custom("a moment that is not YYYY-MM-DDTHH:MM:SSZ"))
}

/// The same for moments that may be absent.
pub(crate) mod optional {
    use super::{Deserializer, Serializer, Timestamp};

    pub(crate) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.collect_str(at),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        super::deserialize(deserializer).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_one_text() {
        for text in
            ["2020-01-01T00:00:00Z", "2026-02-28T23:59:59Z", "2028-02-29T12:00:00Z", "2199-12-31T23:59:59Z"]
        {
            assert_eq!(parse(text).expect(text).to_string(), text);
        }
        let refused = [
            "",
            "2019-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "10000-01-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-06-30T23:59:60Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:00+01:00",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00z",
            "2026-01-01t00:00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00.0Z",
            "2026-01-01T00:00:0\u{ff11}Z",
            " 2026-01-01T00:00:0Z",
            "+026-01-01T00:00:00Z",
        ];
        for text in refused {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn arithmetic_ends_at_the_end_of_time() {
        assert_eq!(days_later(Timestamp::UNIX_EPOCH, u64::MAX), Timestamp::MAX);
        assert_eq!(later(Timestamp::UNIX_EPOCH, i64::MIN), Timestamp::MIN);
        assert_eq!(days_later(Timestamp::UNIX_EPOCH, 1).as_second(), DAY_S);
        assert_eq!(seconds_between(Timestamp::UNIX_EPOCH, days_later(Timestamp::UNIX_EPOCH, 2)), 2 * DAY_S);
    }
}
