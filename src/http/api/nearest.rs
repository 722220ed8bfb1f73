//! The nearest known name to one that is not known, for messages.

/// The name with the fewest edits, if it is near enough to be what was meant.
pub(super) fn nearest<'a>(unknown: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (unknown.chars().count() / 3).max(2);
    let measured = names.into_iter().map(|name| (distance(unknown, name), name));
    measured.min().filter(|(distance, _)| *distance <= limit).map(|(_, name)| name)
}

/// Insertions, deletions and replacements between two names, ignoring case; long names are cut.
fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| -> Vec<char> { text.chars().take(64).flat_map(char::to_lowercase).collect() };
    let (a, b) = (letters(a), letters(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let names = ["status", "priority", "phase"];
        assert_eq!(nearest("staus", names), Some("status"));
        assert_eq!(nearest("Priority", names), Some("priority"));
        assert_eq!(nearest("zebra", names), None);
    }
}
