//! Whatever is ignored or lowered, a plan that the host refuses is never called ready.

use proptest::prelude::*;

use super::{Case, all_cases, judge, load};
use crate::config::{Action, Covers, Directive};
use crate::finding::Severity;
use crate::host::{Host, Root};
use crate::policy::{self, Judged, Policy, Verdict};
use crate::rules::{ALL, may_be_lowered};

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => Just(Action::Ignore { reason: "so it is".to_owned() }),
        2 => Just(Action::Warn),
        1 => Just(Action::Error),
    ]
}

/// On the command line, where nothing holds the refusal of the arguments back.
fn said_of_all() -> impl Strategy<Value = Vec<Directive>> {
    let one = (0..ALL.len(), action()).prop_map(|(rule, action)| Directive {
        action,
        rule: ALL[rule].code.to_owned(),
        place: None,
        covers: Covers::Everything,
    });
    prop::collection::vec(one, 0..60)
}

/// Comments above lines of the text: by the part of the way through it, the rule, the word.
fn said_in_comments() -> impl Strategy<Value = Vec<(usize, usize, Action)>> {
    prop::collection::vec((0..100usize, 0..ALL.len(), action()), 0..20)
}

fn with_comments(config: &str, comments: &[(usize, usize, Action)]) -> String {
    let mut lines: Vec<String> = config.lines().map(str::to_owned).collect();
    for (part, rule, action) in comments {
        let comment = format!("# ai-how: {} {} so it is", action.word(), ALL[*rule].code);
        lines.insert(lines.len() * part / 100, comment);
    }
    lines.join("\n") + "\n"
}

/// What no directive may touch.
fn is_firm(code: &str, severity: Severity) -> bool {
    severity == Severity::Error && !may_be_lowered(code, severity)
}

fn holds(case: &Case, before: &Judged, after: &Judged) {
    let refused = before.findings.iter().any(|it| it.stands() && is_firm(it.code, it.severity));
    if refused {
        assert_eq!(after.verdict, Verdict::Blocked, "{}: {after:#?}", case.name);
    }
    let open = before.undetermined.iter().any(|it| is_firm(it.code, it.severity));
    if open {
        assert_ne!(after.verdict, Verdict::Ready, "{}: {after:#?}", case.name);
    }
    for finding in &before.findings {
        let found: Vec<_> = after
            .findings
            .iter()
            .filter(|it| {
                (it.code, it.device, &it.message)
                    == (finding.code, finding.device, &finding.message)
            })
            .collect();
        assert!(!found.is_empty(), "{}: {finding:?} is gone", case.name);
        if !is_firm(finding.code, finding.severity) {
            continue;
        }
        for it in found {
            let by_an_error = it.caused_by.is_some_and(|cause| {
                let mut causes = after.findings.iter().filter(|it| it.code == cause.code);
                causes.any(|it| it.severity == Severity::Error && it.ignored.is_none())
            });
            assert!(it.is_error() || by_an_error, "{}: {it:#?}", case.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn what_cannot_be_ignored_is_not(
        number in 0..all_cases().len(), directives in said_of_all(), comments in said_in_comments(), strict: bool,
    ) {
        let case = &all_cases()[number];
        let before = judge(&case.config, &case.host);
        let config = load(&with_comments(&case.config, &comments));
        let host = Host::read(&Root::memory(case.host.tree()), &crate::rules::need(&config));
        let policy = Policy { strict, directives, ..Policy::default() };
        let after = policy::judge(crate::rules::run(&config, Some(&host)), &config, Some(&host), policy);
        holds(case, &before, &after);
    }
}
