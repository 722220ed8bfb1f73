//! Codes of the server area.

crate::code::codes! {
}
