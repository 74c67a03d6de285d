//! The host alone: each question with its answer and what it stands on, then what is wrong.

use schemars::JsonSchema;
use serde::Serialize;

use super::paint::Paint;
use super::text::{self, Amount};
use super::view::{
    self, EvidenceView, FindingView, HostView, Summary, TOOL, Tool, UndeterminedView,
};
use crate::config::Config;
use crate::host::Host;
use crate::policy::{Judged, Verdict};
use crate::rules::Checked;
use crate::source::Sources;

/// Is this machine able to pass devices through?
#[derive(Debug, Serialize, JsonSchema)]
pub struct DoctorView {
    /// Name and version of this document.
    pub schema: &'static str,
    pub tool: Tool,
    #[schemars(extend("enum" = ["ready", "blocked", "undetermined"]))]
    pub verdict: &'static str,
    pub host: HostView,
    /// Every question, those that were answered well included.
    pub checks: Vec<CheckView>,
    pub findings: Vec<FindingView>,
    /// Checks that could not be answered.
    pub undetermined: Vec<UndeterminedView>,
    pub summary: Summary,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckView {
    pub code: &'static str,
    /// The bad state that is looked for.
    pub name: &'static str,
    /// Whether all is well: `yes` where the bad state was not found, `no` where it was.
    #[schemars(extend("enum" = ["yes", "no", "unknown"]))]
    pub answer: &'static str,
    /// The answer in words.
    pub says: String,
    pub evidence: Vec<EvidenceView>,
}

impl DoctorView {
    pub fn new(judged: &Judged, checks: &[Checked], host: &Host) -> Self {
        let (config, sources) = (Config::default(), Sources::default());
        let (findings, undetermined) = view::said(judged, &config, &sources);
        Self {
            schema: "ai-how/doctor/1",
            tool: TOOL,
            verdict: judged.verdict.as_str(),
            host: HostView::new(host),
            checks: checks.iter().map(CheckView::new).collect(),
            findings,
            undetermined,
            summary: Summary::new(judged),
        }
    }
}

impl CheckView {
    fn new(check: &Checked) -> Self {
        Self {
            code: check.rule.code,
            name: check.rule.name,
            answer: match check.answer {
                Some(true) => "yes",
                Some(false) => "no",
                None => "unknown",
            },
            says: words(check),
            evidence: check.evidence.iter().map(EvidenceView::new).collect(),
        }
    }
}

/// A line a question with what was read for it, then a block for each thing that is wrong.
pub fn text(judged: &Judged, checks: &[Checked], paint: Paint, amount: Amount) -> String {
    let mut page = String::new();
    if amount != Amount::Quiet {
        for check in checks {
            page += &line(check, judged, paint);
        }
        page.push('\n');
    }
    page + &text::validate(judged, &Config::default(), &Sources::default(), paint, amount)
}

fn line(check: &Checked, judged: &Judged, paint: Paint) -> String {
    let (verdict, sign, plain) = match check.answer {
        Some(true) => (Verdict::Ready, "✓", "ok"),
        Some(false) => (Verdict::Blocked, "✗", "NO"),
        None => (Verdict::Undetermined, "?", "? "),
    };
    let sign = paint.verdict(verdict, if paint.unicode { sign } else { plain });
    let code = paint.rule(check.rule.code, check.rule.name, check.rule.code);
    let mut text = paint.laid(&format!("{sign} {code}  "), "          ", &words(check));
    // What has a block of its own below shows its evidence there.
    let mut own = judged.findings.iter().filter(|it| it.code == check.rule.code && it.stands());
    if check.answer != Some(false) || own.next().is_none() {
        for evidence in &check.evidence {
            text += &paint.read("     ", &evidence.path, &text::short(&evidence.value));
        }
    }
    text
}

/// The answer in words.
pub fn words(check: &Checked) -> String {
    match check.answer {
        Some(true) => check.good.to_owned(),
        Some(false) => check.rule.summary.trim_end_matches('.').to_owned(),
        None => format!("not known whether {}", check.good),
    }
}
