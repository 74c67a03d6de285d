//! The processor: architecture, vendor, flags.

use std::collections::BTreeSet;

use super::kernel::Release;
use super::reading::{HostPath, Reading};
use super::root::Root;

#[derive(Debug)]
pub struct Cpu {
    /// As `uname -m` says it.
    pub arch: Reading<String>,
    /// `GenuineIntel`, `AuthenticAMD`, …; absent on architectures that do not say it.
    pub vendor: Reading<String>,
    /// The flags of the first processor.
    pub flags: Reading<BTreeSet<String>>,
}

/// The first processor's lines suffice, and reading all of a large machine's is slow.
const FIRST_PROCESSOR: usize = 16 << 10;

pub fn read(root: &Root, release: &Reading<Release>) -> Cpu {
    let path = HostPath::from("/proc/cpuinfo");
    let info = root.text_head(&path, FIRST_PROCESSOR);
    let vendor = match info.known() {
        Ok(Some(text)) => match field(text, "vendor_id") {
            Some(vendor) => {
                Reading::present(path.clone(), vendor.to_owned(), format!("vendor_id: {vendor}"))
            }
            None => Reading::absent(path.clone()),
        },
        _ => info.clone().parse("", |_| None),
    };
    let flags = info.clone().parse("the line \"flags\"", |text| {
        Some(field(text, "flags")?.split_ascii_whitespace().map(str::to_owned).collect())
    });
    Cpu { arch: read_arch(root, &info, release), vendor, flags }
}

/// Live from the system call; else the kernel's own word (`/proc/sys/kernel/arch`, since 6.1),
/// else what the processor's lines and the release's suffix tell.
fn read_arch(root: &Root, info: &Reading<String>, release: &Reading<Release>) -> Reading<String> {
    let path = HostPath::from("/proc/sys/kernel/arch");
    if let Some(machine) = root.machine() {
        return Reading::present(HostPath::from("uname(2)"), machine.clone(), machine);
    }
    let said = root.text(&path).parse("the name of an architecture", |text| {
        let good = !text.is_empty()
            && text.len() < 32
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        good.then(|| text.clone())
    });
    said.or(|| match told_by(info, release) {
        Some(told) => told,
        None => root.text(&path).parse("the name of an architecture", |_| None),
    })
}

fn told_by(info: &Reading<String>, release: &Reading<Release>) -> Option<Reading<String>> {
    if let Ok(Some(text)) = info.known()
        && let Some(arch) = arch_of_cpuinfo(text)
    {
        return Some(Reading::present(
            info.path().clone(),
            arch.to_owned(),
            format!("a processor of {arch}"),
        ));
    }
    let known = release.known().ok().flatten()?;
    let arch = arch_of_release(&known.text)?;
    Some(Reading::present(release.path().clone(), arch.to_owned(), known.text.clone()))
}

fn arch_of_cpuinfo(text: &str) -> Option<&'static str> {
    let has_flag = |flag| {
        field(text, "flags").is_some_and(|flags| flags.split_ascii_whitespace().any(|f| f == flag))
    };
    match field(text, "vendor_id") {
        Some(vendor) if vendor.starts_with("IBM/S390") => Some("s390x"),
        // "lm" is the long mode of a 64-bit processor (arch/x86/include/asm/cpufeatures.h).
        Some(_) if has_flag("lm") => Some("x86_64"),
        Some(_) => has_flag("fpu").then_some("i686"),
        None if field(text, "CPU architecture") == Some("8") => Some("aarch64"),
        None if field(text, "CPU implementer").is_some() => Some("arm"),
        None if field(text, "isa").is_some_and(|isa| isa.starts_with("rv64")) => Some("riscv64"),
        None => field(text, "cpu").is_some_and(|cpu| cpu.starts_with("POWER")).then_some("ppc64le"),
    }
}

/// Distributions end the release with the architecture (`.x86_64`, `-amd64`).
fn arch_of_release(text: &str) -> Option<&'static str> {
    [
        ("x86_64", "x86_64"),
        ("amd64", "x86_64"),
        ("aarch64", "aarch64"),
        ("arm64", "aarch64"),
        ("ppc64le", "ppc64le"),
        ("s390x", "s390x"),
        ("riscv64", "riscv64"),
    ]
    .into_iter()
    .find_map(|(suffix, arch)| text.ends_with(suffix).then_some(arch))
}

/// The first value of `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim_end() == name).then(|| value.trim())
    })
}
