//! Cuts a file into rows, each with the very bytes that it was written with.
//!
//! The cutting of fields is the `csv` crate's; this file adds what a faithful export needs and
//! that crate does not say: where each row's bytes begin and end, on which line, and whether the
//! last quote was ever closed.

use csv::{ReaderBuilder, StringRecord};

/// One row of a file.
pub(super) struct Row<'a> {
    /// The row's bytes with its line end, and the blank lines before it.
    pub(super) text: &'a str,
    /// The line on which the row begins, from 1.
    pub(super) line: u64,
}

/// The rows of a file, in order.
pub(super) struct Rows<'a> {
    text: &'a str,
    reader: csv::Reader<&'a [u8]>,
    fields: StringRecord,
    end: usize,
    newlines: u64,
}

/// A quoted field that is not closed, by the line on which it begins.
#[derive(Debug)]
pub(super) struct UnclosedQuote {
    pub(super) line: u64,
}

impl<'a> Rows<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        Rows { text, reader, fields: StringRecord::new(), end: 0, newlines: 0 }
    }

    /// The fields of the row that [`Rows::next`] answered last.
    pub(super) fn fields(&self) -> &StringRecord {
        &self.fields
    }

    /// What follows the last row.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.end..]
    }

    /// The next row; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<Row<'a>>, UnclosedQuote> {
        // Reading from memory cannot fail, the text is UTF-8, and rows of any length are accepted.
        if !self.reader.read_record(&mut self.fields).unwrap_or(false) {
            return Ok(None);
        }
        let read = usize::try_from(self.reader.position().byte()).unwrap_or(self.text.len());
        let mut end = read.min(self.text.len());
        if self.text[..end].ends_with('\r') && self.text[end..].starts_with('\n') {
            end += 1;
        }
        let text = &self.text[self.end..end];
        let body = text.trim_start_matches(['\r', '\n']);
        let blank = newlines(&text[..text.len() - body.len()]);
        let line = self.newlines + blank + 1;
        if end == self.text.len()
            && let Some(opened) = unclosed_quote(body)
        {
            return Err(UnclosedQuote { line: line + newlines(&body[..opened]) });
        }
        self.newlines += newlines(text);
        self.end = end;
        Ok(Some(Row { text, line }))
    }
}

pub(super) fn newlines(text: &str) -> u64 {
    text.bytes().filter(|byte| *byte == b'\n').count() as u64
}

/// Where the quoted field begins that a row's end is still inside of.
fn unclosed_quote(row: &str) -> Option<usize> {
    enum In {
        Start,
        Plain,
        Quoted,
        Quote,
    }
    let (mut state, mut opened) = (In::Start, 0);
    for (index, byte) in row.bytes().enumerate() {
        state = match (state, byte) {
            (In::Start, b'"') => {
                opened = index;
                In::Quoted
            }
            (In::Quoted, b'"') => In::Quote,
            (In::Quoted, _) | (In::Quote, b'"') => In::Quoted,
            (In::Start | In::Plain | In::Quote, b',' | b'\r' | b'\n') => In::Start,
            (In::Start | In::Plain | In::Quote, _) => In::Plain,
        };
    }
    matches!(state, In::Quoted).then_some(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> (Vec<(String, u64)>, String) {
        let mut rows = Rows::new(text);
        let mut cut = Vec::new();
        while let Some(row) = rows.next().expect("the case closes its quotes") {
            cut.push((row.text.to_owned(), row.line));
        }
        (cut, rows.rest().to_owned())
    }

    #[test]
    fn rows_carry_their_bytes_with_the_blank_lines_before_them() {
        let (rows, rest) = cut("a,b\r\n\n\"x\ny\",2\n\r\n\r\nlast\n\n");
        let wanted = [("a,b\r\n", 1), ("\n\"x\ny\",2\n", 3), ("\r\n\r\nlast\n", 7)];
        assert_eq!(rows, wanted.map(|(text, line)| (text.to_owned(), line)));
        assert_eq!(rest, "\n");
        assert_eq!(cut("a\rb\r\n\rc").0.len(), 3);
    }

    #[test]
    fn an_unclosed_quote_is_found_on_the_line_where_it_begins() {
        // file, line
        let cases =
            [("a\n\"b\nc\n", 2), ("a\n\"b\"\n\nx,\"\",\"\"\"y\n", 4), ("\"", 1), ("a\nb\n\"x\ny\",\"z", 4)];
        for (file, line) in cases {
            let mut rows = Rows::new(file);
            let found = loop {
                match rows.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{file:?}: no unclosed quote found"),
                    Err(found) => break found,
                }
            };
            assert_eq!(found.line, line, "{file:?}");
        }
        assert_eq!(cut("a\n\"b\"c\"\n5\"\n").0.len(), 3);
    }
}
