//! What is said of all hosts together.

use std::collections::BTreeMap;

use super::kept::Kept;
use crate::finding::Severity;
use crate::policy::Verdict;

/// Grows by some ten numbers a host, which are the hosts' own: by their places in the list.
#[derive(Debug, Default)]
pub struct Tally {
    labels: Vec<String>,
    pub ready: usize,
    pub blocked: usize,
    pub undetermined: usize,
    /// What could not be read as a host, and why.
    pub broken: Vec<(usize, String)>,
    /// Codes of errors, and the hosts on which they stand.
    pub errors: BTreeMap<&'static str, Vec<usize>>,
    pub warnings: BTreeMap<&'static str, Vec<usize>>,
    /// Codes of checks that decide and could not be answered, and the hosts of which that is so.
    pub open: BTreeMap<&'static str, Vec<usize>>,
    /// By label.
    spreads: Vec<Spread>,
}

/// The values of one fact, and the hosts that have each.
#[derive(Debug, Default)]
struct Spread {
    values: BTreeMap<String, Vec<usize>>,
    unknown: Vec<usize>,
}

/// Hosts that differ from most others in the same things.
#[derive(Debug)]
pub struct Outlier<'a> {
    pub hosts: &'a [usize],
    /// How many others they differ from in all of these.
    pub others: usize,
    pub differences: Vec<Difference<'a>>,
}

#[derive(Debug)]
pub struct Difference<'a> {
    pub what: &'a str,
    pub value: &'a str,
    /// What more than half of all hosts have of which it is known.
    pub usual: &'a str,
    /// How many have that.
    pub have_usual: usize,
}

/// A fact of which no value is that of more than half of the hosts, with its values, the most
/// frequent first.
#[derive(Debug)]
pub struct Mixed<'a> {
    pub what: &'a str,
    pub values: Vec<(&'a str, &'a [usize])>,
}

impl Tally {
    pub fn new(labels: Vec<String>) -> Self {
        let spreads = labels.iter().map(|_| Spread::default()).collect();
        Self { labels, spreads, ..Self::default() }
    }

    /// Hosts are added in their order.
    pub fn add(&mut self, host: usize, outcome: &Result<Kept, String>) {
        let kept = match outcome {
            Ok(kept) => kept,
            Err(why) => {
                self.broken.push((host, why.clone()));
                return;
            }
        };
        match kept.verdict {
            Verdict::Ready => self.ready += 1,
            Verdict::Blocked => self.blocked += 1,
            Verdict::Undetermined => self.undetermined += 1,
        }
        for code in kept.codes(Severity::Error) {
            self.errors.entry(code).or_default().push(host);
        }
        for code in kept.codes(Severity::Warning) {
            self.warnings.entry(code).or_default().push(host);
        }
        for code in kept.deciding() {
            self.open.entry(code).or_default().push(host);
        }
        for (spread, value) in self.spreads.iter_mut().zip(kept.values()) {
            match value {
                Some(value) => spread.values.entry(value).or_default().push(host),
                None => spread.unknown.push(host),
            }
        }
    }

    pub fn hosts(&self) -> usize {
        self.ready + self.blocked + self.undetermined + self.broken.len()
    }

    /// One that is blocked decides; of one that could not be read nothing is known.
    pub fn verdict(&self) -> Verdict {
        if self.blocked > 0 {
            Verdict::Blocked
        } else if self.undetermined > 0 || !self.broken.is_empty() {
            Verdict::Undetermined
        } else {
            Verdict::Ready
        }
    }

    /// The largest first. Values that the same hosts have are told together: the one explains the
    /// other.
    pub fn outliers(&self) -> Vec<Outlier<'_>> {
        let mut same: BTreeMap<&[usize], Outlier> = BTreeMap::new();
        for (what, spread) in self.labels.iter().zip(&self.spreads) {
            let Some((usual, have)) = spread.usual() else { continue };
            for (value, hosts) in spread.values.iter().filter(|(value, _)| *value != usual) {
                let (what, have_usual) = (what.as_str(), have.len());
                let others = spread.known() - hosts.len();
                let outlier = same.entry(hosts).or_insert_with(|| Outlier {
                    hosts,
                    others,
                    differences: Vec::new(),
                });
                outlier.others = outlier.others.min(others);
                outlier.differences.push(Difference { what, value, usual, have_usual });
            }
        }
        let mut all: Vec<Outlier> = same.into_values().collect();
        all.sort_by(|a, b| (b.hosts.len(), a.hosts).cmp(&(a.hosts.len(), b.hosts)));
        all
    }

    pub fn mixed(&self) -> Vec<Mixed<'_>> {
        let spreads = self.labels.iter().zip(&self.spreads);
        let those = spreads.filter(|(_, it)| it.usual().is_none() && !it.values.is_empty());
        those
            .map(|(what, spread)| {
                let each = spread.values.iter();
                let mut values: Vec<(&str, &[usize])> =
                    each.map(|(value, hosts)| (value.as_str(), hosts.as_slice())).collect();
                values.sort_by_key(|(_, hosts)| std::cmp::Reverse(hosts.len()));
                Mixed { what, values }
            })
            .collect()
    }

    /// Facts that are not known of some hosts, with these.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, &[usize])> {
        let spreads = self.labels.iter().zip(&self.spreads);
        let each = spreads.map(|(what, spread)| (what.as_str(), spread.unknown.as_slice()));
        each.filter(|(_, hosts)| !hosts.is_empty())
    }
}

impl Spread {
    fn known(&self) -> usize {
        self.values.values().map(Vec::len).sum()
    }

    /// The value of more than half of the hosts of which it is known.
    fn usual(&self) -> Option<(&str, &[usize])> {
        let known = self.known();
        let most = self.values.iter().find(|(_, hosts)| hosts.len() * 2 > known)?;
        Some((most.0.as_str(), most.1.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(hosts: &[[Option<&str>; 2]]) -> Tally {
        let mut tally = Tally::new(vec!["kernel".to_owned(), "driver".to_owned()]);
        for (host, values) in hosts.iter().enumerate() {
            for (spread, value) in tally.spreads.iter_mut().zip(values) {
                match value {
                    Some(value) => spread.values.entry((*value).to_owned()).or_default().push(host),
                    None => spread.unknown.push(host),
                }
            }
        }
        tally
    }

    fn words(tally: &Tally) -> Vec<String> {
        let difference = |it: &Difference| {
            format!(" {} {} not {} of {}", it.what, it.value, it.usual, it.have_usual)
        };
        let outlier = |it: &Outlier| {
            let differences: String = it.differences.iter().map(difference).collect();
            format!("{:?} from {}:{differences}", it.hosts, it.others)
        };
        tally.outliers().iter().map(outlier).collect()
    }

    #[test]
    fn what_the_same_hosts_have_is_told_together() {
        let (old, new) = (Some("6.1"), Some("6.12"));
        let (vfio, nvidia) = (Some("vfio-pci"), Some("nvidia"));
        let all = tally(&[[new, vfio], [old, nvidia], [new, vfio], [new, vfio], [old, nvidia]]);
        assert_eq!(
            words(&all),
            ["[1, 4] from 3: kernel 6.1 not 6.12 of 3 driver nvidia not vfio-pci of 3"]
        );
        assert!(all.mixed().is_empty());
        let apart = tally(&[[new, vfio], [old, vfio], [new, nvidia], [new, vfio], [old, vfio]]);
        assert_eq!(
            words(&apart),
            [
                "[1, 4] from 3: kernel 6.1 not 6.12 of 3",
                "[2] from 4: driver nvidia not vfio-pci of 4"
            ]
        );
    }

    #[test]
    fn half_is_no_majority_and_what_is_not_known_no_difference() {
        let (old, new) = (Some("6.1"), Some("6.12"));
        let half = tally(&[[new, None], [old, None], [old, None], [new, Some("nvidia")]]);
        assert!(words(&half).is_empty());
        let mixed = half.mixed();
        assert_eq!(mixed.len(), 1);
        assert_eq!(mixed[0].values, [("6.1", &[1, 2][..]), ("6.12", &[0, 3])]);
        assert_eq!(half.unknown().collect::<Vec<_>>(), [("driver", &[0, 1, 2][..])]);
    }
}
