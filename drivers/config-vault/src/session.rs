//! The token in use: how it is had, when it is renewed, and when it is had anew.

use crate::credentials::{current, from_file};
use crate::failure::Failure;
use crate::settings::Auth;
use crate::wire::{Door, Login, Wire};
use rtmx_core::Secret;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The way to a token.
#[derive(Debug)]
pub(crate) struct Session {
    auth: Auth,
    held: Mutex<Option<Held>>,
}

/// A token, and what is known of its end.
#[derive(Debug, Clone)]
struct Held {
    token: Secret<String>,
    /// `None` for one that does not end, or whose end is not known.
    lease: Option<Lease>,
}

#[derive(Debug, Clone, Copy)]
struct Lease {
    /// What it was given out for in the beginning.
    full: Duration,
    /// When the last third of what it was given out or renewed for begins.
    due: Instant,
    ends: Instant,
    renewable: bool,
}

impl Held {
    fn new(login: Login, full: Option<Duration>) -> Held {
        let now = Instant::now();
        let lease = Lease {
            full: full.unwrap_or(login.length),
            due: now + login.length * 2 / 3,
            ends: now + login.length,
            renewable: login.renewable,
        };
        // A lease of no length does not end.
        Held { token: login.token, lease: (!login.length.is_zero()).then_some(lease) }
    }
}

impl Session {
    pub(crate) fn new(auth: Auth) -> Session {
        Session { auth, held: Mutex::default() }
    }

    /// When the token should be looked after next, if ever.
    pub(crate) async fn due(&self) -> Option<Instant> {
        self.held.lock().await.as_ref().and_then(|held| held.lease).map(|lease| lease.due)
    }

    /// Lets go of a token that was refused. Whether another can be had.
    pub(crate) async fn forget(&self, refused: &Secret<String>) -> bool {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|held| held.token.expose() == refused.expose()) {
            *held = None;
        }
        // The same file holds the same token, unless somebody has just replaced it.
        !matches!(self.auth, Auth::Token(_))
    }

    /// A token that is good now: the one in use, renewed if it is time, or another.
    pub(crate) async fn token(&self, wire: &Wire, end: Instant) -> Result<Secret<String>, Failure> {
        let mut held = self.held.lock().await;
        if let Auth::Token(given) = &self.auth {
            let token = current("vault.token_file", given).await?;
            if held.as_ref().is_none_or(|held| held.token.expose() != token.expose()) {
                let lease = wire.look_up(end, &token).await?;
                *held = Some(lease.map_or(Held { token, lease: None }, |login| Held::new(login, None)));
            }
        }
        let fresh = match held.as_ref() {
            Some(Held { token, lease: None }) => return Ok(token.clone()),
            Some(Held { token, lease: Some(lease) }) if Instant::now() < lease.due => {
                return Ok(token.clone());
            }
            Some(Held { token, lease: Some(lease) }) => self.renewed(wire, end, token, *lease).await?,
            None => None,
        };
        let fresh = match fresh {
            Some(fresh) => fresh,
            None => Held::new(self.log_in(wire, end).await?, None),
        };
        let token = fresh.token.clone();
        *held = Some(fresh);
        Ok(token)
    }

    /// The token with a longer lease, or as it is where nothing better can be had; nothing if another is
    /// to be had.
    async fn renewed(
        &self,
        wire: &Wire,
        end: Instant,
        token: &Secret<String>,
        lease: Lease,
    ) -> Result<Option<Held>, Failure> {
        let is_given = matches!(self.auth, Auth::Token(_));
        if lease.renewable && Instant::now() < lease.ends {
            match wire.renew(end, token).await {
                // Near its greatest age a token is renewed for less and less.
                Ok(login) if is_given || login.length >= lease.full / 3 => {
                    return Ok(Some(Held::new(login, Some(lease.full))));
                }
                Ok(_) => {}
                // There is still time, and the next look tries again.
                Err(failure) if failure.is_passing() => {
                    return Ok(Some(Held { token: token.clone(), lease: Some(lease) }));
                }
                Err(_) => {}
            }
        }
        // Of a token that was given there is no other; reading says whether it is still good.
        Ok(is_given.then(|| Held { token: token.clone(), lease: None }))
    }

    async fn log_in(&self, wire: &Wire, end: Instant) -> Result<Login, Failure> {
        match &self.auth {
            Auth::Token(given) => Ok(Login {
                token: current("vault.token_file", given).await?,
                length: Duration::ZERO,
                renewable: false,
            }),
            Auth::Kubernetes { mount, role, jwt_file } => {
                let jwt = from_file("vault.jwt_file", jwt_file).await?;
                let door = Door { method: "kubernetes", mount };
                wire.log_in(end, door, &[("role", role), ("jwt", jwt.expose())]).await
            }
            Auth::AppRole { mount, role, secret_id } => {
                let secret_id = current("vault.secret_id_file", secret_id).await?;
                let door = Door { method: "approle", mount };
                wire.log_in(end, door, &[("role_id", role), ("secret_id", secret_id.expose())]).await
            }
        }
    }
}
