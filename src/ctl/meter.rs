//! How far long work has come: bytes, rate, and the time left when the total is known.
//!
//! One line that changes on a terminal, a plain line now and then elsewhere, nothing for programs.

use super::output::may_repaint;
use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a line on a terminal changes, and how often a plain one is written.
const REPAINT: Duration = Duration::from_millis(250);
const PLAIN: Duration = Duration::from_secs(10);

/// How much is done, and of how much.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Done {
    pub(super) bytes: u64,
    pub(super) of: Option<u64>,
}

/// Shows how far work has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meter {
    json: bool,
    repaint: bool,
}

impl Meter {
    pub(crate) fn new(json: bool) -> Self {
        Meter { json, repaint: may_repaint() }
    }

    /// Waits for work, and shows now and then what `done` says.
    pub(super) async fn watch<T>(
        &self,
        what: &str,
        done: impl Fn() -> Done,
        work: impl Future<Output = T>,
    ) -> T {
        if self.json {
            return work.await;
        }
        let began = Instant::now();
        let every = if self.repaint { REPAINT } else { PLAIN };
        let mut work = std::pin::pin!(work);
        loop {
            match tokio::time::timeout(every, &mut work).await {
                Ok(result) => {
                    if self.repaint {
                        say("\r\x1b[K");
                    }
                    return result;
                }
                Err(_) if self.repaint => say(&format!("\r\x1b[K{what}: {}", words(done(), began.elapsed()))),
                Err(_) => say(&format!("{what}: {}\n", words(done(), began.elapsed()))),
            }
        }
    }
}

fn say(text: &str) {
    let mut out = anstream::stderr();
    // Progress that nobody can see does not stop the work.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn words(done: Done, took: Duration) -> String {
    let seconds = took.as_secs_f64().max(0.001);
    if done.bytes == 0 {
        return format!("{seconds:.0} s");
    }
    let rate = done.bytes as f64 / seconds;
    let mut text = format!("{}, {}/s", size(done.bytes), size(rate as u64));
    if let Some(of) = done.of.filter(|of| *of >= done.bytes) {
        let left = (of - done.bytes) as f64 / rate;
        text = format!("{} of {}, {}/s, {left:.0} s left", size(done.bytes), size(of), size(rate as u64));
    }
    text
}

/// A number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// How far this process has read a file that it has open somewhere (proc(5), `fdinfo`).
pub(super) fn read_so_far(file: &Path) -> Done {
    let of = std::fs::metadata(file).ok().map(|found| found.len());
    let place = file.canonicalize().unwrap_or_else(|_| PathBuf::from(file));
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let mut open = open.filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|to| to == place));
    let position = open.next().and_then(|entry| {
        let info = std::fs::read_to_string(Path::new("/proc/self/fdinfo").join(entry.file_name())).ok()?;
        info.lines().find_map(|line| line.strip_prefix("pos:")?.trim().parse::<u64>().ok())
    });
    Done { bytes: position.unwrap_or_default(), of }
}

/// How large a file has become.
pub(super) fn written_so_far(file: &Path) -> Done {
    Done { bytes: std::fs::metadata(file).map_or(0, |found| found.len()), of: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_rate_and_what_is_left_are_told_as_far_as_they_are_known() {
        let second = Duration::from_secs(1);
        assert_eq!(words(Done::default(), second), "1 s");
        assert_eq!(words(Done { bytes: 2_500, of: None }, second), "2.5 kB, 2.5 kB/s");
        let half = Done { bytes: 5_000_000, of: Some(10_000_000) };
        assert_eq!(words(half, second), "5.0 MB of 10.0 MB, 5.0 MB/s, 1 s left");
    }

    #[test]
    fn the_place_in_an_open_file_is_seen() {
        use std::io::Read;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, [0; 100]).expect("it is writable");
        let mut file = std::fs::File::open(&path).expect("it is there");
        file.read_exact(&mut [0; 40]).expect("it is long enough");
        let done = read_so_far(&path);
        assert_eq!((done.bytes, done.of), (40, Some(100)));
    }
}
