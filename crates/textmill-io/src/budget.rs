//! How much memory a run may use for what is on its way: a number of bytes, from which each thing takes as many as it holds.
//!
//! Whoever asks is never kept waiting here. Who should wait, and until when, is for the scheduler to say.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes that a run may hold between its reader and its writer.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
    peak: AtomicUsize,
}

/// Bytes taken from a [`Budget`]; given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// A budget of this many bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0), peak: AtomicUsize::new(0) })
    }

    /// Takes bytes, whether or not there are as many: they are in memory already.
    pub fn take(self: &Arc<Self>, bytes: usize) -> Permit {
        let mut permit = Permit { budget: Arc::clone(self), bytes: 0 };
        permit.resize(bytes);
        permit
    }

    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        self.used.load(Ordering::Relaxed) >= self.limit
    }

    /// How many bytes there are in all.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The most bytes that were taken at one time.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}

impl Permit {
    /// Takes more bytes, or gives some back: what it stands for has grown or shrunk.
    pub fn resize(&mut self, bytes: usize) {
        let used = if bytes >= self.bytes {
            let more = bytes - self.bytes;
            self.budget.used.fetch_add(more, Ordering::Relaxed) + more
        } else {
            let less = self.bytes - bytes;
            self.budget.used.fetch_sub(less, Ordering::Relaxed) - less
        };
        self.budget.peak.fetch_max(used, Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.resize(0);
    }
}

/// The memory of this machine, in bytes, or as much of it as this process may use: the least of what the kernel and the
/// control groups around the process say. `None` where neither says anything that is understood (other systems than Linux).
pub fn machine_memory() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().filter_map(group_limit);
    limits.chain(total_memory(&fs::read_to_string("/proc/meminfo").ok()?)).min()
}

/// The line `MemTotal:  24576000 kB`.
fn total_memory(meminfo: &str) -> Option<u64> {
    let kilobytes = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    kilobytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The limit of a group of `/proc/self/cgroup` (`hierarchy:controllers:path`) and of those around it, which hold for it too.
/// Version 2 has one hierarchy, without a name; version 1 one for each controller. In a container the path may be that of
/// the host, where nothing is; then the root of what is mounted is the container's own.
fn group_limit(line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?.trim_start_matches('/'));
    let (mount, file) = match controllers {
        "" => ("/sys/fs/cgroup", "memory.max"),
        controllers if controllers.split(',').any(|name| name == "memory") => {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return None,
    };
    let folders = Path::new(path).ancestors().map(|folder| Path::new(mount).join(folder).join(file));
    folders.filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back() {
        let budget = Budget::new(10);
        let mut one = budget.take(4);
        let other = budget.take(5);
        assert!(!budget.is_spent());
        one.resize(5);
        assert!(budget.is_spent());
        drop(other);
        assert!(!budget.is_spent());
        // What is larger than all there is goes on all the same.
        one.resize(1000);
        assert!(budget.is_spent());
        drop(one);
        assert!(!budget.is_spent());
        assert_eq!((budget.peak(), budget.limit()), (1000, 10));
    }

    #[test]
    fn the_total_is_in_kilobytes() {
        assert_eq!(total_memory("MemTotal:       24576000 kB\nMemFree:  1 kB\n"), Some(24_576_000 << 10));
        assert_eq!(total_memory("MemFree:  1 kB\n"), None);
        assert_eq!(total_memory("MemTotal: many kB\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_memory() {
        assert!(machine_memory().unwrap() > 64 << 20);
    }
}
