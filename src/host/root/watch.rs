//! What is being read now, for who waits for it: a read of a dead mount or of a device that is lost
//! may never return.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One reader writes down what it reads; whoever has a copy can look. A read costs it no system call
/// and, once the buffer is large enough, no memory.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Shared>);

/// Until it is dropped, something is being read.
#[derive(Debug)]
#[must_use]
pub struct Turn<'a>(&'a Shared);

#[derive(Debug, Default)]
struct Shared {
    /// Odd while something is being read; each read has a number of its own.
    turn: AtomicU64,
    path: Mutex<String>,
}

impl Watch {
    /// A path below a base, in as many parts as it is known in.
    pub fn begin(&self, base: &str, path: &[&str]) -> Turn<'_> {
        let mut shown = self.0.path.lock().unwrap_or_else(PoisonError::into_inner);
        shown.clear();
        shown.push_str(base);
        for part in path {
            shown.push_str(part);
        }
        // From an odd number too, since a read may be made of others.
        let next = (self.0.turn.load(Ordering::Relaxed) | 1) + 2;
        self.0.turn.store(next, Ordering::Relaxed);
        Turn(&self.0)
    }

    /// The number of the read that has not returned yet, and of what it is.
    pub fn current(&self) -> Option<(u64, String)> {
        let path = self.0.path.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = self.0.turn.load(Ordering::Relaxed);
        (turn % 2 == 1).then(|| (turn, path.clone()))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let turn = self.0.turn.load(Ordering::Relaxed);
        self.0.turn.store((turn | 1) + 1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_told_until_it_was_read() {
        let watch = Watch::default();
        assert_eq!(watch.current(), None);
        let turn = watch.begin("/mnt/host", &["/sys/class/iommu"]);
        let (first, path) = watch.current().unwrap();
        assert_eq!(path, "/mnt/host/sys/class/iommu");
        assert_eq!(watch.current().unwrap().0, first, "it is the same read");
        drop(turn);
        assert_eq!(watch.current(), None);
        let _again = watch.begin("/mnt/host", &["/sys/class/iommu"]);
        assert_ne!(watch.current().unwrap().0, first, "it is another read of the same");
    }

    /// The owner of a node is asked for after its existence.
    #[test]
    fn a_read_within_a_read_ends_with_it() {
        let watch = Watch::default();
        {
            let _outer = watch.begin("", &["/dev/kvm"]);
            drop(watch.begin("", &["/dev/kvm"]));
        }
        assert_eq!(watch.current(), None);
    }
}
