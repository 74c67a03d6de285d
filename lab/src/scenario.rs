//! What a scenario is: a machine, what is done inside, what is wanted, and what must come out.

/// One state of a host.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    /// For the reader of the table.
    pub about: &'static str,
    pub iommu: Iommu,
    pub cpu: &'static str,
    pub devices: &'static [Device],
    /// Added to the kernel's command line.
    pub line: &'static str,
    /// Loaded first, with what they depend on.
    pub modules: &'static [&'static str],
    pub steps: &'static [Step],
    /// Done after `ai-how` has answered once; it is asked again, and the second answer counts.
    pub afterwards: &'static [Step],
    pub plan: &'static [Vm],
    /// Put before `ai-how`, to start it as another user.
    pub asked_by: &'static str,
    /// Further options of `ai-how validate`.
    pub options: &'static [&'static str],
    /// What is found before the script of `--fix-script` is run, and no more after it.
    pub mends: &'static [&'static str],
    /// Starts each VM too, as the last word: a QEMU inside the guest, with the devices.
    pub starts: Option<Way>,
    pub expect: Expect,
    pub kernels: Kernels,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Iommu {
    Intel,
    IntelWithoutRemapping,
    Amd,
    None,
}

/// Arguments of QEMU with blanks between; `@mac` and `@serial` stand for those that are planted, `@`
/// for the folder of the run.
pub type Device = &'static str;

#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// A line of the kernel's own configuration, without which the scenario is skipped.
    Needs(&'static str),
    /// A module and its parameters.
    Load(&'static str, &'static str),
    /// A device and a driver, by `driver_override` and `drivers_probe`.
    Bind(&'static str, &'static str),
    /// A module that newer kernels have built in, or no more.
    LoadIfThere(&'static str),
    /// A module whose initialisation the kernel refuses.
    LoadRefused(&'static str),
    /// A device from whatever holds it.
    Unbind(&'static str),
    /// The same as `Bind`, and the driver refuses it: no driver has it.
    Refused(&'static str, &'static str),
    /// Opens the group of a device and keeps it open.
    Hold(&'static str),
    /// Takes a device by its own node and keeps it.
    HoldDevice(&'static str),
    /// The machine takes a device away (its id in QEMU, its address), as a hand or a management card would.
    Unplug(&'static str, &'static str),
    Shell(&'static str),
}

/// A VM of the plan: its name and the addresses it wants.
#[derive(Debug, Clone, Copy)]
pub struct Vm(pub &'static str, pub &'static [Want]);

/// An address, and ids where the plan declares them.
#[derive(Debug, Clone, Copy)]
pub struct Want(pub &'static str, pub Option<(&'static str, &'static str)>);

#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// `ready`, and the kernel gives the devices.
    Ready,
    /// `blocked` with these errors among the findings, and the kernel does not give the devices.
    Blocked(&'static [&'static str]),
    /// `blocked` with these errors, on purpose: the kernel would give the devices.
    Stricter(&'static [&'static str], &'static str),
    /// `undetermined` at these checks.
    Undetermined(&'static [&'static str], &'static str),
}

/// How QEMU opens a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By its group, with a container.
    Group,
    /// By its own node, with IOMMUFD.
    Node,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernels {
    /// Those of a distribution.
    Stock,
    /// The first of these: for what takes long and does not depend on the release.
    OneStock,
    /// The small one with everything built in.
    Builtin,
}

impl Expect {
    pub fn codes(self) -> &'static [&'static str] {
        match self {
            Self::Ready => &[],
            Self::Blocked(codes) | Self::Stricter(codes, _) | Self::Undetermined(codes, _) => codes,
        }
    }

    pub fn verdict(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Blocked(_) | Self::Stricter(..) => "blocked",
            Self::Undetermined(..) => "undetermined",
        }
    }

    /// Whether the kernel is to give the devices; `None` where that is not said.
    pub fn kernel_gives(self) -> Option<bool> {
        match self {
            Self::Ready | Self::Stricter(..) => Some(true),
            Self::Blocked(_) => Some(false),
            Self::Undetermined(..) => None,
        }
    }
}

impl Kernels {
    /// Whether a scenario for these runs on a kernel of that kind; `first` is the first of its kind.
    pub fn include(self, kind: Self, first: bool) -> bool {
        match self {
            Self::OneStock => kind == Self::Stock && first,
            _ => self == kind,
        }
    }
}
