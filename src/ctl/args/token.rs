//! The words of `token`.

use clap::{Subcommand, ValueEnum};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(in crate::ctl) enum TokenCommand {
    /// Make a token and show it once
    Create {
        /// What it is for
        purpose: String,
        /// What its holder may do
        #[arg(long, value_enum, default_value_t = TokenRole::Viewer)]
        role: TokenRole,
        /// The only project that it is good for
        #[arg(long)]
        project: Option<String>,
        /// When it ends by itself, such as 2030-01-31T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires: Option<jiff::Timestamp>,
    },
    /// List the tokens, without their secrets
    List,
    /// Revoke a token at once
    Revoke {
        /// The token's id, as `token list` shows it
        id: String,
    },
    /// Replace a lost first admin token
    Reset,
}

/// What the holder of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::ctl) enum TokenRole {
    /// Reads and exports
    Viewer,
    /// Also writes and imports
    Editor,
    /// Also makes projects and tokens
    Admin,
}
