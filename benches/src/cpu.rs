//! Processor time, from the scheduler's own count in nanoseconds.
//!
//! Source: Linux, `Documentation/scheduler/sched-stats.rst`, on `/proc/<pid>/schedstat`: its first field is
//! the time spent on the processor. Threads that have ended are not in it, so it is read from a
//! server whose threads stay.

use std::io;
use std::path::Path;

/// The time that all threads of a process have spent on a processor, in nanoseconds.
///
/// # Errors
///
/// If there is no such process, or the kernel keeps no such count.
pub fn of_process(pid: u32) -> io::Result<u64> {
    let mut sum = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between the two reads; what it spent is lost then.
        sum += read(&task?.path().join("schedstat")).unwrap_or(0);
    }
    Ok(sum)
}

/// The time that this thread has spent on a processor, in nanoseconds.
///
/// # Errors
///
/// If the kernel keeps no such count.
pub fn of_this_thread() -> io::Result<u64> {
    read(Path::new("/proc/thread-self/schedstat"))
}

fn read(file: &Path) -> io::Result<u64> {
    let text = std::fs::read_to_string(file)?;
    let field = text.split_whitespace().next().and_then(|field| field.parse().ok());
    field.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "schedstat does not begin with a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_a_thread_is_seen_in_its_own_count_and_in_that_of_the_process() {
        let (thread, process) = (of_this_thread().unwrap(), of_process(std::process::id()).unwrap());
        let started = std::time::Instant::now();
        let mut sum = 0_u64;
        while started.elapsed() < std::time::Duration::from_millis(30) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(of_this_thread().unwrap() > thread, "{sum} additions cost nothing");
        assert!(of_process(std::process::id()).unwrap() > process, "{sum} additions cost nothing");
    }
}
