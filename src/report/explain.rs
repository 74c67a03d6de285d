//! A rule told to a person: what it means, why it matters, how it is mended, what it says on its
//! own example. The same for the terminal and for the page of all rules.

use super::paint::Paint;
use super::text;
use crate::config;
use crate::host::{Host, Root};
use crate::policy::{self, Policy};
use crate::rules::{self, Rule};
use crate::source::Sources;

pub fn terminal(rule: &Rule, paint: Paint) -> String {
    let title = paint.bold(&format!("{} {} ({})", rule.code, rule.name, severities(rule)));
    let mut page = format!("{}\n\n", paint.rule(rule.code, rule.name, &title));
    page += &paint.wrapped("", rule.summary);
    page += &section("Why it matters", &paint.wrapped("  ", rule.why), paint);
    page += &section("How to mend it", &paint.wrapped("  ", rule.remedy), paint);
    page += &section(
        "What it says, on an example",
        &indented(&run_example(rule, paint.narrower(2))),
        paint,
    );
    let sources: String = rule.reads.iter().map(|source| paint.wrapped("  ", source)).collect();
    page + &section("Where that is written", &sources, paint) + &format!("\nSince {}\n", rule.since)
}

/// The page `docs/rules.md`.
#[cfg(test)]
pub fn markdown() -> String {
    let mut page = String::from(
        "# Rules\n\nGenerated from the rules themselves (`UPDATE=1 cargo test`); the examples are what the program really says. The words are explained in [concepts.md](concepts.md).\n\n| code | name | severity | finds |\n|---|---|---|---|\n",
    );
    for rule in rules::ALL {
        page += &format!(
            "| [{0}](#{1}) | {2} | {3} | {4} |\n",
            rule.code,
            anchor(rule),
            rule.name,
            severities(rule),
            rule.summary
        );
    }
    for rule in rules::ALL {
        page += &format!(
            "\n## {} {}\n\n{} ({})\n\n",
            rule.code,
            rule.name,
            rule.summary,
            severities(rule)
        );
        page +=
            &format!("**Why it matters.** {}\n\n**How to mend it.** {}\n\n", rule.why, rule.remedy);
        let said = run_example(rule, Paint::PLAIN);
        page += &format!(
            "**What it says.** On this configuration:\n\n```yaml\n{}```\n\n```text\n{}```\n\n",
            rule.example.speaks.config, said
        );
        page += &concepts(rule);
        page += "**Sources.**\n\n";
        for source in rule.reads {
            page += &format!("- {source}\n");
        }
        page += &format!("\nSince {}.\n", rule.since);
    }
    page
}

/// Links to those concepts whose names the rule's words hold.
#[cfg(test)]
fn concepts(rule: &Rule) -> String {
    let page = include_str!("../../docs/concepts.md");
    let words = [rule.summary, rule.why, rule.remedy].join(" ").to_lowercase();
    let is_named = |heading: &str| {
        let name = heading.to_lowercase();
        let plural = format!("{name}s");
        let of_text = words.split(|letter: char| !letter.is_alphanumeric() && letter != '-');
        let text = format!(" {} ", of_text.collect::<Vec<_>>().join(" "));
        text.contains(&format!(" {name} ")) || text.contains(&format!(" {plural} "))
    };
    let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
    let links: Vec<String> = headings
        .filter(|heading| is_named(heading))
        .map(|it| format!("[{it}](concepts.md#{})", it.to_lowercase().replace(' ', "-")))
        .collect();
    if links.is_empty() {
        return String::new();
    }
    format!("**Concepts.** {}.\n\n", links.join(", "))
}

/// What a rule really says on its example.
fn run_example(rule: &Rule, paint: Paint) -> String {
    let scene = &rule.example.speaks;
    let mut sources = Sources::default();
    sources.add("example.yaml", scene.config);
    let Ok(config) = config::load(&sources, &|_| None) else {
        return String::new();
    };
    let host =
        scene.host.map(|host| Host::read(&Root::memory(host().tree()), &rules::need(&config)));
    let judged = policy::judge(
        rules::run(&config, host.as_ref()),
        &config,
        host.as_ref(),
        Policy::default(),
    );
    let said = judged.findings.iter().filter(|finding| finding.code == rule.code);
    said.map(|finding| text::finding(finding, &judged, &config, &sources, paint)).collect()
}

fn severities(rule: &Rule) -> String {
    let words: Vec<&str> = rule.severities.iter().map(|severity| severity.as_str()).collect();
    words.join(" or ")
}

#[cfg(test)]
fn anchor(rule: &Rule) -> String {
    format!("{} {}", rule.code, rule.name).to_lowercase().replace(' ', "-")
}

fn section(title: &str, body: &str, paint: Paint) -> String {
    format!("\n{}\n{body}", paint.bold(title))
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") })
        .collect()
}
