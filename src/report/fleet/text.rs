//! What stands out among many hosts, for a person at a terminal.

use std::collections::BTreeMap;

use super::view::by_hosts;
use super::{Fleet, name_of};
use crate::finding::Severity;
use crate::fleet::{Difference, Mixed, Outlier};
use crate::policy::Verdict;
use crate::report::paint::{Paint, escaped};
use crate::report::text::{self, Amount, counted, short};

/// How many names, lots and broken snapshots are told; of more, how many there are.
const NAMES: usize = 3;
const LINES: usize = 10;

/// How many are ready and blocked, by what, who differs from the others, and what is broken.
pub fn text(fleet: &Fleet, paint: Paint, amount: Amount) -> String {
    let page = Page { fleet, paint, whole: amount == Amount::Verbose };
    let mut text = String::new();
    if amount != Amount::Quiet {
        text += &page.plan();
    }
    text += &page.counts();
    if amount != Amount::Quiet {
        let tally = fleet.tally;
        text += &page.codes("Blocked by", &tally.errors, Verdict::Blocked);
        text += &page.codes("Undetermined by", &tally.open, Verdict::Undetermined);
        text += &page.codes("Warned of", &tally.warnings, Verdict::Ready);
        text += &page.outliers();
        text += &page.mixed();
        text += &page.unknown();
        text += &page.broken();
        text.push('\n');
    }
    text + &page.end()
}

struct Page<'a> {
    fleet: &'a Fleet<'a>,
    paint: Paint,
    whole: bool,
}

impl Page<'_> {
    /// What is wrong with the plan itself, which no host can mend.
    fn plan(&self) -> String {
        let Some((judged, config)) = self.fleet.plan else { return String::new() };
        let mut text = String::new();
        for finding in judged.findings.iter().filter(|it| it.stands()) {
            text += &text::finding(finding, judged, config, self.fleet.sources, self.paint);
            text.push('\n');
        }
        text
    }

    fn counts(&self) -> String {
        let tally = self.fleet.tally;
        let each = [
            (tally.ready, "ready", Some(Verdict::Ready)),
            (tally.blocked, "blocked", Some(Verdict::Blocked)),
            (tally.undetermined, "undetermined", Some(Verdict::Undetermined)),
            (tally.broken.len(), "broken", None),
        ];
        let words = |(count, word, verdict): (usize, &str, Option<Verdict>)| {
            let words = format!("{count} {word}");
            verdict.map_or_else(|| self.paint.bold(&words), |it| self.paint.verdict(it, &words))
        };
        let those: Vec<String> =
            each.into_iter().filter(|(count, ..)| *count > 0).map(words).collect();
        format!("{}: {}\n", counted(tally.hosts(), "host"), those.join(", "))
    }

    fn codes(
        &self,
        title: &str,
        codes: &BTreeMap<&'static str, Vec<usize>>,
        verdict: Verdict,
    ) -> String {
        if codes.is_empty() {
            return String::new();
        }
        let severity = match verdict {
            Verdict::Blocked => Severity::Error,
            _ => Severity::Warning,
        };
        let width = codes.keys().map(|code| name_of(code).len()).max().unwrap_or(0);
        let digits = codes.values().map(|hosts| hosts.len().to_string().len()).max().unwrap_or(0);
        let mut text = format!("\n{title}\n");
        for (code, hosts) in by_hosts(codes) {
            let name = name_of(code);
            let shown = self.paint.severity(severity, code);
            let shown = self.paint.rule(code, name, &shown);
            let word = if hosts.len() == 1 { "host" } else { "hosts" };
            let first = format!("  {shown} {name:width$}  {:>digits$} {word:<5}  ", hosts.len());
            text += &self.paint.laid(&first, "        ", &self.names(hosts));
        }
        text
    }

    fn outliers(&self) -> String {
        let all = self.fleet.tally.outliers();
        let lot = |it: &Outlier| {
            let verb = if it.hosts.len() == 1 { "differs" } else { "differ" };
            let whats: Vec<String> = it.differences.iter().map(|it| escaped(it.what)).collect();
            let whats = if whats.len() > NAMES {
                format!("{} things", whats.len())
            } else {
                listed(&whats)
            };
            let head = format!(
                "{} {verb} from {} in {}: {}",
                counted(it.hosts.len(), "host"),
                others(it.others),
                whats,
                self.names(it.hosts)
            );
            let lines: String = it.differences.iter().map(|it| self.difference(it)).collect();
            self.paint.laid("  ", "    ", &head) + &lines
        };
        self.section("Outliers", &all, lot)
    }

    fn difference(&self, it: &Difference) -> String {
        let Difference { what, value, usual, have_usual } = it;
        let (value, usual) = (short(value), short(usual));
        let words = format!("{}: {value} (usual: {usual}, on {have_usual})", escaped(what));
        self.paint.laid("    ", "      ", &words)
    }

    fn mixed(&self) -> String {
        let values = |it: &Mixed| {
            let most = if self.whole { usize::MAX } else { NAMES };
            let first = it.values.iter().take(most);
            let mut words: Vec<String> = first
                .map(|(value, hosts)| {
                    format!("{} ({})", short(value), counted(hosts.len(), "host"))
                })
                .collect();
            if it.values.len() > most {
                words.push(format!("and {} more", counted(it.values.len() - most, "value")));
            }
            self.paint.laid("  ", "    ", &format!("{}: {}", escaped(it.what), words.join(", ")))
        };
        self.section("No majority", &self.fleet.tally.mixed(), values)
    }

    fn unknown(&self) -> String {
        let all: Vec<(&str, &[usize])> = self.fleet.tally.unknown().collect();
        self.section("Not known", &all, |(what, hosts)| {
            let hosts_words = counted(hosts.len(), "host");
            let words = format!("{} of {hosts_words}: {}", escaped(what), self.names(hosts));
            self.paint.laid("  ", "    ", &words)
        })
    }

    fn broken(&self) -> String {
        self.section("Broken", &self.fleet.tally.broken, |(host, why)| {
            let words = format!("{}: {}", escaped(&self.fleet.names[*host]), short(why));
            self.paint.laid("  ", "    ", &words)
        })
    }

    /// A title and a line or more of each; of many the first.
    fn section<T>(&self, title: &str, all: &[T], words: impl Fn(&T) -> String) -> String {
        if all.is_empty() {
            return String::new();
        }
        let most = if self.whole { usize::MAX } else { LINES };
        let mut text = format!("\n{title}\n");
        text.extend(all.iter().take(most).map(words));
        if all.len() > most {
            text += &format!("  and {} more: --verbose tells all\n", all.len() - most);
        }
        text
    }

    /// The first names, and how many there are beside them.
    fn names(&self, hosts: &[usize]) -> String {
        let most = if self.whole { usize::MAX } else { NAMES };
        let first: Vec<String> =
            hosts.iter().take(most).map(|&host| escaped(&self.fleet.names[host])).collect();
        let first = first.join(" ");
        match hosts.len().checked_sub(most) {
            None | Some(0) => first,
            Some(more) => format!("{first} and {more} more"),
        }
    }

    fn end(&self) -> String {
        let tally = self.fleet.tally;
        let verdict = tally.verdict();
        let word = self.paint.verdict(verdict, verdict.as_str());
        let of = counted(tally.hosts(), "host");
        let count = match verdict {
            Verdict::Ready => tally.ready,
            Verdict::Blocked => tally.blocked,
            Verdict::Undetermined => tally.undetermined + tally.broken.len(),
        };
        let mut text = format!("Verdict: {word} ({count} of {of})\n");
        if let Some((judged, _)) = self.fleet.plan
            && judged.vms.iter().all(|vm| vm.devices.is_empty())
            && verdict == Verdict::Ready
        {
            text += "No VM wants a device, so nothing of the hosts was judged.\n";
        }
        text
    }
}

fn others(count: usize) -> String {
    if count == 1 { "the other one".to_owned() } else { format!("the other {count}") }
}

/// `a, b and c`
fn listed(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => words.concat(),
    }
}
