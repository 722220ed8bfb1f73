//! What the filter form sends, brought into the words of the API.
//!
//! In the API an empty value asks for an empty column, and a form cannot leave a field out. So the
//! form marks what it sends: then empty fields are dropped, [`EMPTY`] asks for an empty column, and
//! `where` names the column that `is` is about.

use super::Words;

/// The parameter by which a form says that it was one.
pub(in crate::http::dashboard) const MARK: &str = "form";
/// What a form sends for an empty column.
pub(in crate::http::dashboard) const EMPTY: &str = "∅";

/// A value as a form sends it.
pub(super) fn sent(value: &str) -> &str {
    if value.is_empty() { EMPTY } else { value }
}

/// The address that a form meant.
pub(super) fn tidied(given: Vec<(String, String)>) -> Words {
    let value_of = |name: &str| given.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone());
    let by_column = value_of("where").filter(|column| !column.is_empty()).map(|column| {
        let value = value_of("is").unwrap_or_default();
        (column, value)
    });
    let mut words: Vec<(String, String)> = Vec::new();
    let mut columns: Vec<String> = Vec::new();
    for (name, value) in given {
        match name.as_str() {
            MARK | "where" | "is" | "cursor" | "before" => {}
            "columns" => columns.push(value),
            "untested" => {
                words.push(("test_function".to_owned(), String::new()));
                words.push(("test_function".to_owned(), "MISSING".to_owned()));
            }
            _ if value.is_empty() => {}
            _ if value == EMPTY => words.push((name, String::new())),
            _ => words.push((name, value)),
        }
    }
    words.extend(by_column);
    let default = super::columns::DEFAULT.map(rtmx_core::Column::name);
    let is_default =
        columns.len() == default.len() && columns.iter().all(|name| default.contains(&name.as_str()));
    if !columns.is_empty() && !is_default {
        words.push(("columns".to_owned(), columns.join(",")));
    }
    let mut seen: Vec<(String, String)> = Vec::new();
    words.retain(|word| {
        !seen.contains(word) && {
            seen.push(word.clone());
            true
        }
    });
    Words::of(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_the_words_of_the_api() {
        // what the form sends, the address
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[("form", "1"), ("phase", ""), ("search", "")], ""),
            (
                &[("status", "MISSING"), ("status", "PARTIAL"), ("form", "1")],
                "?status=MISSING&status=PARTIAL",
            ),
            (&[("phase", EMPTY), ("category", "A & B")], "?phase=&category=A%20%26%20B"),
            (&[("where", "notes"), ("is", ""), ("sort", "-phase")], "?sort=-phase&notes="),
            (&[("untested", "1"), ("cursor", "00")], "?test_function=&test_function=MISSING"),
            (&[("columns", "req_id"), ("columns", "notes")], "?columns=req_id%2Cnotes"),
        ];
        for (given, address) in cases {
            let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(tidied(given).to_string(), address);
        }
    }
}
