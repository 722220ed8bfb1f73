//! Which of the licenses that there are is used.

use super::Keeper;
use crate::licensing::sources::{Candidate, Origin, candidates, rank};
use crate::licensing::store::Stored;
use rtmx_core::{Cx, Result, Secret};
use rtmx_license::{Checked, Facts};

/// A license and what is said of it.
pub(super) struct Chosen {
    pub(super) origin: Option<Origin>,
    pub(super) document: Option<Secret<Vec<u8>>>,
    pub(super) checked: Checked,
}

impl Chosen {
    fn is_same_license(&self, other: &Chosen) -> bool {
        match (&self.checked.license, &other.checked.license) {
            (Some(one), Some(two)) => one.hash() == two.hash(),
            _ => false,
        }
    }
}

impl Keeper {
    /// Checks each license that there is, and takes the best one.
    pub(super) async fn choose(
        &self,
        cx: &Cx,
        stored: &Stored,
        facts: &Facts,
    ) -> Result<(Chosen, Vec<(Origin, String)>)> {
        let installed = stored.installed.as_ref().map(|document| Secret::new(document.expose().clone()));
        let mut best: Option<Chosen> = None;
        let mut passed_over = Vec::new();
        for Candidate { origin, document } in candidates(&self.app.settings(), installed) {
            let document = match document {
                Ok(document) => document,
                Err(error) => {
                    passed_over.push((origin, error.message().to_owned()));
                    continue;
                }
            };
            let checked = self.mode.check(cx, document.expose(), facts).await?;
            let chosen = Chosen { origin: Some(origin), document: Some(document), checked };
            let is_better = best.as_ref().is_none_or(|best| rank(&chosen.checked) > rank(&best.checked));
            let left = if is_better { best.replace(chosen) } else { Some(chosen) };
            passed_over.extend(left.and_then(|left| {
                let is_same = best.as_ref().is_some_and(|best| best.is_same_license(&left));
                let why = left.checked.verdict.refusal.as_ref().map(ToString::to_string);
                let why = why.unwrap_or_else(|| "another license is used that was issued later".to_owned());
                (!is_same).then_some((left.origin?, why))
            }));
        }
        let best = match best {
            Some(best) => best,
            None => Chosen { origin: None, document: None, checked: self.mode.check(cx, b"", facts).await? },
        };
        Ok((best, passed_over))
    }
}
