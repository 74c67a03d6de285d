//! What came out of a guest: our answer and the kernel's.

use std::collections::BTreeSet;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ours {
    pub verdict: String,
    /// Codes of the errors that stand.
    pub errors: BTreeSet<String>,
    /// Codes of all else that was found, and of what stands under an error.
    pub others: BTreeSet<String>,
    /// Codes of checks that were not answered and decide.
    pub open: BTreeSet<String>,
}

/// What became of the VMs.
#[derive(Debug, PartialEq, Eq)]
pub struct Vms {
    /// Each VM, and why it does not get its devices if it does not.
    pub vms: Vec<(String, Option<String>)>,
    /// The nodes of its devices open for a VM that has them so; the kernel says no more before it
    /// takes them.
    pub in_part: bool,
}

#[derive(Debug)]
pub struct Answer {
    /// Where `ai-how` was asked twice.
    pub before: Option<Ours>,
    pub ours: Ours,
    /// How the host differs after the undo of the script that mended it; `same` where it does not,
    /// none where there was no script.
    pub undone: Option<String>,
    /// How the host's snapshot is judged otherwise than the host; none where it is judged alike.
    pub replay: Option<String>,
    /// What of the planted personal data the snapshot holds.
    pub personal: Vec<String>,
    /// The snapshot in base 64, where it was asked for.
    pub fixture: Option<String>,
    pub kernel: Vms,
    /// What QEMU said, where the VMs were started too.
    pub started: Option<Vms>,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Skipped(String),
    Failed(String),
}

/// A guest that did not come to its end has no answer.
pub fn parse(said: &str) -> Result<Answer, End> {
    if let Some((_, reason)) = said.split_once("== skipped ") {
        return Err(End::Skipped(line_of(reason)));
    }
    if let Some((_, step)) = said.split_once("== failed ") {
        return Err(End::Failed(format!("a step failed: {}", line_of(step))));
    }
    if !said.contains("== end\n") {
        return Err(End::Failed("the guest did not come to its end".to_owned()));
    }
    answers(said).map_err(End::Failed)
}

fn answers(said: &str) -> Result<Answer, String> {
    let ours = section(said, "ours").ok_or("the guest did not ask ai-how")?;
    let error = section(said, "ours-error").unwrap_or_default();
    let ours = ours_of(ours).map_err(|problem| format!("{problem}: {}", error.trim()))?;
    let before = section(said, "before").map(ours_of).transpose()?;
    let kernel = vms_of(section(said, "kernel").unwrap_or_default())?;
    let started = section(said, "started").map(vms_of).transpose()?;
    let replay = match section(said, "snapshot").map(str::trim) {
        Some("same") => None,
        Some(other) => Some(other.to_owned()),
        None => Some("no snapshot was taken".to_owned()),
    };
    let personal = section(said, "personal").unwrap_or_default();
    let personal = personal.trim().strip_suffix("end").ok_or("the snapshot was not searched")?;
    let personal = personal.lines().map(str::to_owned).collect();
    let undone = section(said, "undone").map(|it| it.trim().to_owned());
    let fixture = section(said, "fixture").map(str::to_owned);
    Ok(Answer { before, ours, undone, replay, personal, fixture, kernel, started })
}

impl Answer {
    /// The kernel's answer, and QEMU's beside it.
    pub fn kernels_words(&self) -> String {
        let kernel = self.kernel.words("gives", "refuses");
        match &self.started {
            Some(started) => format!("{kernel}; {}", started.words("QEMU starts", "QEMU")),
            None => kernel,
        }
    }

    /// Whether all VMs get their devices; none where the kernel and QEMU do not agree.
    pub fn gives(&self) -> Option<bool> {
        let kernel = self.kernel.all();
        match self.started.as_ref().map(Vms::all) {
            None => Some(kernel),
            Some(started) if started == kernel => Some(kernel),
            Some(started) if self.kernel.in_part && kernel => Some(started),
            Some(_) => None,
        }
    }
}

impl Vms {
    pub fn all(&self) -> bool {
        self.vms.iter().all(|(_, refusal)| refusal.is_none())
    }

    fn words(&self, yes: &str, no: &str) -> String {
        let refused: Vec<String> = self
            .vms
            .iter()
            .filter_map(|(name, refusal)| {
                let refusal = refusal.as_deref()?;
                Some(if self.vms.len() > 1 {
                    format!("{name}: {refusal}")
                } else {
                    refusal.to_owned()
                })
            })
            .collect();
        if refused.is_empty() {
            let by_nodes = if self.in_part { ", by the nodes of devices" } else { "" };
            format!("{yes}{by_nodes}")
        } else {
            format!("{no}: {}", refused.join("; "))
        }
    }
}

impl Ours {
    /// Whether it was found, as an error or otherwise.
    pub fn found(&self, code: &str) -> bool {
        self.errors.contains(code) || self.others.contains(code)
    }

    pub fn words(&self) -> String {
        let codes = match self.verdict.as_str() {
            "undetermined" => &self.open,
            "blocked" => &self.errors,
            _ => &self.others,
        };
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        let warned = if self.verdict == "ready" && !codes.is_empty() { "with " } else { "" };
        format!("{} {warned}{}", self.verdict, codes.join(" ")).trim().to_owned()
    }
}

fn line_of(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn section<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = said.split_once(&format!("== {name}\n"))?;
    Some(rest.split("== ").next().unwrap_or(rest))
}

fn ours_of(text: &str) -> Result<Ours, String> {
    let document: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("ai-how said no JSON ({error})"))?;
    let verdict = document["verdict"].as_str().ok_or("ai-how gave no verdict")?.to_owned();
    let mut ours = Ours { verdict, ..Ours::default() };
    for finding in document["findings"].as_array().into_iter().flatten() {
        let code = finding["code"].as_str().unwrap_or_default().to_owned();
        if finding["caused_by"].is_null() && finding["severity"] == "error" {
            ours.errors.insert(code);
        } else {
            ours.others.insert(code);
        }
    }
    for open in document["undetermined"].as_array().into_iter().flatten() {
        if open["decides"] == true {
            ours.open.insert(open["code"].as_str().unwrap_or_default().to_owned());
        }
    }
    Ok(ours)
}

fn vms_of(text: &str) -> Result<Vms, String> {
    let mut vms = Vec::new();
    let mut in_part = false;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("vm ") else { continue };
        let (name, answer) = rest.split_once(' ').unwrap_or((rest, ""));
        let refusal = match answer.split_once(' ') {
            None if answer == "yes" => None,
            None if answer == "opens" => {
                in_part = true;
                None
            }
            Some(("no", reason)) => Some(reason.to_owned()),
            _ => return Err(format!("of a VM was said {line:?}")),
        };
        vms.push((name.to_owned(), refusal));
    }
    if vms.is_empty() {
        Err(format!("there is no answer for a VM: {text:?}"))
    } else {
        Ok(Vms { vms, in_part })
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    const SAID: &str = r#"== steps
== ours
{"verdict": "blocked",
 "findings": [{"code": "AH302", "severity": "error", "caused_by": null},
              {"code": "AH301", "severity": "error", "caused_by": "AH302"}],
 "undetermined": [{"code": "AH210", "decides": false}]}
== ours-error
1
== snapshot
same
== personal
end
== kernel
kvm yes
group 3 viable false
vm a no group 3 is not viable
vm b yes
== end
"#;

    #[test]
    fn both_answers_are_read() {
        let answer = parse(SAID).unwrap();
        assert_eq!(answer.ours.words(), "blocked AH302");
        assert!(answer.replay.is_none() && answer.fixture.is_none() && answer.personal.is_empty());
        let leaks = parse(&SAID.replace("personal\n", "personal\ndunja\n")).unwrap();
        assert_eq!(leaks.personal, ["dunja"]);
        let differs = parse(&SAID.replace("same\n", "differs\n- a\n")).unwrap();
        assert_eq!(differs.replay.as_deref(), Some("differs\n- a"));
        assert!(answer.ours.others.contains("AH301"));
        assert!(answer.ours.open.is_empty());
        assert!(!answer.kernel.all() && answer.started.is_none());
        assert_eq!(answer.kernels_words(), "refuses: a: group 3 is not viable");
        let started = SAID.replace("== end", "== started\nvm a no EPERM\nvm b yes\n== end");
        let words = parse(&started).unwrap().kernels_words();
        assert_eq!(words, "refuses: a: group 3 is not viable; QEMU: a: EPERM");
    }

    #[test]
    fn half_an_answer_is_none() {
        assert!(parse(SAID.split("== kernel").next().unwrap()).is_err());
        assert!(parse(&format!("== failed mount\n{SAID}")).is_err());
        assert!(parse(&SAID.replace("personal\nend", "personal\n")).is_err());
        assert!(parse(&SAID.replace("vm a no", "vm a perhaps")).is_err());
        assert!(parse(&SAID.replace("{\"verdict\"", "panic")).is_err());
    }
}
