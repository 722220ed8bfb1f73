//! Reading a configuration again while the server runs.
//!
//! The decision to know: what can change live is taken over, and what cannot stays as it was until the
//! next start and is named. So one reload never does half of a change that belongs together: if the mixture
//! contradicts itself, nothing is taken over.

use crate::effective::Values;
use crate::{Faults, KeySpec, Reload, Resolved, crosscheck, postgres, resolve};
use rtmx_core::Result;

/// What a running server makes of a configuration that was read again.
#[derive(Debug, Clone)]
pub struct Reloaded {
    /// What is in force from now on.
    pub resolved: Resolved,
    /// Keys whose new value is in force, in the order of the table.
    pub taken: Vec<&'static str>,
    /// Keys whose new value waits for a restart, in the order of the table.
    pub waiting: Vec<&'static str>,
}

impl Resolved {
    /// Takes over from a newer configuration what can change while the server runs.
    ///
    /// # Errors
    ///
    /// `config_invalid` where what can change contradicts what stays.
    pub fn reload(&self, newer: &Resolved) -> Result<Reloaded> {
        let (mut taken, mut waiting) = (Vec::new(), Vec::new());
        let (mut values, mut origins) = (newer.values.clone(), newer.origins.clone());
        for spec in newer.changed_since(self) {
            if is_live(spec, &self.values, &newer.values) {
                taken.push(spec.path);
                continue;
            }
            waiting.push(spec.path);
            match self.values.get(spec.path) {
                Some(value) => values.insert(spec.path, value.clone()),
                None => values.remove(spec.path),
            }
            origins.insert(spec.path, self.origins[spec.path].clone());
        }
        let faults = crosscheck::contradictions(&values, &origins);
        if !faults.is_empty() {
            return Err(Faults::into_error(faults));
        }
        let resolved = resolve::finish(values, origins, newer.warnings.clone());
        Ok(Reloaded { resolved, taken, waiting })
    }
}

/// Whether a running server takes this change over. Of the database's URL it takes a new password only:
/// anything else of it means another database.
fn is_live(spec: &KeySpec, older: &Values, newer: &Values) -> bool {
    match spec.reload {
        Reload::Live => true,
        Reload::Restart if spec.path == "database.url" => {
            let urls = older.text(spec.path).zip(newer.text(spec.path));
            urls.is_some_and(|(older, newer)| {
                postgres::same_but_for_the_password(older.expose(), newer.expose())
            })
        }
        Reload::Restart => false,
    }
}
