//! What the tests share: a network of loopback addresses, and a vendor.

pub(crate) mod net;
pub(crate) mod vendor;
