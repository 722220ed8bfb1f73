//! Cells: one loss of power each, at one point of a recording, and what was there afterwards.
//!
//! A workload is recorded once. Every operation of its log is a point; at each, the power is cut in
//! several ways. Of the recoveries some are recorded themselves, and the power is cut again at each
//! of their operations. Cells that would look at an image a second time are left out and not counted.

use crate::image::Walk;
use crate::machine::{Machine, Mark};
use crate::model::Model;
use crate::record::{Medium, Recording, Subject, record};
use crate::seed::Seed;
use crate::verify::{Depth, Expected, Finding, Later, Recovery, recover};
use crate::workload::{Begin, Plan};
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

/// Ways in which the power is cut at a point: all kept, all lost, a torn end, and any parts.
const WAYS: usize = 4;
/// One recovery in so many is recorded, and cut short at each of its operations.
const FOLLOWED: usize = 100;

/// Where and how the power is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) point: usize,
    pub(crate) way: usize,
    pub(crate) chance: u64,
    pub(crate) mark: Mark,
}

/// A cell: a loss of power, and perhaps another one during the recovery from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) first: Cut,
    pub(crate) again: Option<Cut>,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.mark == Mark::Left { "left" } else { "lost" };
        write!(f, "{}:{}:{}:{mark}", self.point, self.way, self.chance)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.again.map_or(Ok(()), |again| write!(f, "/{again}"))
    }
}

impl FromStr for Cut {
    type Err = String;

    fn from_str(text: &str) -> Result<Cut, String> {
        let wrong = || format!("`{text}` is not POINT:WAY:CHANCE:MARK");
        let mut parts = text.split(':');
        let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok()).ok_or_else(wrong);
        let (point, way, chance) = (number()?, number()?, number()?);
        let mark = match parts.next() {
            Some("left") => Mark::Left,
            Some("lost") => Mark::Lost,
            _ => return Err(wrong()),
        };
        let small = |number: u64| usize::try_from(number).map_err(|_| wrong());
        Ok(Cut { point: small(point)?, way: small(way)?, chance, mark })
    }
}

impl FromStr for Cell {
    type Err = String;

    fn from_str(text: &str) -> Result<Cell, String> {
        let (first, again) = match text.split_once('/') {
            None => (text, None),
            Some((first, again)) => (first, Some(again.parse()?)),
        };
        Ok(Cell { first: first.parse()?, again })
    }
}

/// What cells count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Count {
    pub(crate) recordings: usize,
    pub(crate) points: usize,
    /// Losses of power while the workload ran, by the way.
    pub(crate) cells: [usize; WAYS],
    /// Losses of power during a recovery.
    pub(crate) again: usize,
}

impl Count {
    /// All cells.
    pub(crate) fn sum(&self) -> usize {
        self.cells.iter().sum::<usize>() + self.again
    }

    /// Adds another count.
    pub(crate) fn add(&mut self, other: &Count) {
        self.recordings += other.recordings;
        self.points += other.points;
        for (sum, more) in self.cells.iter_mut().zip(other.cells) {
            *sum += more;
        }
        self.again += other.again;
    }
}

/// A cell that found something.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) recording: Recording,
    pub(crate) cell: Cell,
    pub(crate) finding: Finding,
}

/// The workload and the disk of a number.
pub(crate) fn subject(number: u64, seed: u64) -> Subject {
    let medium = if number % 2 == 0 { Medium::AsClaimed } else { Medium::Ruinous };
    let begin = Begin::ALL[usize::try_from(number % 3).expect("it is below three")];
    Subject { begin, seed: Seed::of(&[seed, number]).next() % 1_000_000, medium, plant: None }
}

/// A recording that is cut at its points, with what it must hold.
pub(crate) struct Subjected {
    model: Model,
    recording: Recording,
    steps: usize,
}

impl Subjected {
    /// Records a workload.
    pub(crate) fn record(machine: &Machine, subject: Subject) -> Result<Subjected, String> {
        let (plan, model, recording) = record(machine, subject)?;
        Ok(Subjected { model, recording, steps: plan.steps.len() })
    }

    /// Takes up a recording that was kept.
    pub(crate) fn again(machine: &Machine, recording: Recording) -> Result<Subjected, String> {
        let plan = Plan::of(recording.subject.begin, recording.subject.seed);
        let model = machine.runtime.block_on(Model::of(&plan, machine.folder()));
        let model = model.map_err(|error| error.to_string())?;
        Ok(Subjected { model, recording, steps: plan.steps.len() })
    }

    /// Cuts the power at every point, until `enough` says so; hands each count on.
    pub(crate) fn cut(
        &self,
        machine: &Machine,
        every: usize,
        mut enough: impl FnMut(&Count) -> bool,
    ) -> Result<(), Box<Found>> {
        enough(&Count { recordings: 1, ..Count::default() });
        let Recording { subject, start, log, .. } = &self.recording;
        let mut walk = Walk::new(start, log, subject.ruins());
        let mut seen = HashSet::new();
        for point in (0..=log.len()).step_by(every) {
            walk.go_to(point);
            let mut count = Count { points: 1, ..Count::default() };
            // A planted fault is to be found at the first loss of power.
            let follow = subject.plant.is_none();
            for way in 0..WAYS {
                let chance = Seed::of(&[subject.seed, point as u64, way as u64]).next() % 1_000_000;
                let mark = if chance % 4 == 0 { Mark::Left } else { Mark::Lost };
                let cut = Cut { point, way, chance, mark };
                let crashed = walk.crash(way, &mut Seed::new(chance));
                if !seen.insert(crashed.key) {
                    continue;
                }
                let followed = follow && chance % FOLLOWED as u64 == 1;
                let depth = if followed { Depth::Write } else { Depth::Look };
                let expected = self.expected(&walk);
                let disk = (&crashed.image, subject.claims(), mark);
                let recovery = recover(machine, disk, &self.model, expected, depth);
                count.cells[way] += 1;
                let recovery =
                    recovery.map_err(|finding| self.found(Cell { first: cut, again: None }, finding))?;
                if followed {
                    count.again += self.cut_again(machine, cut, &crashed.image, &recovery)?;
                }
            }
            if enough(&count) {
                break;
            }
        }
        Ok(())
    }

    fn cut_again(
        &self,
        machine: &Machine,
        first: Cut,
        start: &crate::disk::Image,
        recovery: &Recovery,
    ) -> Result<usize, Box<Found>> {
        let subject = &self.recording.subject;
        let mut walk = Walk::new(start, &recovery.log, subject.ruins());
        let mut seen = HashSet::new();
        let mut cells = 0;
        for point in 0..=recovery.log.len() {
            walk.go_to(point);
            let chance = Seed::of(&[first.chance, point as u64]).next() % 1_000_000;
            let way = usize::try_from(chance % WAYS as u64).expect("it is small");
            let again = Cut { point, way, chance, mark: first.mark };
            let crashed = walk.crash(way, &mut Seed::new(chance));
            if seen.insert(crashed.key) {
                let expected = Self::expected_again(&walk, recovery.steps);
                let disk = (&crashed.image, subject.claims(), again.mark);
                cells += 1;
                recover(machine, disk, &self.model, expected, Depth::Look)
                    .map_err(|finding| self.found(Cell { first, again: Some(again) }, finding))?;
            }
        }
        Ok(cells)
    }

    /// Does one cell; `Ok` if nothing is wrong there.
    pub(crate) fn cell(&self, machine: &Machine, cell: Cell) -> Result<Recovery, Finding> {
        let Recording { subject, start, log, .. } = &self.recording;
        let mut walk = Walk::new(start, log, subject.ruins());
        walk.go_to(cell.first.point.min(log.len()));
        let crashed = walk.crash(cell.first.way, &mut Seed::new(cell.first.chance));
        let disk = (&crashed.image, subject.claims(), cell.first.mark);
        let recovery = recover(machine, disk, &self.model, self.expected(&walk), Depth::Write)?;
        let Some(again) = cell.again else { return Ok(recovery) };
        let mut walk = Walk::new(&crashed.image, &recovery.log, subject.ruins());
        walk.go_to(again.point.min(recovery.log.len()));
        let expected = Self::expected_again(&walk, recovery.steps);
        let crashed = walk.crash(again.way, &mut Seed::new(again.chance));
        recover(machine, (&crashed.image, subject.claims(), again.mark), &self.model, expected, Depth::Look)
    }

    fn expected(&self, walk: &Walk<'_>) -> Expected {
        let least = walk.acknowledged().max(self.recording.before);
        Expected { least, most: self.steps, later: Later::No }
    }

    /// A recovery keeps the state that it found, and what was written after it.
    fn expected_again(walk: &Walk<'_>, steps: usize) -> Expected {
        let later = if walk.acknowledged() > 0 { Later::Yes } else { Later::Perhaps };
        Expected { least: steps, most: steps.max(1), later }
    }

    fn found(&self, cell: Cell, finding: Finding) -> Box<Found> {
        Box::new(Found { recording: self.recording.clone(), cell, finding })
    }
}
