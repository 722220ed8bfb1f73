//! How a page is looked at: the size of the window, and light or dark.

/// A window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    /// The word for it in the names of stories and screenshots.
    pub(crate) name: &'static str,
    /// In CSS pixels.
    pub(crate) width: u32,
    /// In CSS pixels.
    pub(crate) height: u32,
    /// Whether it is held in a hand: touched, and scaled by what the page asks for.
    pub(crate) is_phone: bool,
    /// What `prefers-color-scheme` says.
    pub(crate) scheme: &'static str,
}

const DESKTOP: View = View { name: "desktop", width: 1280, height: 900, is_phone: false, scheme: "light" };
const PHONE: View = View { name: "phone", width: 390, height: 844, is_phone: true, scheme: "light" };

impl View {
    /// The views of this run: both sizes, and each in the dark too where `RTMX_BROWSER_FULL` is set.
    pub(crate) fn all() -> Vec<View> {
        let light = [DESKTOP, PHONE];
        let dark = [
            View { name: "desktop_dark", scheme: "dark", ..DESKTOP },
            View { name: "phone_dark", scheme: "dark", ..PHONE },
        ];
        if is_full() { light.into_iter().chain(dark).collect() } else { light.to_vec() }
    }
}

/// Whether this is the long form, which keeps a screenshot of every page.
pub(crate) fn is_full() -> bool {
    std::env::var_os("RTMX_BROWSER_FULL").is_some()
}
