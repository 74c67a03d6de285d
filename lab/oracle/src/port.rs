//! The way out of the guest: bytes on a port, which need no driver, no interrupt and no PCI device.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// `isa-debugcon`, as the lab starts it.
const SAY: u64 = 0xea;
/// `isa-debug-exit`.
const EXIT: u64 = 0xf4;
/// QEMU ends with `2 * value + 1`: with 0 that would be 1, the same as for a bad option.
const DONE: u8 = 16;

pub fn say() -> io::Result<()> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    let port = OpenOptions::new().write(true).open("/dev/port")?;
    text.iter().try_for_each(|byte| port.write_all_at(&[*byte], SAY))
}

pub fn exit() -> io::Result<()> {
    OpenOptions::new().write(true).open("/dev/port")?.write_all_at(&[DONE], EXIT)
}
