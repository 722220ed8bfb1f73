//! What text in a document may be: names, ids, and words for people.
//!
//! Two texts that look alike must be the same bytes, or one of them is refused: no controls, nothing
//! that is invisible or turns the direction of reading, and one normal form (NFC).

use crate::Refusal;
use unicode_normalization::is_nfc;

/// The most characters that a text for people may have.
pub(crate) const TEXT_LIMIT_CHARS: usize = 200;
/// The most entries that a map of claims may have.
pub(crate) const MAP_LIMIT: usize = 64;
/// The largest integer that every JSON reader keeps exactly: 2^53 - 1.
pub(crate) const INTEGER_LIMIT: u64 = (1 << 53) - 1;

/// The name of a feature, limit or extension: `[a-z][a-z0-9_]{0,63}`.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 64
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// An id that others gave: 1 to 64 of letters, digits, `.`, `_` and `-`.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Why a text for people is refused, if it is.
pub(crate) fn fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return length(text.len()).or_else(|| edges(text));
    }
    if text.chars().any(is_unseen) {
        return Some("it has a control character, or one that cannot be seen");
    }
    if !is_nfc(text) {
        return Some("it is not in the normal form NFC");
    }
    length(text.chars().count()).or_else(|| edges(text))
}

fn length(chars: usize) -> Option<&'static str> {
    (chars > TEXT_LIMIT_CHARS).then_some("it has more than 200 characters")
}

fn edges(text: &str) -> Option<&'static str> {
    (text.trim() != text).then_some("it begins or ends with a space")
}

/// Controls, and the format characters, separators, fillers and tags of Unicode 16.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

pub(crate) fn check_text(claim: &'static str, text: &str) -> Result<(), Refusal> {
    fault(text).map_or(Ok(()), |why| Err(Refusal::claim(claim, why)))
}

pub(crate) fn check_id(claim: &'static str, text: &str) -> Result<(), Refusal> {
    let why = "an id has 1 to 64 of the characters A-Z a-z 0-9 . _ -";
    if is_id(text) { Ok(()) } else { Err(Refusal::claim(claim, why)) }
}

pub(crate) fn check_integer(claim: &'static str, value: u64) -> Result<(), Refusal> {
    let why = "integers end at 9007199254740991";
    if value <= INTEGER_LIMIT { Ok(()) } else { Err(Refusal::claim(claim, why)) }
}

/// Checks the names of a map and how many there are.
pub(crate) fn check_names<'a>(
    claim: &'static str,
    names: impl ExactSizeIterator<Item = &'a String>,
) -> Result<(), Refusal> {
    if names.len() > MAP_LIMIT {
        return Err(Refusal::claim(claim, "it has more than 64 entries"));
    }
    for name in names {
        if !is_name(name) {
            let why = "a name is a lower-case letter and up to 63 of a-z 0-9 _";
            return Err(Refusal::claim(claim, why));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_can_be_mistaken_for_other_text_is_refused() {
        // text, whether it is accepted
        let cases = [
            ("Acme Corporation", true),
            ("Müller & Söhne GmbH", true),
            ("株式会社", true),
            ("", false),
            (" Acme", false),
            ("Acme\u{a0}", false),
            ("Mu\u{308}ller", false),
            ("Ac\u{200d}me", false),
            ("Ac\u{202e}me", false),
            ("\u{feff}Acme", false),
            ("Ac\nme", false),
            ("Ac\u{7f}me", false),
            ("Acme\u{e0041}", false),
            ("Acme\u{fe0f}", false),
        ];
        for (text, fine) in cases {
            assert_eq!(fault(text).is_none(), fine, "{text:?}");
        }
        assert_eq!(fault(&"ü".repeat(200)), None);
        assert!(fault(&"ü".repeat(201)).is_some());
        assert!(fault(&"a".repeat(201)).is_some());
    }

    #[test]
    fn names_and_ids_have_a_small_alphabet() {
        // text, a name, an id
        let long = "a".repeat(64);
        let longer = "a".repeat(65);
        let cases = [
            ("max_nodes", true, true),
            ("a", true, true),
            (long.as_str(), true, true),
            (longer.as_str(), false, false),
            ("", false, false),
            ("1a", false, true),
            ("_a", false, true),
            ("lic-A.1", false, true),
            ("mаx", false, false),
            ("１", false, false),
            ("a b", false, false),
            ("../a", false, false),
        ];
        for (text, name, id) in cases {
            assert_eq!((is_name(text), is_id(text)), (name, id), "{text:?}");
        }
    }
}
