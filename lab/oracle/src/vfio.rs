//! The few calls to the kernel, and the only unsafe code of the project.
//!
//! Numbers: `include/uapi/linux/vfio.h`, `include/uapi/linux/kvm.h`.

use std::ffi::{c_int, c_ulong};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;

const VFIO_SET_IOMMU: c_ulong = 0x3b66;
const VFIO_GROUP_GET_STATUS: c_ulong = 0x3b67;
const VFIO_GROUP_SET_CONTAINER: c_ulong = 0x3b68;
const VFIO_TYPE1V2_IOMMU: c_ulong = 3;
const VFIO_GROUP_FLAGS_VIABLE: u32 = 1;
const VFIO_DEVICE_BIND_IOMMUFD: c_ulong = 0x3b76;
const KVM_CREATE_VM: c_ulong = 0xae01;

/// `struct vfio_group_status`
#[repr(C)]
struct GroupStatus {
    argsz: u32,
    flags: u32,
}

/// `struct vfio_device_bind_iommufd`
#[repr(C)]
struct BindIommufd {
    argsz: u32,
    flags: u32,
    iommufd: i32,
    out_devid: u32,
}

unsafe extern "C" {
    fn ioctl(fd: c_int, request: c_ulong, ...) -> c_int;
}

/// An open group; the kernel lets nobody else open it.
pub struct Group(File);

/// An open container, with an IOMMU's address space once it is set.
pub struct Container(File);

/// The node of one device; whoever binds it has the device.
pub struct Node(File);

/// An address space of IOMMUFD.
pub struct Iommufd(File);

impl Group {
    pub fn open(number: &str) -> io::Result<Self> {
        open(&format!("/dev/vfio/{number}")).map(Self)
    }

    pub fn viable(&self) -> io::Result<bool> {
        let mut status = GroupStatus { argsz: 8, flags: 0 };
        // SAFETY: the descriptor is open, and the kernel writes at most `argsz` bytes, all of them
        // inside `status`, which outlives the call.
        let result = unsafe { ioctl(self.0.as_raw_fd(), VFIO_GROUP_GET_STATUS, &raw mut status) };
        checked(result)?;
        Ok(status.flags & VFIO_GROUP_FLAGS_VIABLE != 0)
    }

    pub fn join(&self, container: &Container) -> io::Result<()> {
        let fd = container.0.as_raw_fd();
        // SAFETY: both descriptors are open; the kernel reads one int, `fd`, during the call.
        checked(unsafe { ioctl(self.0.as_raw_fd(), VFIO_GROUP_SET_CONTAINER, &raw const fd) })
    }
}

impl Container {
    pub fn open() -> io::Result<Self> {
        open("/dev/vfio/vfio").map(Self)
    }

    pub fn set_type1v2(&self) -> io::Result<()> {
        // SAFETY: the descriptor is open, and the argument is a number, not an address.
        checked(unsafe { ioctl(self.0.as_raw_fd(), VFIO_SET_IOMMU, VFIO_TYPE1V2_IOMMU) })
    }
}

impl Node {
    pub fn open(name: &str) -> io::Result<Self> {
        open(&format!("/dev/vfio/devices/{name}")).map(Self)
    }

    /// Takes the device: it is reset.
    pub fn bind(&self, iommufd: &Iommufd) -> io::Result<()> {
        let fd = iommufd.0.as_raw_fd();
        let mut bind = BindIommufd { argsz: 16, flags: 0, iommufd: fd, out_devid: 0 };
        // SAFETY: both descriptors are open, and the kernel reads and writes at most `argsz` bytes,
        // all of them inside `bind`, which outlives the call.
        checked(unsafe { ioctl(self.0.as_raw_fd(), VFIO_DEVICE_BIND_IOMMUFD, &raw mut bind) })
    }
}

impl Iommufd {
    pub fn open() -> io::Result<Self> {
        open("/dev/iommu").map(Self)
    }
}

/// Makes an empty VM and lets it go.
pub fn kvm() -> io::Result<()> {
    let kvm = open("/dev/kvm")?;
    // SAFETY: the descriptor is open, and the argument is a number. The VM that comes back is a
    // descriptor nobody knows of; it ends with this process.
    checked(unsafe { ioctl(kvm.as_raw_fd(), KVM_CREATE_VM, 0 as c_ulong) })
}

/// An error's name where it is one that VFIO gives, else its number.
pub fn name(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(1) => "EPERM".to_owned(),
        Some(2) => "ENOENT".to_owned(),
        Some(12) => "ENOMEM".to_owned(),
        Some(13) => "EACCES".to_owned(),
        Some(16) => "EBUSY".to_owned(),
        Some(19) => "ENODEV".to_owned(),
        Some(22) => "EINVAL".to_owned(),
        Some(number) => format!("error {number}"),
        None => error.to_string(),
    }
}

fn open(path: &str) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

fn checked(result: c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
