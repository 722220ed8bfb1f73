//! Codes of the deploy area.

crate::code::codes! {
}
