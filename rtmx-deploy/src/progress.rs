//! Progress: what a person or a script is told while a plan is carried out.

use crate::Step;
use rtmx_core::Error;

/// Something that happened.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum ProgressEvent<'a> {
    /// A step begins; `number` counts from one.
    Started {
        /// The step.
        step: &'a Step,
        /// Its place, from one.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// A step had been done before.
    Skipped(&'a Step),
    /// A step is done.
    Finished(&'a Step),
    /// A step failed.
    Failed(&'a Step, &'a Error),
    /// A step is about to be undone.
    Undoing(&'a Step),
    /// A step was undone.
    Undone(&'a Step),
    /// A step has something to say.
    Note(&'a str),
}

/// Takes what happens. It must not block for long.
pub trait Progress: Send + Sync {
    /// Takes one event.
    fn event(&self, event: ProgressEvent<'_>);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: ProgressEvent<'_>) {}
}
