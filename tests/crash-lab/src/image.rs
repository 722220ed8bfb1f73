//! What a loss of power leaves of a disk.
//!
//! Nothing is assumed but what `docs/architecture.md` says of the machine: what a sync confirmed is
//! there. Of everything else any part may be there: each write not at all, whole or in some of its
//! sectors, whatever came before or after it; truncations, new names and removed names likewise. What
//! was never written within a file's size holds zeros or rubbish.

use crate::disk::{Event, Image, Inode, overwrite};
use crate::layer::SECTOR;
use crate::seed::Seed;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a torn write keeps or loses as one, in bytes: the smallest sector that is in use.
const TEAR: usize = 512;

/// A disk that is followed through its log, from one point to the next.
pub(crate) struct Walk<'l> {
    log: &'l [Event],
    point: usize,
    /// What the files hold for certain.
    durable: Vec<Vec<u8>>,
    names: BTreeMap<String, Inode>,
    /// The places in the log of what may be lost.
    loose: Vec<usize>,
    loose_names: Vec<usize>,
    /// The last sync: what is loose stands on it.
    ground: usize,
    acknowledged: usize,
    /// Whether the medium may ruin what shares a sector with a torn write.
    ruins: bool,
}

/// A disk after a loss of power.
pub(crate) struct Crashed {
    pub(crate) image: Image,
    /// Equal for equal images of one log with the same acknowledgements.
    pub(crate) key: u64,
}

impl<'l> Walk<'l> {
    /// Begins where the log began.
    pub(crate) fn new(start: &Image, log: &'l [Event], ruins: bool) -> Walk<'l> {
        let names = start.keys().enumerate().map(|(inode, name)| (name.clone(), inode)).collect();
        Walk {
            log,
            point: 0,
            durable: start.values().cloned().collect(),
            names,
            loose: Vec::new(),
            loose_names: Vec::new(),
            ground: 0,
            acknowledged: 0,
            ruins,
        }
    }

    /// How many steps of the workload have been acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged
    }

    /// Goes on to the moment when `point` operations of the log have been done.
    pub(crate) fn go_to(&mut self, point: usize) {
        for at in self.point..point {
            self.step(at);
        }
        self.point = point;
    }

    fn step(&mut self, at: usize) {
        match &self.log[at] {
            Event::Create { inode, .. } => {
                self.durable.resize(self.durable.len().max(inode + 1), Vec::new());
                self.loose_names.push(at);
            }
            Event::Delete { .. } => self.loose_names.push(at),
            Event::Write { .. } | Event::Truncate { .. } => self.loose.push(at),
            Event::Sync { inode } => {
                for at in self.taken_of(*inode) {
                    let file = &mut self.durable[*inode];
                    match &self.log[at] {
                        Event::Write { at, bytes, .. } => overwrite(file, *at, bytes),
                        Event::Truncate { size, .. } => file.resize(*size, 0),
                        _ => {}
                    }
                }
                self.ground = at;
            }
            Event::SyncFailed { inode } => {
                self.taken_of(*inode);
                self.ground = at;
            }
            Event::SyncFolder => {
                for at in std::mem::take(&mut self.loose_names) {
                    name(&mut self.names, &self.log[at]);
                }
                self.ground = at;
            }
            Event::Acknowledged { steps } => self.acknowledged = self.acknowledged.max(*steps),
        }
    }

    /// What is loose of a file, which then is not loose any more.
    fn taken_of(&mut self, inode: Inode) -> Vec<usize> {
        let of = |at: &usize| match &self.log[*at] {
            Event::Write { inode: of, .. } | Event::Truncate { inode: of, .. } => *of == inode,
            _ => false,
        };
        let (taken, left) = self.loose.iter().partition(|at| of(at));
        self.loose = left;
        taken
    }

    /// Cuts the power here. The first two ways, `way` 0 and 1, keep all and nothing.
    pub(crate) fn crash(&self, way: usize, seed: &mut Seed) -> Crashed {
        let mut key = DefaultHasher::new();
        (self.ground, self.acknowledged).hash(&mut key);
        let plan = Plan::choose(way, self.loose.len(), seed);
        let mut files = self.durable.clone();
        for (place, at) in self.loose.iter().enumerate() {
            match &self.log[*at] {
                Event::Write { inode, at: offset, bytes } => {
                    let kept = plan.keeps(place, pieces(*offset, bytes.len()), seed);
                    (*at, &kept).hash(&mut key);
                    self.put(&mut files[*inode], *offset, bytes, &kept, plan.rubbish);
                }
                Event::Truncate { inode, size } if plan.keeps(place, 1, seed)[0] => {
                    (*at, true).hash(&mut key);
                    files[*inode].resize(*size, 0);
                }
                _ => {}
            }
        }
        plan.rubbish.hash(&mut key);
        let mut names = self.names.clone();
        for (place, at) in self.loose_names.iter().enumerate() {
            let kept = match way {
                0 => true,
                1 => false,
                // Names are often kept in their order; a journal of the file system sees to it.
                _ => plan.names.map_or_else(|| seed.chance(50), |kept| place < kept),
            };
            if kept {
                (*at, kept).hash(&mut key);
                name(&mut names, &self.log[*at]);
            }
        }
        let image =
            names.into_iter().map(|(name, inode)| (name, std::mem::take(&mut files[inode]))).collect();
        Crashed { image, key: key.finish() }
    }

    fn put(&self, file: &mut Vec<u8>, offset: usize, bytes: &[u8], kept: &[bool], rubbish: Option<u64>) {
        if kept.iter().all(|kept| !kept) {
            return;
        }
        let end = kept_end(offset, bytes.len(), kept);
        let old = file.len();
        if old < end {
            file.resize(end, 0);
            if let Some(rubbish) = rubbish {
                fill(&mut file[old..], rubbish);
            }
        }
        for (piece, kept) in kept.iter().enumerate() {
            let range = piece_range(offset, bytes.len(), piece);
            if *kept {
                file[range.clone()].copy_from_slice(&bytes[range.start - offset..range.end - offset]);
            }
        }
        if self.ruins && kept.iter().any(|kept| !kept) {
            // The sectors at both ends of the write, outside of it.
            let first = offset - offset % SECTOR;
            let last = (offset + bytes.len()).div_ceil(SECTOR) * SECTOR;
            let last = last.min(file.len());
            fill(&mut file[first..offset], rubbish.unwrap_or(0));
            if offset + bytes.len() < last {
                fill(&mut file[offset + bytes.len()..last], rubbish.unwrap_or(0));
            }
        }
    }
}

/// Which of the loose operations a loss of power keeps.
struct Plan {
    /// Everything before this one, none after it.
    prefix: Option<usize>,
    /// How many of a hundred operations are kept, where there is no prefix.
    percent: u64,
    /// How many of a hundred that are kept are torn.
    torn: u64,
    rubbish: Option<u64>,
    names: Option<usize>,
}

impl Plan {
    fn choose(way: usize, loose: usize, seed: &mut Seed) -> Plan {
        let rubbish = seed.chance(50).then(|| seed.next());
        match way {
            0 => Plan { prefix: None, percent: 100, torn: 0, rubbish: None, names: None },
            1 => Plan { prefix: None, percent: 0, torn: 0, rubbish: None, names: None },
            2 => Plan {
                prefix: Some(seed.below(loose + 1)),
                percent: 0,
                torn: 100,
                rubbish,
                names: Some(seed.below(4)),
            },
            _ => {
                let percent = [10, 50, 90, 97][seed.below(4)];
                let torn = [0, 20, 100][seed.below(3)];
                Plan { prefix: None, percent, torn, rubbish, names: seed.chance(50).then(|| seed.below(4)) }
            }
        }
    }

    /// Which pieces of the operation at this place are kept.
    fn keeps(&self, place: usize, pieces: usize, seed: &mut Seed) -> Vec<bool> {
        let (kept, torn) = match self.prefix {
            Some(prefix) => (place <= prefix, place == prefix),
            None => (seed.chance(self.percent), seed.chance(self.torn)),
        };
        (0..pieces).map(|_| kept && (!torn || seed.chance(50))).collect()
    }
}

fn name(names: &mut BTreeMap<String, Inode>, event: &Event) {
    match event {
        Event::Create { name, inode } => {
            names.insert(name.clone(), *inode);
        }
        Event::Delete { name } => {
            names.remove(name);
        }
        _ => {}
    }
}

/// How many pieces a write falls into.
fn pieces(offset: usize, length: usize) -> usize {
    (offset + length).div_ceil(TEAR) - offset / TEAR
}

fn piece_range(offset: usize, length: usize, piece: usize) -> std::ops::Range<usize> {
    let begin = (offset / TEAR + piece) * TEAR;
    begin.max(offset)..(begin + TEAR).min(offset + length)
}

fn kept_end(offset: usize, length: usize, kept: &[bool]) -> usize {
    let last = kept.iter().rposition(|kept| *kept).unwrap_or_default();
    piece_range(offset, length, last).end
}

fn fill(bytes: &mut [u8], rubbish: u64) {
    let mut seed = Seed::new(rubbish);
    for chunk in bytes.chunks_mut(8) {
        let number = if rubbish == 0 { 0 } else { seed.next() };
        chunk.copy_from_slice(&number.to_le_bytes()[..chunk.len()]);
    }
}
