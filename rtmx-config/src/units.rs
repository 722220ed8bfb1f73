//! Values with units as people write them: durations, sizes, switches.
//!
//! Every parser accepts what its formatter writes, and nothing is guessed: a duration without a unit is
//! refused, because half of the world means seconds and the other half milliseconds.

use std::time::Duration;

const DURATION_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Decimal units, binary ones, and the binary ones as Kubernetes writes them; in lower case.
const SIZE_UNITS: [(&str, u64); 14] = [
    ("tib", 1 << 40),
    ("gib", 1 << 30),
    ("mib", 1 << 20),
    ("kib", 1 << 10),
    ("ti", 1 << 40),
    ("gi", 1 << 30),
    ("mi", 1 << 20),
    ("ki", 1 << 10),
    ("tb", 1_000_000_000_000),
    ("gb", 1_000_000_000),
    ("mb", 1_000_000),
    ("kb", 1_000),
    ("b", 1),
    ("", 1),
];

const WRITTEN_SIZE_UNITS: [(&str, u64); 8] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
];

/// Reads a duration: whole numbers with the units `d`, `h`, `m`, `s` and `ms`, such as `30s` or
/// `1h30m`. Each unit stands at most once; `0` needs none.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut used = [false; DURATION_UNITS.len()];
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (name, next) = after.split_at(end);
        let name = name.to_ascii_lowercase();
        let index = DURATION_UNITS.iter().position(|(unit, _)| *unit == name)?;
        if std::mem::replace(&mut used[index], true) {
            return None;
        }
        total = total.checked_add(number.checked_mul(DURATION_UNITS[index].1)?)?;
        rest = next.trim_start();
    }
    used.contains(&true).then(|| Duration::from_millis(total))
}

/// Writes a duration so that [`parse_duration`] reads it back; parts below a millisecond are cut off.
pub fn format_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".into();
    }
    let mut text = String::new();
    // Days are read, but not written: an interval of `24h` comes back as it was set.
    for (unit, millis) in &DURATION_UNITS[1..] {
        if rest >= *millis {
            text.push_str(&format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    text
}

/// Reads a size in bytes: a whole number with a binary unit (`512MiB`, `10Gi`), a decimal one (`64MB`)
/// or none, for bytes. Case does not matter.
pub fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = leading_number(text.trim())?;
    let unit = unit.to_ascii_lowercase();
    let (_, factor) = SIZE_UNITS.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*factor)
}

/// Writes a size with the largest unit that divides it, so that [`parse_size`] reads it back.
pub fn format_size(bytes: u64) -> String {
    let fits = |(_, factor): &&(&str, u64)| bytes > 0 && bytes.is_multiple_of(*factor);
    match WRITTEN_SIZE_UNITS.iter().find(fits) {
        Some((unit, factor)) => format!("{}{unit}", bytes / factor),
        None => format!("{bytes}B"),
    }
}

/// Reads a switch: `true`, `yes`, `on`, `1` and their opposites, in any case.
pub fn parse_switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// The whole number that a text begins with, and what follows it without leading space.
fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_with_their_units_and_refused_without() {
        let cases = [
            ("30s", Some(30_000)),
            ("10m", Some(600_000)),
            ("24h", Some(86_400_000)),
            ("7d", Some(604_800_000)),
            ("250ms", Some(250)),
            ("1h30m", Some(5_400_000)),
            (" 1h 30 m ", Some(5_400_000)),
            ("10S", Some(10_000)),
            ("0", Some(0)),
            ("30", None),
            ("", None),
            ("s", None),
            ("-5s", None),
            ("1.5h", None),
            ("5s5s", None),
            ("5 parsecs", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
            ("३s", None),
        ];
        for (text, want) in cases {
            assert_eq!(parse_duration(text), want.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_in_binary_and_decimal_units() {
        let cases = [
            ("512MiB", Some(512 << 20)),
            ("64MB", Some(64_000_000)),
            ("10Gi", Some(10 << 30)),
            ("1 kb", Some(1_000)),
            ("1024", Some(1_024)),
            ("7B", Some(7)),
            ("0", Some(0)),
            ("64M", None),
            ("1.5GiB", None),
            ("-1", None),
            ("MiB", None),
            ("", None),
            ("18446744073709551615TiB", None),
        ];
        for (text, want) in cases {
            assert_eq!(parse_size(text), want, "{text}");
        }
    }

    #[test]
    fn switches_are_read_in_every_common_form() {
        let cases = [
            ("true", Some(true)),
            ("YES", Some(true)),
            ("On", Some(true)),
            ("1", Some(true)),
            ("False", Some(false)),
            ("no", Some(false)),
            ("OFF", Some(false)),
            ("0", Some(false)),
            ("2", None),
            ("", None),
            ("enabled", None),
        ];
        for (text, want) in cases {
            assert_eq!(parse_switch(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_written_duration_reads_back(millis in any::<u32>()) {
            let duration = Duration::from_millis(millis.into());
            prop_assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
        }

        #[test]
        fn a_written_size_reads_back(bytes in any::<u64>(), shift in 0u32..40) {
            let bytes = bytes >> shift << shift;
            prop_assert_eq!(parse_size(&format_size(bytes)), Some(bytes));
        }

        #[test]
        fn no_text_makes_a_parser_panic(text in "\\PC*") {
            let _ = (parse_duration(&text), parse_size(&text), parse_switch(&text));
        }
    }
}
