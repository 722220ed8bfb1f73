//! Images for those who start containers by other means, such as Compose.

use crate::{Flavour, Result, image};

/// The image of a PostgreSQL, as `name:tag`: an official one where that is here or can be had, else ours.
///
/// # Errors
///
/// If it cannot be made here.
pub fn postgres(major: u16, flavour: Flavour) -> Result<String> {
    image::postgres(major, flavour).map(|image| image.reference())
}

/// nginx and Redis in one image, with the users `nginx` and `redis` of the official ones; without a command
/// it is nginx.
///
/// # Errors
///
/// If it cannot be made here.
pub fn parts() -> Result<String> {
    image::parts().map(|image| image.reference())
}
