//! The known name that is most like a misspelt one: what "did you mean" says wherever a file is read.

/// The candidate with the fewest changed letters, if that is at most a third of them; of equals the
/// first.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A name longer than any of ours is nobody's misspelling, and the comparison costs the product.
    const WORD_LIMIT_CHARS: usize = 100;
    if word.chars().count() > WORD_LIMIT_CHARS {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let away = distance(word, candidate);
        let allowed = (candidate.chars().count() / 3).max(1);
        if away <= allowed && best.is_none_or(|(least, _)| away < least) {
            best = Some((away, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Letters to insert, remove, replace or swap with their neighbour, whatever their case.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let width = b.len() + 1;
    let mut rows = vec![0usize; (a.len() + 1) * width];
    for (j, cell) in rows.iter_mut().take(width).enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        rows[i * width] = i;
        for j in 1..=b.len() {
            let replaced = rows[(i - 1) * width + j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[(i - 1) * width + j] + 1).min(rows[i * width + j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[(i - 2) * width + j - 2] + 1);
            }
            rows[i * width + j] = least;
        }
    }
    rows[a.len() * width + b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelling_finds_its_word_and_a_stranger_finds_none() {
        let words = ["server.listen", "server.drain", "log.level"];
        let cases = [
            ("server.lisen", Some("server.listen")),
            ("server.lsiten", Some("server.listen")),
            ("SERVER.LISTEN", Some("server.listen")),
            ("log.lvl", Some("log.level")),
            ("colour", None),
            ("", None),
        ];
        for (word, want) in cases {
            assert_eq!(nearest(word, words), want, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), words), None);
    }
}
