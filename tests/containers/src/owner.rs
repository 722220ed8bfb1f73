//! To which process something belongs that may outlive it.

use std::path::Path;

/// This process, told apart from all that ever had its number: the boot, the namespace, the number and the
/// time of its start.
pub(crate) fn owner() -> String {
    let pid = std::process::id();
    format!("{} {pid} {}", machine(), started(pid).unwrap_or_default())
}

fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{} {}", boot.trim(), namespace.display())
}

/// When a process was started, in ticks since the boot.
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // The name stands in parentheses and may hold anything; the time is the twentieth field after it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

/// Whether the process that a label names has ended; those of other machines are not ours to judge.
pub(crate) fn has_ended(owner: &str) -> bool {
    let Some(process) = owner.strip_prefix(&machine()) else { return false };
    let mut fields = process.split_whitespace();
    let pid = fields.next().and_then(|pid| pid.parse().ok());
    pid.is_some_and(|pid| started(pid).as_deref() != fields.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processes_of_this_machine_that_have_ended_are_taken_for_ended() {
        assert!(!has_ended(&owner()), "this one runs");
        assert!(has_ended(&format!("{} {} 1", machine(), std::process::id())), "the number was used again");
        assert!(has_ended(&format!("{} 4194999 77", machine())), "there is no such number");
        assert!(!has_ended("another-boot pid:[4026531836] 4194999 77"), "it may run elsewhere");
        assert!(!has_ended(""));
    }
}
