//! What became of a text, in pieces: what stayed, what went, what came.

use similar::{ChangeTag, TextDiff};
use std::time::Duration;

/// The longest that one comparison may take; then it becomes coarser, never wrong.
const TIME_LIMIT: Duration = Duration::from_millis(50);
/// How much of a long stretch that stayed is shown on each side of what changed, in characters.
const AROUND: usize = 60;

/// A piece of a compared text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: PieceKind,
    pub(super) text: String,
}

/// What became of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceKind {
    Same,
    Removed,
    Added,
    /// A long stretch that stayed and is left out.
    Gap,
}

impl Piece {
    pub(super) fn is_removed(&self) -> bool {
        self.kind == PieceKind::Removed
    }

    pub(super) fn is_added(&self) -> bool {
        self.kind == PieceKind::Added
    }

    pub(super) fn is_gap(&self) -> bool {
        self.kind == PieceKind::Gap
    }
}

/// Compares two texts word by word; long stretches that stayed are left out.
pub(super) fn words(before: &str, after: &str) -> Vec<Piece> {
    let compared = TextDiff::configure().timeout(TIME_LIMIT).diff_words(before, after);
    shorten(joined(compared.iter_all_changes().map(|change| (change.tag(), change.value()))))
}

/// Compares two texts line by line; long stretches that stayed are left out.
pub(super) fn lines(before: &str, after: &str) -> Vec<Piece> {
    let compared = TextDiff::configure().timeout(TIME_LIMIT).diff_lines(before, after);
    shorten(joined(compared.iter_all_changes().map(|change| (change.tag(), change.value()))))
}

fn joined<'a>(changes: impl Iterator<Item = (ChangeTag, &'a str)>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (tag, text) in changes {
        let kind = match tag {
            ChangeTag::Equal => PieceKind::Same,
            ChangeTag::Delete => PieceKind::Removed,
            ChangeTag::Insert => PieceKind::Added,
        };
        match pieces.last_mut() {
            Some(last) if last.kind == kind => last.text.push_str(text),
            _ => pieces.push(Piece { kind, text: text.to_owned() }),
        }
    }
    pieces
}

fn shorten(pieces: Vec<Piece>) -> Vec<Piece> {
    let last = pieces.len().saturating_sub(1);
    let mut short = Vec::with_capacity(pieces.len());
    for (index, piece) in pieces.into_iter().enumerate() {
        let (head, tail) = (if index == 0 { 0 } else { AROUND }, if index == last { 0 } else { AROUND });
        let length = piece.text.chars().count();
        if piece.kind != PieceKind::Same || length <= head + tail + AROUND {
            short.push(piece);
            continue;
        }
        let same = |text: String| Piece { kind: PieceKind::Same, text };
        let (first, rest): (String, String) =
            (piece.text.chars().take(head).collect(), piece.text.chars().skip(length - tail).collect());
        if !first.is_empty() {
            short.push(same(first));
        }
        short.push(Piece { kind: PieceKind::Gap, text: (length - head - tail).to_string() });
        if !rest.is_empty() {
            short.push(same(rest));
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pieces: &[Piece]) -> String {
        let tell = |piece: &Piece| match piece.kind {
            PieceKind::Same => piece.text.clone(),
            PieceKind::Removed => format!("[-{}]", piece.text),
            PieceKind::Added => format!("[+{}]", piece.text),
            PieceKind::Gap => format!("[…{}]", piece.text),
        };
        pieces.iter().map(tell).collect()
    }

    #[test]
    fn words_that_changed_stand_out_and_long_stretches_are_left_out() {
        // before, after, told
        let cases = [
            ("the user shall log in", "the user must log in", "the user [-shall][+must] log in".to_owned()),
            ("", "new", "[+new]".into()),
            ("old", "", "[-old]".into()),
            ("same", "same", "same".into()),
        ];
        for (before, after, want) in cases {
            assert_eq!(told(&words(before, after)), want);
        }
        let long = "word ".repeat(2_000);
        let pieces = words(&format!("{long}a {long}"), &format!("{long}b {long}"));
        assert!(pieces.iter().filter(|piece| piece.is_gap()).count() == 2, "{}", told(&pieces));
        assert!(told(&pieces).len() < 400);
    }

    #[test]
    fn pieces_hold_both_texts_when_nothing_is_left_out() {
        let (before, after) = ("one\ntwo\r\nthree", "one\n2\r\nthree\nfour ±");
        for pieces in [words(before, after), lines(before, after)] {
            let side = |without: PieceKind| -> String {
                pieces.iter().filter(|piece| piece.kind != without).map(|piece| piece.text.as_str()).collect()
            };
            assert_eq!(side(PieceKind::Added), before);
            assert_eq!(side(PieceKind::Removed), after);
        }
    }
}
