//! Who calls, and what they may do.

use super::Problem;
use axum::extract::FromRequestParts;
use http::request::Parts;
use rtmx_core::{Error, Role, server};

/// Who sent a request. Put into the request's extensions by the sign-in; an extractor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name under which the history remembers the caller: a token's id, `anonymous` or `local-admin`.
    pub actor: String,
    /// What the caller may do.
    pub role: Role,
    /// The only project that the caller may see; `None` for all.
    pub project: Option<String>,
}

/// The owner of the installation, and whoever needs no token.
const LOCAL_ADMIN: &str = "local-admin";
const ANONYMOUS: &str = "anonymous";

impl Caller {
    /// Someone on this machine who was let in by the admin socket, or runs the tool in process.
    pub fn local_admin() -> Self {
        Caller { actor: LOCAL_ADMIN.into(), role: Role::Admin, project: None }
    }

    /// Someone on a loopback listener of an installation without users.
    pub fn anonymous() -> Self {
        Caller { actor: ANONYMOUS.into(), role: Role::Admin, project: None }
    }

    /// Whether the caller showed a token, now or at the sign-in.
    pub fn has_token(&self) -> bool {
        self.actor != LOCAL_ADMIN && self.actor != ANONYMOUS
    }

    /// Whether the caller may see a project at all. What it may not see is answered as not found.
    pub fn sees(&self, project: &str) -> bool {
        self.project.as_deref().is_none_or(|only| only == project)
    }

    /// Fails unless the caller has this role or a greater one.
    ///
    /// # Errors
    ///
    /// `forbidden`.
    pub fn require(&self, role: Role) -> Result<(), Problem> {
        if self.role >= role {
            return Ok(());
        }
        let name = |role: Role| format!("{role:?}").to_lowercase();
        let message =
            format!("this needs the role `{}`, and the token has `{}`", name(role), name(self.role));
        Err(Error::new(server::FORBIDDEN, message).into())
    }

    /// Fails unless the caller is the owner of the installation, who came over the admin socket.
    ///
    /// # Errors
    ///
    /// `forbidden`.
    pub fn require_owner(&self) -> Result<(), Problem> {
        if self.actor == LOCAL_ADMIN {
            return Ok(());
        }
        let message = "this is for the owner of the installation on its own machine: use `rtmxctl`";
        Err(Error::new(server::FORBIDDEN, message).into())
    }

    /// Fails unless the caller has this role in the whole installation.
    ///
    /// # Errors
    ///
    /// `forbidden`.
    pub fn require_everywhere(&self, role: Role) -> Result<(), Problem> {
        match &self.project {
            None => self.require(role),
            Some(only) => {
                let message = format!(
                    "this concerns the whole installation, and the token is for the project `{only}`"
                );
                Err(Error::new(server::FORBIDDEN, message).into())
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.ok_or_else(|| Error::new(server::UNAUTHENTICATED, "this needs a token").into())
    }
}
