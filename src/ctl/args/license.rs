//! The words of `license`.

use clap::Subcommand;
use std::path::PathBuf;

/// What to do with licenses.
#[derive(Debug, Subcommand)]
pub(in crate::ctl) enum LicenseCommand {
    /// Show what the license allows and what is in use, or what a license in a file says
    #[command(visible_alias = "status")]
    Inspect {
        /// The license, in any of its forms
        file: Option<PathBuf>,
    },
    /// Verify a license; exit code 8 if it cannot be installed
    Verify {
        /// The license, in any of its forms
        file: PathBuf,
    },
    /// Take over a keyset or a revocation list that the vendor sent
    Update {
        /// The file
        file: PathBuf,
    },
    /// Install a license
    Activate {
        /// The license, in any of its forms
        file: PathBuf,
    },
    /// Forget the license that was installed
    Remove,
    /// Show what this installation is recognised by, if a license is bound to it
    Fingerprint,
    /// Make the file with which the vendor issues a license for a machine without a network
    Request {
        /// Where it goes; it is printed otherwise
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
}
