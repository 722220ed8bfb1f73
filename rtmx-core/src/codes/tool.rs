//! Codes of the tool area.

crate::code::codes! {
}
