//! Lists of processors as the kernel writes them: `0-3,8` (`lib/bitmap.c`, `%*pbl`).

use std::collections::BTreeSet;
use std::fmt;

use super::reading::{HostPath, Reading};
use super::root::Root;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CpuList(BTreeSet<u32>);

/// More than any kernel is built for (`NR_CPUS` is at most 8192 on x86).
const MOST: u32 = 1 << 16;

/// An attribute that holds a list.
pub fn read(root: &Root, path: &HostPath) -> Reading<CpuList> {
    root.text(path)
        .parse("a list of processors, 0-3,8", |text| CpuList::parse(text))
        .showing(|list| if list.is_empty() { "(none)".to_owned() } else { list.to_string() })
}

impl CpuList {
    /// An unset list is empty, or `(null)` in `nohz_full`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut cpus = BTreeSet::new();
        if text.is_empty() || text == "(null)" {
            return Some(Self(cpus));
        }
        for range in text.split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
            if first > last || last >= MOST {
                return None;
            }
            cpus.extend(first..=last);
        }
        Some(Self(cpus))
    }

    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).copied().collect())
    }

    pub fn within(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    pub fn with(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).copied().collect())
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cpus = self.0.iter().copied().peekable();
        let mut comma = "";
        while let Some(first) = cpus.next() {
            let mut last = first;
            while let Some(next) = cpus.next_if_eq(&(last + 1)) {
                last = next;
            }
            write!(f, "{comma}{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
            comma = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> CpuList {
        CpuList::parse(text).unwrap()
    }

    #[test]
    fn lists_are_read_and_written_as_the_kernel_does() {
        for text in ["0", "0-3", "0-3,8", "0,2,4-5", ""] {
            assert_eq!(list(text).to_string(), text);
        }
        assert_eq!(list("0-3,8\n").len(), 5);
        assert!(list("(null)").is_empty());
        for text in ["a", "3-1", "1-", "-1", "0-4294967295", "1,,2", "0x1"] {
            assert_eq!(CpuList::parse(text), None, "{text}");
        }
    }

    #[test]
    fn lists_are_compared() {
        assert_eq!(list("0-7").without(&list("2-3")).to_string(), "0-1,4-7");
        assert_eq!(list("0-7").within(&list("6-9")).to_string(), "6-7");
        assert_eq!(list("0-1").with(&list("3")).to_string(), "0-1,3");
    }
}
