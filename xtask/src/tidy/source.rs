//! One source file, with code, comments and tests told apart.
//!
//! A small scanner and not a parser: it knows comments, strings and characters, which is all that
//! the rules need in order not to be fooled by text that only looks like code.

use std::ops::Range;

/// A source file.
#[derive(Debug)]
pub(super) struct Source {
    /// The path from the root.
    pub(super) path: String,
    /// The file as it is.
    pub(super) text: String,
    /// The file with comments and the insides of literals blanked; offsets are those of `text`.
    pub(super) code: String,
    /// The file with everything but comments blanked.
    pub(super) comments: String,
    tests: Vec<Range<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Code,
    Comment,
    Literal,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Source {
        let parts = parts(text.as_bytes());
        let code = keep(text, &parts, Part::Code);
        let comments = keep(text, &parts, Part::Comment);
        let whole = is_test_file(path).then_some(0..text.len());
        let tests = whole.map_or_else(|| test_modules(&code), |whole| Vec::from([whole]));
        Source { path: path.to_owned(), text: text.to_owned(), code, comments, tests }
    }

    /// Whether the byte belongs to test code.
    pub(super) fn is_test(&self, offset: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&offset))
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// Where a word stands in the code, whole.
    pub(super) fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let bytes = self.code.as_bytes();
        let inside =
            |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let whole = move |at: &usize| (*at == 0 || !inside(at - 1)) && !inside(at + word.len());
        self.code.match_indices(word).map(|(at, _)| at).filter(whole)
    }

    /// The end of the group that opens at or after `from`, past its closing bracket.
    pub(super) fn group_end(&self, from: usize, open: u8, close: u8) -> Option<usize> {
        group_end(self.code.as_bytes(), from, open, close)
    }
}

/// Test files: everything under a `tests` folder, modules named `tests`, and the conformance kit.
fn is_test_file(path: &str) -> bool {
    let folder = path.starts_with("tests/") || path.contains("/tests/");
    folder || path.ends_with("/tests.rs") || path.starts_with("drivers/conformance/")
}

/// The modules and functions under `#[cfg(test)]`.
fn test_modules(code: &str) -> Vec<Range<usize>> {
    let bytes = code.as_bytes();
    let starts = code.match_indices("#[cfg(test)]").map(|(at, _)| at);
    let module = |start: usize| {
        let opens = bytes[start..].iter().position(|byte| matches!(byte, b'{' | b';'))? + start;
        let end = if bytes[opens] == b'{' { group_end(bytes, opens, b'{', b'}')? } else { opens };
        Some(start..end)
    };
    starts.filter_map(module).collect()
}

fn group_end(bytes: &[u8], from: usize, open: u8, close: u8) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(at + 1);
            }
        }
    }
    None
}

fn keep(text: &str, parts: &[Part], wanted: Part) -> String {
    let mut kept = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        if parts[at] == wanted || character == '\n' {
            kept.push(character);
        } else {
            kept.extend(std::iter::repeat_n(' ', character.len_utf8()));
        }
    }
    kept
}

/// What each byte belongs to. The quotes of a literal count as code, its inside does not.
fn parts(bytes: &[u8]) -> Vec<Part> {
    let mut parts = vec![Part::Code; bytes.len()];
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (end, part) = if rest.starts_with(b"//") {
            (at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()), Part::Comment)
        } else if rest.starts_with(b"/*") {
            (at + block_comment(rest), Part::Comment)
        } else if let Some(length) = literal(bytes, at) {
            (at + length, Part::Literal)
        } else {
            (at + 1, Part::Code)
        };
        let inner = if part == Part::Literal { at + 1..end.max(at + 2) - 1 } else { at..end };
        parts[inner].fill(part);
        at = end;
    }
    parts
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of the string or character that begins here.
fn literal(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let after_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest[0] {
        b'"' => Some(quoted(rest, b'"')),
        b'\'' if rest.get(1) == Some(&b'\\') => Some(quoted(rest, b'\'')),
        b'\'' => {
            // One character and a quote; anything else is a lifetime.
            let text = std::str::from_utf8(&rest[1..rest.len().min(6)]);
            let valid = text.map_or_else(|error| &rest[1..1 + error.valid_up_to()], str::as_bytes);
            let character = std::str::from_utf8(valid).ok()?.chars().next()?;
            (rest.get(1 + character.len_utf8()) == Some(&b'\'')).then_some(2 + character.len_utf8())
        }
        b'r' if !after_word || matches!(bytes[at - 1], b'b' | b'c') => raw(rest),
        _ => None,
    }
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = 2 + hashes;
    let length = rest[body..].windows(close.len()).position(|window| window == close);
    Some(length.map_or(rest.len(), |length| body + length + close.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_comments_and_literals_are_not_code() {
        // text, how often `unsafe` is code
        let cases = [
            ("unsafe { }", 1),
            ("// unsafe", 0),
            ("/* a /* unsafe */ unsafe */ unsafe", 1),
            ("\"unsafe \\\" unsafe\" unsafe", 1),
            ("r#\"unsafe \" unsafe\"# unsafe", 1),
            ("br\"unsafe\" 'u' unsafe", 1),
            ("'\"' unsafe '\"'", 1),
            ("fn f<'a>(x: &'a str) { unsafe }", 1),
            ("'\\'' unsafe", 1),
            ("unsafe_code my_unsafe", 0),
            ("'ä' \"ä\" unsafe", 1),
        ];
        for (text, count) in cases {
            assert_eq!(Source::new("a.rs", text).words("unsafe").count(), count, "{text}");
        }
    }

    #[test]
    fn test_modules_are_told_from_the_rest() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { if x { } }\n}\nfn c() {}\n";
        let source = Source::new("src/a.rs", text);
        let at = |name: &str| source.is_test(text.find(name).expect("the text holds it"));
        assert_eq!((at("fn a"), at("fn b"), at("fn c")), (false, true, false));
        assert!(Source::new("drivers/x/tests/y.rs", text).is_test(0));
    }
}
