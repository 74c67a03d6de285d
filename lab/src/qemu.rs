//! The machine: always emulated (`tcg`), since `/dev/kvm` may exist and be of no use.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::kernels::Kernel;
use crate::planted;
use crate::scenario::{Iommu, Scenario, Step};

pub const PROGRAM: &str = "qemu-system-x86_64";
const LIMIT: Duration = Duration::from_secs(180);
/// `isa-debug-exit` ends with `2 * value + 1`, and the guest sends 16.
const DONE: i32 = 33;
/// QEMU 10.0's virtual IOMMU has been seen to abort once in many boots; that says nothing of the guest.
const ABORTED: i32 = 6;

/// Major and minor.
pub type Version = (u32, u32);

pub fn version() -> Result<Version, String> {
    let ran = Command::new(PROGRAM).arg("--version").output();
    let ran = ran.map_err(|error| format!("{PROGRAM}: {error}"))?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let number = text.split_whitespace().skip_while(|it| *it != "version").nth(1);
    let mut parts = number.unwrap_or_default().split('.').map(|it| it.parse().unwrap_or(0));
    Ok((parts.next().unwrap_or(0), parts.next().unwrap_or(0)))
}

/// What the guest said on its port. `folder` gets that, the console and the command line.
pub fn run(
    scenario: &Scenario,
    kernel: &Kernel,
    folder: &Path,
    initramfs: &[u8],
) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    // What an earlier run said must not be taken for this one's.
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)?;
    let initrd = folder.join("initramfs");
    fs::write(&initrd, initramfs).map_err(failed)?;
    if arguments(scenario, kernel, folder).iter().any(|it| it.contains("/disk")) {
        // Sparse, and new for each run: a scenario writes into it.
        File::create(folder.join("disk"))
            .and_then(|disk| disk.set_len(64 << 20))
            .map_err(failed)?;
    }
    let mut result = once(scenario, kernel, folder);
    if matches!(&result, Err(End::Aborted)) {
        let _ = fs::remove_file(folder.join("said"));
        result = once(scenario, kernel, folder);
    }
    fs::remove_file(&initrd).map_err(failed)?;
    match result {
        Ok(()) => {}
        Err(End::Aborted) => return Err("QEMU aborted twice".to_owned()),
        Err(End::Other(reason)) => return Err(reason),
    }
    let said = fs::read(folder.join("said")).map_err(failed)?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

enum End {
    Aborted,
    Other(String),
}

fn once(scenario: &Scenario, kernel: &Kernel, folder: &Path) -> Result<(), End> {
    use std::os::unix::process::ExitStatusExt;

    let other = |reason: String| End::Other(reason);
    let errors = File::create(folder.join("qemu")).map_err(|error| other(error.to_string()))?;
    let mut child = Command::new(PROGRAM)
        .args(arguments(scenario, kernel, folder))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .map_err(|error| other(format!("{PROGRAM}: {error}")))?;
    let status = wait(&mut child, folder).map_err(other)?;
    if status.code() == Some(DONE) {
        return Ok(());
    }
    if status.signal() == Some(ABORTED) {
        return Err(End::Aborted);
    }
    let said = fs::read_to_string(folder.join("qemu")).unwrap_or_default();
    Err(other(format!("QEMU ended with {status}: {}", said.lines().next().unwrap_or("no word"))))
}

fn wait(child: &mut Child, folder: &Path) -> Result<std::process::ExitStatus, String> {
    let start = Instant::now();
    let mut unplugged = false;
    loop {
        if !unplugged && let Some(id) = asked_to_unplug(folder) {
            unplugged = true;
            if let Err(error) = unplug(folder, &id) {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{id} was not unplugged: {error}"));
            }
        }
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if start.elapsed() < LIMIT => std::thread::sleep(Duration::from_millis(50)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("not done in {} s", LIMIT.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// The device that the guest wants to see go, once it says so.
fn asked_to_unplug(folder: &Path) -> Option<String> {
    let said = fs::read(folder.join("said")).ok()?;
    let said = String::from_utf8_lossy(&said);
    let (_, rest) = said.split_once("== unplug ")?;
    Some(rest.split_once('\n')?.0.to_owned())
}

/// By QMP: greeting, capabilities, command; the last answer says whether it was taken.
fn unplug(folder: &Path, id: &str) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(folder.join("qmp"))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut answers = BufReader::new(stream.try_clone()?).lines();
    let command = format!(
        "{{\"execute\":\"qmp_capabilities\"}}{{\"execute\":\"device_del\",\"arguments\":{{\"id\":\"{id}\"}}}}\n"
    );
    stream.write_all(command.as_bytes())?;
    let mut taken = 0;
    while taken < 2 {
        let answer = answers.next().ok_or(std::io::ErrorKind::UnexpectedEof)??;
        if answer.contains("\"error\"") {
            return Err(std::io::Error::other(answer));
        }
        taken += usize::from(answer.contains("\"return\""));
    }
    Ok(())
}

fn arguments(scenario: &Scenario, kernel: &Kernel, folder: &Path) -> Vec<String> {
    let at = folder.display();
    let line = format!(
        "console=ttyS0 loglevel=5 panic=-1 nokaslr mitigations=off no_timer_check random.trust_cpu=on {} {}",
        scenario.line,
        planted::WORD
    );
    let mut words: Vec<String> = [
        "-nodefaults -no-user-config -no-reboot -display none -machine q35,kernel-irqchip=split",
        "-accel tcg,thread=multi,tb-size=256 -smp 1",
        // As on bare metal; otherwise pciehp and shpchp keep off.
        "-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
        "-device isa-debugcon,iobase=0xea,chardev=said -device isa-debug-exit,iobase=0xf4,iosize=1",
    ]
    .iter()
    .flat_map(|words| words.split_whitespace().map(str::to_owned))
    .collect();
    let mut add = |name: &str, value: String| words.extend([name.to_owned(), value]);
    add("-cpu", scenario.cpu.to_owned());
    // Room for a QEMU and its VM, whose memory is pinned.
    add("-m", if scenario.starts.is_some() { "1536" } else { "512" }.to_owned());
    add("-kernel", kernel.vmlinux.display().to_string());
    add("-initrd", format!("{at}/initramfs"));
    add("-append", line);
    add("-smbios", format!("type=1,serial={},uuid={}", planted::SERIAL, planted::UUID));
    add("-serial", format!("file:{at}/console"));
    add("-chardev", format!("file,id=said,path={at}/said"));
    let mut steps = scenario.steps.iter().chain(scenario.afterwards);
    if steps.any(|step| matches!(step, Step::Unplug(..))) {
        add("-qmp", format!("unix:{at}/qmp,server=on,wait=off"));
    }
    match scenario.iommu {
        Iommu::Intel => add("-device", "intel-iommu,intremap=on,caching-mode=on".to_owned()),
        Iommu::IntelWithoutRemapping => {
            add("-device", "intel-iommu,intremap=off,caching-mode=on".to_owned());
        }
        Iommu::Amd => add("-device", "amd-iommu".to_owned()),
        Iommu::None => {}
    }
    for device in scenario.devices {
        words.extend(device.split_whitespace().map(|word| resolved(word, &at.to_string())));
    }
    words
}

fn resolved(word: &str, folder: &str) -> String {
    word.replace("@mac", planted::MAC).replace("@serial", planted::SERIAL).replace('@', folder)
}
