//! What runs in the guest: a script made of a scenario's steps, and its plan.

use std::collections::BTreeSet;

use crate::kernels::Kernel;
use crate::mend;
use crate::planted;
use crate::scenario::{Kernels, Scenario, Step, Vm, Way};

const BEGINNING: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /tmp
say() { oracle say; }
section() { echo "== $*" | say; }
pci=/sys/bus/pci/devices
failed() { section "failed $*"; }
driver() { basename "$(readlink $pci/$1/driver)"; }
unbind() { echo "$1" > $pci/$1/driver/unbind; }
probe() { echo "$1" > /sys/bus/pci/drivers_probe; }
move() {
  echo "$2" > $pci/$1/driver_override
  [ ! -e $pci/$1/driver ] || unbind $1
  probe $1
}
bind() { move $1 $2; [ "$(driver $1)" = $2 ]; }
refused() { move $1 $2; [ ! -e $pci/$1/driver ]; }
gone() {
  for _ in $(seq 300); do
    if [ ! -e $1 ]; then return 0; fi
    sleep 0.1
  done
  return 1
}
await() {
  for _ in $(seq 100); do
    if [ -e $1 ]; then return 0; fi
    sleep 0.1
  done
  return 1
}
"#;

/// The state is for whoever looks into a scenario that fails; nothing compares it.
const STATE: &str = r#"section state
{
  cat /proc/cmdline
  for device in $pci/*; do
    driver=none; group=none
    [ ! -e $device/driver ] || driver=$(basename $(readlink $device/driver))
    [ ! -e $device/iommu_group ] || group=$(basename $(readlink $device/iommu_group))
    echo "$(basename $device) class $(cat $device/class) group $group driver $driver"
  done | head -n 40
  ls /dev/vfio 2>&1
} | say
"#;

/// The host as `ai-how snapshot` packs it must be judged as the live one.
const SNAPSHOT: &str = r##"section snapshot
{
  $as ai-how --stand-ins validate --format json $options /plan.yaml > /tmp/live
  # What could not be read is told there, and is no difference.
  $as ai-how snapshot -o /tmp/host.snap 2> /tmp/told
  $as ai-how --root /tmp/host.snap validate --format json $options /plan.yaml > /tmp/replayed
  sed -i 's#"root": "[^"]*"#"root": "-"#' /tmp/live /tmp/replayed
  if [ -s /tmp/live ] && cmp -s /tmp/live /tmp/replayed; then echo same; else
    echo differs
    diff /tmp/live /tmp/replayed | head -n 8
  fi
} 2>&1 | say
"##;

/// With `-daemonize` QEMU ends well once the machine is there, and goes on beside the next one.
/// A QEMU that starts no VM at all would agree with every refusal.
const START: &str = r#"vmm() {
  qemu-system-x86_64 -nodefaults -no-user-config -display none -machine q35 -accel tcg \
    -m 256 -S -daemonize "$@" 2> /tmp/vmm
}
vmm || failed "$(head -n 1 /tmp/vmm)"
killall qemu-system-x86_64
start() {
  name=$1
  shift
  if vmm "$@"; then
    echo "vm $name yes"
  else
    # Warnings may come first.
    echo "vm $name no $({ grep ': vfio ' /tmp/vmm || tail -n 1 /tmp/vmm; } | head -n 1 | sed 's/.*: vfio [0-9a-f:.]*: //')"
  fi
}
section started
"#;

const FIXTURE: &str = "section fixture\nbase64 /tmp/host.snap | say\n";

/// With `fixture`, the host's snapshot is handed out too.
pub fn script(scenario: &Scenario, kernel: &Kernel, fixture: bool) -> Result<String, String> {
    let mut script = BEGINNING.to_owned();
    script.push_str(&planted::script());
    let mut loaded = BTreeSet::new();
    script.push_str("section steps\n{\nset -x\n");
    for name in scenario.modules {
        script.push_str(&load(kernel, &mut loaded, name, "")?);
    }
    for step in scenario.steps {
        script.push_str(&act(step, kernel, &mut loaded)?);
    }
    script.push_str("set +x\n} > /tmp/steps 2>&1\nsay < /tmp/steps\n");
    script.push_str(STATE);
    let options = scenario.options.join(" ");
    let asked_by = scenario.asked_by;
    let validate = |section: &str| {
        format!(
            "section {section}\n{asked_by} ai-how validate --format json {options} /plan.yaml > /tmp/ours 2> /tmp/error\n\
             echo $? > /tmp/code\nsay < /tmp/ours\nsection {section}-error\ncat /tmp/code /tmp/error | say\n"
        )
    };
    let before = !scenario.afterwards.is_empty() || !scenario.mends.is_empty();
    if before {
        script.push_str(&validate("before"));
    }
    script.push_str(&format!("as='{asked_by}'\noptions='{options}'\n"));
    if !scenario.mends.is_empty() {
        script.push_str(mend::FIX);
    }
    if !scenario.afterwards.is_empty() {
        script.push_str("section steps\n{\nset -x\n");
        for step in scenario.afterwards {
            script.push_str(&act(step, kernel, &mut loaded)?);
        }
        script.push_str("set +x\n} > /tmp/steps 2>&1\nsay < /tmp/steps\n");
    }
    script.push_str(&validate("ours"));
    // A snapshot tells nothing of users, so it is not asked for one.
    script.push_str("options=$(echo \"$options\" | sed 's/--as [^ ]*//')\n");
    script.push_str(SNAPSHOT);
    script.push_str(planted::SEARCH);
    if fixture {
        script.push_str(FIXTURE);
    }
    let user = if scenario.options.contains(&"--as") { "oracle as-nobody " } else { "" };
    script.push_str(&format!("section kernel\n{user}oracle ask"));
    for Vm(name, wanted) in scenario.plan {
        let addresses: Vec<&str> = wanted.iter().map(|want| want.0).collect();
        script.push_str(&format!(" {name}={}", addresses.join(",")));
    }
    script.push_str(" 2>&1 | say\n");
    if !scenario.mends.is_empty() {
        script.push_str(mend::UNDO);
    }
    if let Some(way) = scenario.starts {
        script.push_str(&start(way, scenario.plan));
    }
    script.push_str("section end\noracle exit\nwhile :; do sleep 1; done\n");
    Ok(script)
}

fn start(way: Way, plan: &[Vm]) -> String {
    let mut text = START.to_owned();
    text.push_str("{\n");
    for Vm(name, wanted) in plan {
        text += &format!("start {name}");
        let by = match way {
            Way::Group => "",
            Way::Node => {
                text += " -object iommufd,id=fd";
                ",iommufd=fd"
            }
        };
        for want in *wanted {
            text += &format!(" -device vfio-pci,host={}{by}", want.0);
        }
        text.push('\n');
    }
    text.push_str("} 2>&1 | say\n");
    text
}

/// The short form, everything quoted.
pub fn plan(vms: &[Vm]) -> String {
    let mut text = "compute_nodes:\n".to_owned();
    for Vm(name, wanted) in vms {
        text += &format!(
            "  - name: \"{name}\"\n    pcie_passthrough:\n      enabled: true\n      devices:\n"
        );
        for want in *wanted {
            text += &format!(
                "        - pci_address: \"{}\"\n          device_type: \"other\"\n",
                want.0
            );
            if let Some((vendor, device)) = want.1 {
                text += &format!(
                    "          vendor_id: \"{vendor}\"\n          device_id: \"{device}\"\n"
                );
            }
        }
    }
    text
}

fn act(step: &Step, kernel: &Kernel, loaded: &mut BTreeSet<String>) -> Result<String, String> {
    Ok(match step {
        Step::Load(name, parameters) => load(kernel, loaded, name, parameters)?,
        Step::Needs(line) => format!(
            "zcat /proc/config.gz | grep -qx '{line}' || section 'skipped this kernel does not have {line}'\n"
        ),
        Step::LoadIfThere(name) => match kernel.modules.closure(name) {
            Some(_) => load(kernel, loaded, name, "")?,
            None => String::new(),
        },
        Step::LoadRefused(name) => {
            let lines = load(kernel, loaded, name, "")?;
            let (needed, last) =
                lines.trim_end().rsplit_once('\n').unwrap_or(("", lines.trim_end()));
            let last = last.split(" ||").next().unwrap_or(last);
            format!("{needed}\n{}", checked(&format!("! {last}")))
        }
        Step::Bind(address, driver) => checked(&format!("bind {address} {driver}")),
        Step::Refused(address, driver) => checked(&format!("refused {address} {driver}")),
        Step::Unbind(address) => checked(&format!("unbind {address}")),
        Step::Hold(address) => {
            format!(
                "{} hold {address} > /tmp/hold &\n{}",
                planted::PROGRAM,
                checked("await /tmp/hold && sleep 1")
            )
        }
        Step::HoldDevice(address) => {
            format!(
                "{} hold-device {address} > /tmp/hold &\n{}",
                planted::PROGRAM,
                checked("await /tmp/hold && sleep 1 && [ -s /tmp/hold ]")
            )
        }
        Step::Unplug(id, address) => {
            format!("section 'unplug {id}'\n{}", checked(&format!("gone $pci/{address}")))
        }
        Step::Shell(line) => checked(line),
    })
}

/// A state that was not reached would be judged as if it had been.
fn checked(line: &str) -> String {
    format!("{{ {line}; }} || failed '{}'\n", line.replace('\'', "'\\''"))
}

/// Busybox's own modprobe knows no parameters, so the order is made here.
fn load(
    kernel: &Kernel,
    loaded: &mut BTreeSet<String>,
    name: &str,
    parameters: &str,
) -> Result<String, String> {
    if kernel.kind != Kernels::Stock {
        return Err(format!("a kernel with everything built in loads no module ({name})"));
    }
    let closure = kernel.modules.closure(name);
    let closure = closure.ok_or(format!("kernel {} has no module {name}", kernel.name))?;
    let mut text = String::new();
    for module in closure {
        if !loaded.insert(module.clone()) {
            continue;
        }
        let path = kernel.modules.path(&module).ok_or(format!("no module {module}"))?;
        let parameters = if module == name { parameters } else { "" };
        let line = format!("insmod /lib/modules/{}/{path} {parameters}", kernel.release);
        text += &checked(line.trim_end());
    }
    Ok(text)
}
