//! Codes of the config area.

crate::code::codes! {
}
