//! `validate --fix-script`, from its door to the script's own end.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start programs"
)]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{AUDIO, GPU, HELD, HostDir, IGPU, NVME, OFF, READY, Ran, sample, short_file};
use tempfile::TempDir;

/// The script, what takes it back, and where they lie.
struct Written {
    ran: Ran,
    fix: String,
    undo: String,
    path: PathBuf,
    folder: TempDir,
}

fn write(root: &Path, config: &str, flags: &[&str]) -> Written {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("fix.sh");
    let mut all = vec!["--fix-script", path.to_str().unwrap()];
    all.extend(flags);
    let ran = common::validate(root, config, &all);
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let (fix, undo) = (read(&path), read(&folder.path().join("fix.sh.undo")));
    Written { ran, fix, undo, path, folder }
}

fn gpu() -> String {
    short_file(&[(GPU, "gpu"), (AUDIO, "audio")])
}

const GRUB: &[&str] = &["usr/sbin/update-grub", "etc/default/grub", "boot/grub/grub.cfg"];

/// With its own `os-release`, and these tools.
fn distribution(host: HostDir, name: &str, tools: &[&str]) -> HostDir {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/os-release").join(name);
    let host = host.write("etc/os-release", fs::read(path).unwrap());
    let folders = ["usr/bin", "usr/sbin", "run", "boot/grub", "etc/default", "etc/kernel"];
    let host = folders.iter().fold(host, |host, folder| host.folder(folder));
    tools.iter().fold(host, |host, tool| host.write(tool, ""))
}

/// Debian, whose kernel leaves the Intel IOMMU off unless it is asked for.
fn intel_off(tools: &[&str]) -> HostDir {
    let host = HostDir::sample(OFF)
        .write("sys/firmware/acpi/tables/DMAR", "")
        .write("proc/cmdline", "root=/dev/sda1 quiet\n");
    distribution(host, "debian-12", tools)
}

/// The lines that do something: no comments, nothing of the functions.
fn steps(script: &str) -> Vec<&str> {
    let begins = |line: &str| !line.starts_with([' ', '#', '}']) && !line.is_empty();
    let body = script.split_once("trap ended EXIT").map_or("", |(_, body)| body);
    body.lines().filter(|line| begins(line)).collect()
}

/// The shells of this machine.
fn shells(test: &str) -> Vec<Vec<&'static str>> {
    let all: [&[&str]; 3] = [&["dash"], &["busybox", "sh"], &["bash", "--posix"]];
    let there = |shell: &&[&'static str]| {
        let is_there =
            Command::new(shell[0]).args(&shell[1..]).args(["-c", "exit 0"]).output().is_ok();
        if !is_there {
            common::skipped(test, &format!("there is no {}", shell.join(" ")));
        }
        is_there
    };
    all.iter().copied().filter(there).map(<[&str]>::to_vec).collect()
}

fn start(shell: &[&str], script: &Path, arguments: &[&str]) -> Output {
    Command::new(shell[0]).args(&shell[1..]).arg(script).args(arguments).output().unwrap()
}

#[test]
fn a_script_and_its_undo_are_written_beside_the_report() {
    let written = write(&sample(HELD), &gpu(), &[]);
    assert_eq!(written.ran.status, 1, "{:?}", written.ran);
    assert_eq!(
        steps(&written.fix)[3..],
        [
            "[ \"$(uname -r)\" = '6.12.1-amd64' ] ||",
            "same_device 0000:01:00.0 0x10de 0x2684",
            "same_driver 0000:01:00.0 nvidia vfio-pci",
            "not_in_use 0000:01:00.0",
            "same_device 0000:01:00.1 0x10de 0x22bd",
            "same_driver 0000:01:00.1 snd_hda_intel vfio-pci",
            "not_in_use 0000:01:00.1",
            "step 'bind 0000:01:00.0 to vfio-pci'",
            "[ -d /sys/bus/pci/drivers/vfio-pci ] || load vfio-pci",
            "move_to 0000:01:00.0 vfio-pci",
            "step 'bind 0000:01:00.1 to vfio-pci'",
            "[ -d /sys/bus/pci/drivers/vfio-pci ] || load vfio-pci",
            "move_to 0000:01:00.1 vfio-pci",
            "at='the end'",
            "say 'Done. Now run ai-how validate again.'",
        ]
    );
    assert_eq!(
        steps(&written.undo)[3..],
        [
            "[ \"$arguments\" = --for-good ] || [ \"$(uname -r)\" = '6.12.1-amd64' ] ||",
            "same_device 0000:01:00.0 0x10de 0x2684",
            "same_device 0000:01:00.1 0x10de 0x22bd",
            "step 'take back: bind 0000:01:00.1 to vfio-pci'",
            "return_to 0000:01:00.1 vfio-pci snd_hda_intel",
            "step 'take back: bind 0000:01:00.0 to vfio-pci'",
            "return_to 0000:01:00.0 vfio-pci nvidia",
            "at='the end'",
            "say 'All is taken back.'",
        ]
    );
    for path in [written.path.clone(), written.folder.path().join("fix.sh.undo")] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
    }
    assert_eq!(fs::read_dir(written.folder.path()).unwrap().count(), 2, "nothing else is left");
}

#[test]
fn on_a_host_that_is_ready_nothing_is_to_be_done() {
    let written = write(&sample(READY), &gpu(), &[]);
    assert_eq!(written.ran.status, 0, "{:?}", written.ran);
    for shell in shells("nothing is to be done") {
        let ran = start(&shell, &written.path, &[]);
        assert!(ran.status.success(), "{shell:?}: {ran:?}");
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "There is nothing to do.\n");
        assert!(ran.stderr.is_empty(), "{ran:?}");
    }
}

#[test]
fn what_has_no_command_stands_as_a_comment() {
    let written = write(&sample(OFF), &gpu(), &[]);
    assert_eq!(written.ran.status, 1);
    let comments: String = written
        .fix
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .collect::<Vec<_>>()
        .join(" ");
    assert!(comments.contains("AH105 iommu-disabled (error): IOMMU is not enabled."), "{comments}");
    assert!(comments.contains("In the firmware setup turn on VT-d"), "{comments}");
    assert!(!written.fix.contains("move_to"), "the device would be left without a driver");
    assert!(written.fix.contains("To be mended by hand: 1 finding"), "{}", written.fix);
}

#[test]
fn a_disk_of_the_host_is_never_taken_off() {
    let written = write(&sample(READY), &short_file(&[(NVME, "storage")]), &[]);
    assert_eq!(written.ran.status, 1);
    assert!(written.ran.stdout.contains("AH401"), "{:?}", written.ran);
    assert!(!written.fix.contains("move_to") && !written.fix.contains("take_driver_off"));
    assert!(written.fix.contains("There is nothing to do."), "{}", written.fix);
}

#[test]
fn modules_are_loaded_one_by_one_and_unloaded_the_other_way_round() {
    let host = HostDir::sample(READY)
        .remove("sys/bus/pci/drivers/vfio-pci")
        .remove("sys/module/vfio_pci")
        .remove("sys/module/vfio_iommu_type1");
    let modules = fs::read_to_string(host.path("proc/modules")).unwrap();
    let left: Vec<&str> =
        modules.lines().filter(|l| !l.starts_with("vfio_pci ") && !l.contains("type1")).collect();
    let host =
        host.write("proc/modules", left.join("\n") + "\n").driver(GPU, None).driver(AUDIO, None);
    let written = write(host.root(), &gpu(), &[]);
    let fix = steps(&written.fix).join("\n");
    assert!(fix.contains("\nload vfio_iommu_type1 vfio_pci\n"), "{fix}");
    let loading = fix.find("load vfio_iommu_type1").unwrap();
    assert!(loading < fix.find("move_to").unwrap(), "before the devices are bound: {fix}");
    let undo = steps(&written.undo).join("\n");
    assert!(undo.contains("\nunload vfio_pci vfio_iommu_type1\n"), "{undo}");
    assert!(undo.find("return_to").unwrap() < undo.find("unload").unwrap(), "{undo}");
    assert!(undo.contains("return_to 0000:01:00.0 vfio-pci none"), "{undo}");
}

#[test]
fn virtual_functions_go_before_their_physical_one_is_bound() {
    let host = HostDir::sample(HELD).attribute(GPU, "sriov_numvfs", "2\n");
    let written = write(host.root(), &gpu(), &[]);
    let fix = steps(&written.fix).join("\n");
    let removed = fix.find("remove_virtual_functions 0000:01:00.0 2").expect(&fix);
    let bound = fix.find("move_to 0000:01:00.0 vfio-pci").expect(&fix);
    assert!(removed < bound, "{fix}");
    let undo = steps(&written.undo).join("\n");
    let returned = undo.find("return_to 0000:01:00.0 vfio-pci nvidia").expect(&undo);
    assert!(returned < undo.find("restore_virtual_functions 0000:01:00.0 2").unwrap(), "{undo}");
}

#[test]
fn both_files_stay_as_they_were_where_it_could_not_run() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("fix.sh");
    fs::write(&path, "mine").unwrap();
    let script = path.to_str().unwrap();
    let held = sample(HELD);
    let missing = folder.path().join("no/such/folder/report.json");
    let cases: [&[&str]; 4] = [
        &["validate", "--root", held.to_str().unwrap(), "--fix-script", script, "/no/such.yaml"],
        &["validate", "--skip-pcie-validation", "--fix-script", script, "examples/gpu-node.yaml"],
        &["validate", "--root", "/no/such", "--fix-script", script, "examples/gpu-node.yaml"],
        &[
            "validate",
            "--root",
            held.to_str().unwrap(),
            "--fix-script",
            script,
            "--output",
            missing.to_str().unwrap(),
            "examples/gpu-node.yaml",
        ],
    ];
    for args in cases {
        common::run(args).could_not_run();
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{args:?}");
    }
    let device = ["validate", "--root", held.to_str().unwrap(), "--fix-script", "/dev/null"];
    common::run(device.iter().chain(&["examples/gpu-node.yaml"])).could_not_run();
}

/// Names from the host and the configuration stay what they are in a script: words.
#[test]
fn no_name_can_become_a_command() {
    let host = HostDir::sample(HELD)
        .kernel("6.1.0-$(touch${IFS}pwned)';touch\tpwned;'")
        .driver(GPU, Some("x;touch pwned"))
        .driver(AUDIO, Some("$(touch pwned)"));
    let config =
        gpu().replace("name: vm", "name: \"vm\\n touch pwned\\r$(touch pwned)`touch pwned`\"");
    let written = write(host.root(), &config, &[]);
    for line in written.fix.lines().chain(written.undo.lines()) {
        assert!(!line.contains("pwned") || line.starts_with('#'), "{line}");
    }
    assert!(!written.fix.contains('\r') && !written.fix.contains("move_to"), "{}", written.fix);
    let host = HostDir::sample(HELD).kernel("6.1.0-$(touch${IFS}pwned)';touch${IFS}pwned;'");
    let written = write(host.root(), &gpu(), &[]);
    let line = written.fix.lines().find(|line| line.contains("uname -r") && line.contains("pwned"));
    let quoted = "'6.1.0-$(touch${IFS}pwned)'\\'';touch${IFS}pwned;'\\'''";
    assert!(line.is_some_and(|line| line.contains(quoted)), "{line:?}");
}

#[test]
fn shellcheck_finds_nothing() {
    if Command::new("shellcheck").arg("--version").output().is_err() {
        return common::skipped("shellcheck_finds_nothing", "there is no shellcheck");
    }
    let held = HostDir::sample(HELD).attribute(GPU, "sriov_numvfs", "2\n");
    let debian = distribution(HostDir::sample(HELD), "debian-12", &[]);
    let off = [intel_off(GRUB), intel_off(&["etc/kernel/cmdline", "usr/bin/kernel-install"])];
    let made = [&held, &debian, &off[0], &off[1]].map(|host| host.root().to_owned());
    for root in made.into_iter().chain([HELD, OFF, READY].map(sample)) {
        let written = write(&root, &gpu(), &[]);
        for name in ["fix.sh", "fix.sh.undo"] {
            let said = Command::new("shellcheck")
                .args(["--shell=sh", "--enable=all", "--exclude=SC2250,SC2310,SC2312,SC2292"])
                .arg(written.folder.path().join(name))
                .output()
                .unwrap();
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
        }
    }
}

/// A folder in the place of `/sys` that does what the kernel does when it is looked at, and
/// functions in the place of programs: busybox would take its own before those on the path.
struct Stage {
    folder: TempDir,
    programs: String,
    for_good: bool,
}

impl Stage {
    fn new(drivers: &[(&str, (&str, &str), &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let sys = folder.path().join("sys");
        for name in ["vfio-pci", "nvidia", "snd_hda_intel"] {
            fs::create_dir_all(sys.join("bus/pci/drivers").join(name)).unwrap();
        }
        for (address, (vendor, device), driver) in drivers {
            let home = sys.join("bus/pci/devices").join(address);
            fs::create_dir_all(&home).unwrap();
            fs::write(home.join("vendor"), format!("0x{vendor}\n")).unwrap();
            fs::write(home.join("device"), format!("0x{device}\n")).unwrap();
            fs::write(home.join("driver_override"), "(null)\n").unwrap();
            symlink(format!("../../drivers/{driver}"), home.join("driver")).unwrap();
        }
        for (name, text) in [
            (
                "self/mountinfo",
                "22 1 8:2 / / rw - ext4 /dev/sda2 rw\n23 1 0:40 / /data rw - btrfs /dev/sdb rw\n",
            ),
            ("swaps", "Filename Type Size Used Priority\n/dev/sdc1 partition 1 0 -2\n"),
            (
                "net/route",
                "Iface\tDestination\tGateway\neno1\t00000000\t0101A8C0\neno2\t0001A8C0\t0\n",
            ),
        ] {
            let path = folder.path().join("proc").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut stage = Self { folder, programs: String::new(), for_good: false };
        stage.program("id", "echo 0");
        stage.program("uname", "echo 6.12.1-amd64");
        // Who asks for a driver sees what the kernel has done by then.
        stage.program(
            "readlink",
            "home=${1%/driver}\nif [ -e /sys/bus/pci/drivers_probe ]; then\nln -sfn \"../../drivers/$(cat \"$home/driver_override\")\" \"$home/driver\"\nrm /sys/bus/pci/drivers_probe /sys/bus/pci/drivers/*/unbind\nfi\ncommand readlink \"$@\"",
        );
        stage
    }

    fn program(&mut self, name: &str, text: &str) {
        self.programs += &format!("{name}() {{\n{text}\n}}\n");
    }

    fn run(&self, shell: &[&str], name: &str, script: &str) -> Output {
        let path = self.folder.path().join(name);
        let sys = self.folder.path().join("sys");
        let staged = format!("{}{script}", self.programs);
        let etc = self.folder.path().join("etc");
        let staged = staged.replace("/sys/", &format!("{}/", sys.display()));
        let staged = staged.replace("/etc/", &format!("{}/", etc.display()));
        let proc = self.folder.path().join("proc");
        fs::write(&path, staged.replace("/proc/", &format!("{}/", proc.display()))).unwrap();
        let arguments: &[&str] = if self.for_good { &["--for-good"] } else { &[] };
        start(shell, &path, arguments)
    }

    fn driver(&self, address: &str) -> String {
        let link = self.folder.path().join("sys/bus/pci/devices").join(address).join("driver");
        let target = fs::read_link(link).unwrap();
        target.file_name().unwrap().to_str().unwrap().to_owned()
    }
}

const CARD: [(&str, (&str, &str), &str); 2] =
    [(GPU, ("10de", "2684"), "nvidia"), (AUDIO, ("10de", "22bd"), "snd_hda_intel")];

#[test]
fn a_script_binds_can_be_repeated_and_is_taken_back() {
    let written = write(&sample(HELD), &gpu(), &[]);
    for shell in shells("a script binds") {
        let stage = Stage::new(&CARD);
        // A disk that nobody uses, a card without the default route.
        for (path, text) in
            [("ata1/sde/dev", "8:64"), ("ata1/sde/size", "9"), ("net/eno2/ifindex", "3")]
        {
            let path = stage.folder.path().join("sys/bus/pci/devices").join(GPU).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for _ in 0..2 {
            let ran = stage.run(&shell, "fix.sh", &written.fix);
            assert!(ran.status.success(), "{shell:?}: {ran:?}");
            assert_eq!(
                (stage.driver(GPU), stage.driver(AUDIO)),
                ("vfio-pci".into(), "vfio-pci".into())
            );
        }
        for _ in 0..2 {
            let ran = stage.run(&shell, "fix.sh.undo", &written.undo);
            assert!(ran.status.success(), "{shell:?}: {ran:?}");
            assert_eq!(
                (stage.driver(GPU), stage.driver(AUDIO)),
                ("nvidia".into(), "snd_hda_intel".into())
            );
        }
    }
}

/// What outlasts a boot is done only where it is asked for, once, and taken back whole.
#[test]
fn for_good_is_done_only_when_asked_for() {
    let written = write(intel_off(GRUB).root(), &gpu(), &[]);
    assert_eq!(written.ran.status, 1);
    for shell in shells("for good") {
        let mut stage = Stage::new(&CARD);
        let grub = stage.folder.path().join("etc/default/grub");
        fs::create_dir_all(grub.parent().unwrap()).unwrap();
        let before = "GRUB_CMDLINE_LINUX='quiet'\nGRUB_TIMEOUT=5\n";
        fs::write(&grub, before).unwrap();
        // Not every shell takes a dash in the name of a function.
        stage.program("update_grub", "echo made the menu");
        let [fix, undo] = [&written.fix, &written.undo]
            .map(|script| script.replace("update-grub\n", "update_grub\n"));
        let read = || fs::read_to_string(&grub).unwrap();
        let ran = stage.run(&shell, "fix.sh", &fix);
        assert!(ran.status.success(), "{shell:?}: {ran:?}");
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(said.contains("Nothing is done yet") && said.contains("--for-good"), "{said}");
        assert_eq!(read(), before);
        stage.for_good = true;
        for _ in 0..2 {
            let ran = stage.run(&shell, "fix.sh", &fix);
            assert!(ran.status.success(), "{shell:?}: {ran:?}");
            let said = String::from_utf8_lossy(&ran.stdout).into_owned();
            assert!(said.contains("made the menu") && said.contains("reboot"), "{said}");
            let line = "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX intel_iommu=on\"\n";
            assert_eq!(read(), format!("{before}{line}"));
            let sourced = format!(". '{}'; echo $GRUB_CMDLINE_LINUX", grub.display());
            let words = Command::new("sh").args(["-c", &sourced]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&words.stdout), "quiet intel_iommu=on\n");
        }
        for _ in 0..2 {
            let ran = stage.run(&shell, "fix.sh.undo", &undo);
            assert!(ran.status.success(), "{shell:?}: {ran:?}");
            assert_eq!(read(), before);
        }
        fs::write(&grub, before.trim_end()).unwrap();
        assert!(stage.run(&shell, "fix.sh", &fix).status.success());
        assert!(read().starts_with(before) && read().lines().count() == 3, "{}", read());
        stage.for_good = false;
        stage.program("uname", "echo 6.12.2");
        let ran = stage.run(&shell, "fix.sh.undo", &undo);
        assert!(!ran.status.success() && read().lines().count() == 3, "{ran:?}");
    }
}

/// The commands to paste do the same as the script.
#[test]
fn pasted_commands_for_good_are_taken_back_whole() {
    let host = intel_off(GRUB);
    let ran = common::validate(host.root(), &gpu(), &[]);
    let document = ran.json();
    let remedy = &document["findings"][0]["remedy"][0];
    let folder = TempDir::new().unwrap();
    let grub = folder.path().join("grub");
    let before =
        "GRUB_CMDLINE_LINUX='quiet'\n# GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX intel_iommu=on\"\n";
    fs::write(&grub, before).unwrap();
    let paste = |key: &str| {
        let lines = remedy[key].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
        let lines: Vec<String> =
            lines.map(|line| line.replace("/etc/default/grub", grub.to_str().unwrap())).collect();
        assert_eq!(lines.last().unwrap(), "update-grub");
        let ran = Command::new("sh").args(["-ec", &lines[0]]).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
    };
    paste("commands");
    assert!(fs::read_to_string(&grub).unwrap().ends_with("$GRUB_CMDLINE_LINUX intel_iommu=on\"\n"));
    paste("undo");
    assert_eq!(fs::read_to_string(&grub).unwrap(), before);
}

#[test]
fn a_missing_program_is_named_and_not_installed() {
    let host = distribution(HostDir::sample(HELD), "debian-12", &[]);
    let written = write(host.root(), &gpu(), &[]);
    for shell in shells("a missing program") {
        let mut stage = Stage::new(&CARD);
        stage.for_good = true;
        stage.program("command", "[ \"$1\" != -v ] || return 1; shift; \"$@\"");
        stage.program("driverctl", "exit 9");
        let programs = stage.programs.replace("command readlink", "/bin/readlink");
        stage.programs = programs;
        let ran = stage.run(&shell, "fix.sh", &written.fix);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(1), "{shell:?}: {ran:?}");
        assert!(
            said.contains("driverctl is missing; it is installed by: apt-get install driverctl"),
            "{said}"
        );
        assert!(said.contains("fix.sh.undo --for-good"), "{said}");
    }
}

/// Of a parameter that ends like another one, the other is left.
#[test]
fn a_word_is_added_and_removed_whole() {
    let fix = "add_word /etc/kernel/cmdline iommu=off\n";
    let undo = "remove_word /etc/kernel/cmdline iommu=off\n";
    let functions = include_str!("../src/report/script/both.sh");
    for shell in shells("a word is added") {
        let stage = Stage::new(&CARD);
        let file = stage.folder.path().join("etc/kernel/cmdline");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        for (before, with) in [
            ("root=ZFS=rpool intel_iommu=off", "root=ZFS=rpool intel_iommu=off iommu=off\n"),
            ("iommu=offline", "iommu=offline iommu=off\n"),
        ] {
            fs::write(&file, before).unwrap();
            for _ in 0..2 {
                let ran = stage.run(&shell, "word.sh", &format!("{functions}\n{fix}"));
                assert!(ran.status.success(), "{shell:?}: {ran:?}");
                assert_eq!(fs::read_to_string(&file).unwrap(), with);
            }
            let ran = stage.run(&shell, "word.sh", &format!("{functions}\n{undo}"));
            assert!(ran.status.success(), "{shell:?}: {ran:?}");
            assert_eq!(fs::read_to_string(&file).unwrap(), format!("{before}\n"));
        }
        fs::write(&file, "one\ntwo\n").unwrap();
        let ran = stage.run(&shell, "word.sh", &format!("set -e\n{functions}\n{fix}"));
        assert!(!ran.status.success(), "{ran:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "one\ntwo\n");
    }
}

#[test]
fn a_script_stops_where_the_host_is_not_the_one_that_was_judged() {
    let written = write(&sample(HELD), &gpu(), &[]);
    let refused = |change: &dyn Fn(&mut Stage), words: &str| {
        for shell in shells("a script stops") {
            let mut stage = Stage::new(&CARD);
            change(&mut stage);
            let before = (stage.driver(GPU), stage.driver(AUDIO));
            let ran = stage.run(&shell, "fix.sh", &written.fix);
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert_eq!(ran.status.code(), Some(1), "{shell:?}: {ran:?}");
            assert!(said.contains(words) && !said.contains("fix.sh.undo"), "{shell:?}: {said}");
            assert!(said.contains("Nothing was changed."), "{shell:?}: {said}");
            assert_eq!((stage.driver(GPU), stage.driver(AUDIO)), before);
        }
    };
    refused(&|stage| stage.program("id", "echo 1000"), "it has to be run as root");
    refused(&|stage| stage.program("uname", "echo 6.12.2"), "the kernel is 6.12.2");
    let device = |stage: &Stage, address: &str| {
        stage.folder.path().join("sys/bus/pci/devices").join(address)
    };
    refused(
        &|stage| fs::write(device(stage, GPU).join("device"), "0x2704\n").unwrap(),
        "0000:01:00.0 is 0x10de 0x2704, and not 0x10de 0x2684 that was judged",
    );
    let disk = |name: &'static str, number: &'static str| {
        move |stage: &mut Stage| {
            let home =
                stage.folder.path().join("sys/bus/pci/devices").join(GPU).join("ata1").join(name);
            fs::create_dir_all(home.join("holders")).unwrap();
            fs::write(home.join("dev"), format!("{number}\n")).unwrap();
            fs::write(home.join("size"), "1\n").unwrap();
            if name == "sdd" {
                fs::create_dir(home.join("holders/dm-0")).unwrap();
            }
        }
    };
    refused(&disk("sda2", "8:2"), "sda2 of 0000:01:00.0 is mounted by now");
    refused(&disk("sdb", "8:16"), "sdb of 0000:01:00.0 is mounted by now");
    refused(&disk("sdc1", "8:33"), "sdc1 of 0000:01:00.0 is swapped on by now");
    refused(&disk("sdd", "8:48"), "sdd of 0000:01:00.0 is in use by now");
    let set = |path: &'static str, text: &'static str| {
        move |stage: &Stage| fs::write(stage.folder.path().join("proc").join(path), text).unwrap()
    };
    let card = |name: &'static str| {
        move |stage: &mut Stage| {
            let home =
                stage.folder.path().join("sys/bus/pci/devices").join(AUDIO).join("net").join(name);
            fs::create_dir_all(&home).unwrap();
            fs::write(home.join("ifindex"), "2\n").unwrap();
        }
    };
    refused(&card("eno1"), "the default route is through eno1 of 0000:01:00.1 by now");
    let six = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80 00000400 1 0 3     eno3\n";
    refused(
        &|stage| {
            card("eno3")(stage);
            set("net/ipv6_route", six)(stage);
        },
        "the default route is through eno3 of 0000:01:00.1 by now",
    );
    // A VLAN on a bond of it.
    refused(
        &|stage| {
            card("eno4")(stage);
            set("net/route", "Iface\tDestination\tGateway\nbond0.5\t00000000\t0101A8C0\n")(stage);
            let net = stage.folder.path().join("sys/devices/virtual/net");
            for name in ["bond0", "bond0.5"] {
                fs::create_dir_all(net.join(name)).unwrap();
            }
            let own = device(stage, AUDIO).join("net/eno4/upper_bond0");
            symlink(net.join("bond0"), own).unwrap();
            symlink(net.join("bond0.5"), net.join("bond0/upper_bond0.5")).unwrap();
        },
        "the default route is through eno4 of 0000:01:00.1 by now",
    );
    refused(
        &|stage| {
            let link = device(stage, AUDIO).join("driver");
            fs::remove_file(&link).unwrap();
            symlink("../../drivers/nvidia", link).unwrap();
        },
        "the driver of 0000:01:00.1 is nvidia, and was snd_hda_intel when it was judged",
    );
}

/// VMs that do not start by themselves, with a name, devices and more of each device.
fn by_hand(vms: &[(&str, &[(&str, &str)])]) -> String {
    let device = |(address, more): &(&str, &str)| {
        format!("        - {{pci_address: '{address}', device_type: other{more}}}\n")
    };
    let vm = |(name, devices): &(&str, &[(&str, &str)])| {
        let devices: String = devices.iter().map(device).collect();
        format!(
            "  - name: {name}\n    auto_start: false\n    pcie_passthrough:\n      enabled: true\n      devices:\n{devices}"
        )
    };
    "compute_nodes:\n".to_owned() + &vms.iter().map(vm).collect::<String>()
}

fn takes_nothing(written: &Written) {
    for word in ["move_to", "take_driver_off", "remove_virtual_functions"] {
        let said = steps(&written.fix);
        assert!(!said.iter().any(|line| line.contains(word)), "{said:?}");
    }
}

#[test]
fn virtual_functions_stay_where_their_physical_one_has_to() {
    let host = HostDir::sample(HELD).attribute(NVME, "sriov_numvfs", "2\n");
    let written = write(host.root(), &short_file(&[(NVME, "storage")]), &[]);
    takes_nothing(&written);
    assert!(!written.ran.stdout.contains("echo 0 >"), "{:?}", written.ran);
}

#[test]
fn a_group_of_which_a_part_has_to_stay_is_left_whole() {
    let host = HostDir::sample(HELD).group(NVME, Some(16));
    let written = write(host.root(), &gpu(), &[]);
    assert!(written.ran.stdout.contains("AH401"), "{:?}", written.ran);
    takes_nothing(&written);
    assert!(!written.ran.stdout.contains("driver/unbind"), "{:?}", written.ran);
}

#[test]
fn what_one_vm_declares_as_another_device_is_bound_for_none() {
    let other = ", vendor_id: '1002', device_id: '73bf'";
    let plan = by_hand(&[("a", &[(GPU, other)]), ("b", &[(AUDIO, "")])]);
    let written = write(&sample(HELD), &plan, &[]);
    assert!(written.ran.stdout.contains("AH202"), "{:?}", written.ran);
    takes_nothing(&written);
}

#[test]
fn vms_that_take_the_last_displays_together_are_given_none() {
    let host = HostDir::sample(HELD).driver(IGPU, Some("i915"));
    let card: &[(&str, &str)] = &[(GPU, ""), (AUDIO, "")];
    let plan = by_hand(&[("a", &[(IGPU, "")]), ("b", card)]);
    let written = write(host.root(), &plan, &[]);
    takes_nothing(&written);
    assert!(written.fix.contains("together"), "{}", written.fix);
    let alone = write(host.root(), &by_hand(&[("b", card)]), &[]);
    assert!(steps(&alone.fix).contains(&"move_to 0000:01:00.0 vfio-pci"), "{}", alone.fix);
}

#[test]
fn what_the_policy_made_an_error_is_not_taken_off() {
    let host = HostDir::sample(HELD).attribute(GPU, "boot_vga", "1\n");
    let warned = write(host.root(), &gpu(), &[]);
    assert!(warned.ran.stdout.contains("AH403"), "{:?}", warned.ran);
    assert!(steps(&warned.fix).contains(&"move_to 0000:01:00.0 vfio-pci"), "{}", warned.fix);
    for flags in [&["--strict"] as &[&str], &["--error", "AH403"]] {
        let written = write(host.root(), &gpu(), flags);
        takes_nothing(&written);
        assert!(written.fix.contains("AH403 is an error"), "{}", written.fix);
    }
}

#[test]
fn a_list_of_ids_names_what_is_bound_already_too() {
    let host = HostDir::sample(HELD).driver(GPU, Some("vfio-pci"));
    let host = distribution(host, "arch", &["usr/bin/mkinitcpio"]);
    let written = write(host.root(), &gpu(), &[]);
    let ids = "options vfio-pci ids=10de:22bd,10de:2684";
    assert!(written.ran.stdout.contains(ids), "{:?}", written.ran);
}

#[test]
fn nothing_is_written_over_what_is_read_or_what_is_not_ai_hows() {
    let folder = TempDir::new().unwrap();
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let plan = put("plan.yaml", &gpu());
    let beside = put("plan.undo", &gpu());
    let other = put("mine.sh", "#!/bin/sh\necho mine\n");
    let of_plan = plan.replace("plan.yaml", "./plan.yaml");
    let without = beside.replace(".undo", "");
    let held = sample(HELD);
    for (flag, path, config) in [
        ("--fix-script", &of_plan, &plan),
        ("--fix-script", &without, &beside),
        ("--output", &of_plan, &plan),
        ("--fix-script", &other, &plan),
        ("--fix-script", &"-".to_owned(), &plan),
    ] {
        let args = ["validate", "--root", held.to_str().unwrap(), flag, path, config];
        common::run(args).could_not_run();
        assert_eq!(fs::read_to_string(config).unwrap(), gpu(), "{args:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "{args:?}");
    }
    // What it wrote itself is replaced.
    let own = folder.path().join("own.sh");
    for _ in 0..2 {
        let script = ["validate", "--root", held.to_str().unwrap(), "--fix-script"];
        let ran = common::run(script.iter().copied().chain([own.to_str().unwrap(), &plan]));
        assert_eq!(ran.status, 1, "{ran:?}");
    }
}

#[test]
fn who_ignores_a_harm_is_told_that_no_command_comes_of_it() {
    let written =
        write(&sample(HELD), &short_file(&[(NVME, "storage")]), &["--ignore", "AH401=moved soon"]);
    let said = written.ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("AH401 is ignored here, which does not mend it"), "{said}");
    takes_nothing(&written);
}

#[test]
fn the_image_of_a_kernel_is_where_the_distribution_has_it() {
    let host = intel_off(&["etc/kernel/cmdline", "usr/bin/kernel-install"]);
    let name = "LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
    let loader: Vec<u8> = "systemd-boot 252\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let variable = [&[6, 0, 0, 0], &loader[..]].concat();
    let host = host.write(&format!("sys/firmware/efi/efivars/{name}"), variable);
    let written = write(host.root(), &gpu(), &[]);
    assert!(written.fix.contains("\"/boot/vmlinuz-$(uname -r)\""), "{}", written.fix);
    assert!(!written.fix.contains("/lib/modules/"), "{}", written.fix);
}
