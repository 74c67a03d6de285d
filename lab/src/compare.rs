//! Whether the two answers agree, and are those that the scenario declares.

use crate::answer::Answer;
use crate::scenario::{Expect, Scenario};

#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Agree,
    /// Ours is the harder answer, on purpose; why.
    Stricter(&'static str),
    /// We do not say, as declared; why.
    Undetermined(&'static str),
    Failed(String),
    /// Not run, and why.
    Skipped(String),
}

impl Outcome {
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    pub fn words(&self) -> String {
        match self {
            Self::Agree => "agree".to_owned(),
            Self::Stricter(why) => format!("stricter on purpose: {why}"),
            Self::Undetermined(why) => format!("not told: {why}"),
            Self::Failed(reason) => format!("FAILED: {reason}"),
            Self::Skipped(reason) => format!("skipped: {reason}"),
        }
    }
}

pub fn compare(scenario: &Scenario, answer: &Answer) -> Outcome {
    let expect = scenario.expect;
    let reason = not_mended(scenario.mends, answer).or_else(|| wrong(expect, answer));
    let Some(reason) = reason else {
        return match expect {
            Expect::Ready | Expect::Blocked(_) => Outcome::Agree,
            Expect::Stricter(_, why) => Outcome::Stricter(why),
            Expect::Undetermined(_, why) => Outcome::Undetermined(why),
        };
    };
    Outcome::Failed(reason)
}

fn not_mended(mends: &[&str], answer: &Answer) -> Option<String> {
    if mends.is_empty() {
        return None;
    }
    let Some(before) = &answer.before else { return Some("it was not asked before".to_owned()) };
    if let Some(code) = mends.iter().find(|code| !before.found(code)) {
        return Some(format!("{code} was not found before the script: {}", before.words()));
    }
    if let Some(code) = mends.iter().find(|code| answer.ours.found(code)) {
        return Some(format!("{code} is found after the script too"));
    }
    match answer.undone.as_deref() {
        Some("same") => None,
        Some(other) => Some(format!("the undo left a difference: {}", other.replace('\n', " / "))),
        None => Some("nothing was undone".to_owned()),
    }
}

fn wrong(expect: Expect, answer: &Answer) -> Option<String> {
    let ours = &answer.ours;
    if let Some(difference) = &answer.replay {
        return Some(format!(
            "the snapshot is judged otherwise: {}",
            difference.replace('\n', " / ")
        ));
    }
    if !answer.personal.is_empty() {
        return Some(format!("the snapshot holds personal data: {}", answer.personal.join(" ")));
    }
    let Some(gives) = answer.gives() else {
        return Some(format!("the kernel's answer is not QEMU's: {}", answer.kernels_words()));
    };
    let declared = matches!(expect, Expect::Stricter(..));
    if (ours.verdict == "ready") != gives && ours.verdict != "undetermined" && !declared {
        return Some(format!("we say {}, the kernel {}", ours.verdict, answer.kernels_words()));
    }
    if expect.kernel_gives().is_some_and(|it| it != gives) {
        return Some(format!(
            "the kernel {}, which is not what the scenario declares",
            answer.kernels_words()
        ));
    }
    if ours.verdict != expect.verdict() {
        return Some(format!("we say {}, and the scenario {}", ours.words(), expect.verdict()));
    }
    let said = match expect {
        Expect::Undetermined(..) => &ours.open,
        _ => &ours.errors,
    };
    let silent: Vec<&str> =
        expect.codes().iter().copied().filter(|code| !said.contains(*code)).collect();
    if silent.is_empty() {
        None
    } else {
        Some(format!("{} is not among our errors", silent.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, compare};
    use crate::answer::{Answer, Ours, Vms};
    use crate::scenario::{Expect, Scenario};
    use crate::scenarios::READY;

    fn outcome(expect: Expect, verdict: &str, errors: &[&str], gives: bool) -> Outcome {
        let errors = errors.iter().map(|&it| it.to_owned()).collect();
        let refusal = (!gives).then(|| "group 3 is not viable".to_owned());
        let answer = Answer {
            before: None,
            ours: Ours { verdict: verdict.to_owned(), errors, ..Ours::default() },
            undone: None,
            replay: None,
            personal: Vec::new(),
            fixture: None,
            kernel: vm(refusal),
            started: None,
        };
        compare(&Scenario { expect, ..READY }, &answer)
    }

    fn vm(refusal: Option<String>) -> Vms {
        Vms { vms: vec![("vm".to_owned(), refusal)], in_part: false }
    }

    const BLOCKED: Expect = Expect::Blocked(&["AH302"]);
    const STRICTER: Expect = Expect::Stricter(&["AH301"], "why");

    #[test]
    fn agreement_is_both_and_as_declared() {
        assert_eq!(outcome(Expect::Ready, "ready", &[], true), Outcome::Agree);
        assert_eq!(outcome(BLOCKED, "blocked", &["AH302"], false), Outcome::Agree);
        assert_eq!(outcome(STRICTER, "blocked", &["AH301"], true), Outcome::Stricter("why"));
    }

    #[test]
    fn every_other_pair_fails() {
        let failed = |expect, verdict: &str, errors: &[&str], gives| {
            outcome(expect, verdict, errors, gives).is_failure()
        };
        assert!(failed(Expect::Ready, "ready", &[], false), "ready, and the kernel refuses");
        assert!(
            failed(Expect::Ready, "blocked", &["AH302"], true),
            "blocked, and the kernel gives"
        );
        assert!(failed(Expect::Ready, "blocked", &["AH302"], false), "both refuse, not declared");
        assert!(failed(Expect::Ready, "undetermined", &[], true), "not told, not declared");
        assert!(failed(BLOCKED, "ready", &[], false), "a miss");
        assert!(failed(BLOCKED, "ready", &[], true), "both give, not declared");
        assert!(failed(BLOCKED, "blocked", &["AH301"], false), "blocked for another reason");
        assert!(failed(STRICTER, "blocked", &["AH301"], false), "not stricter after all");
        assert!(failed(STRICTER, "ready", &[], true), "no longer stricter");
    }

    #[test]
    fn a_snapshot_that_is_judged_otherwise_fails() {
        let answer = Answer {
            before: None,
            ours: Ours { verdict: "ready".to_owned(), ..Ours::default() },
            undone: None,
            replay: Some("differs".to_owned()),
            personal: Vec::new(),
            fixture: None,
            kernel: vm(None),
            started: None,
        };
        assert!(compare(&Scenario { expect: Expect::Ready, ..READY }, &answer).is_failure());
    }

    #[test]
    fn a_snapshot_with_personal_data_fails() {
        let mut answer = Answer {
            before: None,
            ours: Ours { verdict: "ready".to_owned(), ..Ours::default() },
            undone: None,
            replay: None,
            personal: Vec::new(),
            fixture: None,
            kernel: vm(None),
            started: None,
        };
        let scenario = Scenario { expect: Expect::Ready, ..READY };
        assert_eq!(compare(&scenario, &answer), Outcome::Agree);
        answer.personal.push("dunja".to_owned());
        assert!(compare(&scenario, &answer).is_failure());
    }

    #[test]
    fn what_is_mended_was_found_before_and_is_as_before_after_the_undo() {
        let ours = |verdict: &str, errors: &[&str]| Ours {
            verdict: verdict.to_owned(),
            errors: errors.iter().map(|&it| it.to_owned()).collect(),
            ..Ours::default()
        };
        let outcome = |before: &[&str], after: &[&str], undone: Option<&str>| {
            let answer = Answer {
                before: Some(ours("blocked", before)),
                ours: ours("ready", after),
                undone: undone.map(str::to_owned),
                replay: None,
                personal: Vec::new(),
                fixture: None,
                kernel: vm(None),
                started: None,
            };
            compare(&Scenario { mends: &["AH207"], expect: Expect::Ready, ..READY }, &answer)
        };
        assert_eq!(outcome(&["AH207"], &[], Some("same")), Outcome::Agree);
        assert!(outcome(&["AH208"], &[], Some("same")).is_failure(), "another finding");
        assert!(outcome(&["AH207"], &["AH207"], Some("same")).is_failure(), "found still");
        assert!(outcome(&["AH207"], &[], Some("< a")).is_failure(), "not taken back");
        assert!(outcome(&["AH207"], &[], None).is_failure(), "undo not run");
    }

    #[test]
    fn a_vm_that_does_not_start_fails_what_the_kernel_gives() {
        let answer = |refusal: Option<&str>| Answer {
            before: None,
            ours: Ours { verdict: "ready".to_owned(), ..Ours::default() },
            undone: None,
            replay: None,
            personal: Vec::new(),
            fixture: None,
            kernel: vm(None),
            started: Some(vm(refusal.map(str::to_owned))),
        };
        let scenario = Scenario { expect: Expect::Ready, ..READY };
        assert_eq!(compare(&scenario, &answer(None)), Outcome::Agree);
        assert!(compare(&scenario, &answer(Some("EPERM"))).is_failure());
        // The kernel was asked but in part, and QEMU knows more.
        let mut more = answer(Some("EPERM"));
        more.kernel.in_part = true;
        assert!(more.gives() == Some(false) && compare(&scenario, &more).is_failure());
    }
}
