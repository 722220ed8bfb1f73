//! The armoured form: a token in lines of 64 characters, for files and mail.
//!
//! Comments stand before the begin line, are not signed, and are not looked at. Between the lines
//! there is one layout only; line ends may be those of Windows.

use crate::Refusal;
use crate::document::DocumentType;

const COLUMNS: usize = 64;

pub(super) fn write(token: &str, document: DocumentType) -> String {
    let label = document.label();
    let mut text = format!("-----BEGIN RTMX {label}-----\n");
    let mut rest = token;
    while !rest.is_empty() {
        // A token is ASCII.
        let (line, next) = rest.split_at(rest.len().min(COLUMNS));
        text.push_str(line);
        text.push('\n');
        rest = next;
    }
    text.push_str(&format!("-----END RTMX {label}-----\n"));
    text
}

/// The token between the lines; `bytes` begin and end with something that is no space.
pub(super) fn read(bytes: &[u8], document: DocumentType) -> Result<Vec<u8>, Refusal> {
    if !bytes.contains(&b'\n') && bytes.windows(2).any(|pair| pair == b"\\n") {
        return Err(malformed("its line ends were written as `\\n`; keep them as line ends"));
    }
    let label = document.label();
    let (begin, end) = (format!("-----BEGIN RTMX {label}-----"), format!("-----END RTMX {label}-----"));
    let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.find(|line| !(line.is_empty() || line.starts_with(b"#")));
    if first != Some(begin.as_bytes()) {
        return Err(malformed(match first.and_then(other) {
            Some(_) => "it holds another type of document",
            None => "it does not begin with the line for this type of document",
        }));
    }
    let mut token = Vec::with_capacity(bytes.len());
    let mut short = false;
    for line in lines.by_ref() {
        if line == end.as_bytes() {
            return if lines.next().is_none() {
                Ok(token)
            } else {
                Err(malformed("text follows its end line"))
            };
        }
        if short || line.is_empty() || line.len() > COLUMNS {
            return Err(malformed("its lines have 64 characters each, but the last"));
        }
        short = line.len() < COLUMNS;
        token.extend_from_slice(line);
    }
    Err(malformed("it has no end line"))
}

/// The type of document that a begin line names.
fn other(line: &[u8]) -> Option<DocumentType> {
    DocumentType::ALL
        .into_iter()
        .find(|document| line == format!("-----BEGIN RTMX {}-----", document.label()).as_bytes())
}

fn malformed(why: &str) -> Refusal {
    Refusal::malformed("armoured file", why)
}
