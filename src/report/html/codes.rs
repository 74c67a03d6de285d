//! What the codes of the page mean.

use std::collections::BTreeSet;

use super::{Writer, section};
use crate::report::markup::Markup;
use crate::rules;

impl Writer<'_> {
    /// Those that the page names.
    pub(super) fn said_codes(&self) -> BTreeSet<&'static str> {
        let findings = self.findings.iter().map(|finding| finding.code);
        let open = self.open.iter().map(|open| open.code);
        let checks = self.report.checks.iter().map(|check| check.rule.code);
        let rows = self.report.inventory.map(|it| &it.rows).into_iter().flatten();
        let reasons = rows.flat_map(|row| row.reasons.iter());
        findings.chain(open).chain(checks).chain(reasons).collect()
    }

    pub(super) fn codes(&self, page: &mut Markup) {
        let codes = self.said_codes();
        if codes.is_empty() {
            return;
        }
        section(page, "codes", "What the codes mean", |page| {
            page.element("div", &[("class", &"panel")], |page| {
                for rule in codes.into_iter().filter_map(rules::find) {
                    page.element("details", &[("class", &"code")], |page| {
                        page.element("summary", &[], |page| {
                            page.leaf("strong", &[], format!("{} {}", rule.code, rule.name));
                            page.text(" ");
                            page.leaf("span", &[("class", &"muted")], rule.summary);
                        });
                        let id = format!("c-{}", rule.code);
                        page.element("div", &[("class", &"inner"), ("id", &id)], |page| {
                            page.leaf("p", &[], rule.why);
                            page.leaf("p", &[], rule.remedy);
                            let sources = rule.reads.join("; ");
                            page.leaf("p", &[("class", &"muted")], format!("Sources: {sources}"));
                        });
                    });
                }
            });
        });
    }
}
