//! What the running kernel says of a plan, asked inside a guest of the lab.
//!
//!     oracle ask VM=ADDRESS,ADDRESS ...   the kernel's answer for each VM, one after the other
//!     oracle hold ADDRESS                 opens the group of a device, and keeps it open
//!     oracle hold-device ADDRESS          takes a device by its own node, and keeps it
//!     oracle as-nobody PROGRAM WORD ...   becomes a program, without rights
//!     oracle say                          copies standard input to the port that the lab reads
//!     oracle exit                         ends the machine
//!
//! Who asks takes no device (`VFIO_GROUP_GET_DEVICE_FD`, `VFIO_DEVICE_BIND_IOMMUFD`): that resets it.

mod ask;
mod port;
mod vfio;

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

const NOBODY: u32 = 65534;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["ask", vms @ ..] => {
            ask::ask(vms);
            Ok(())
        }
        ["hold", address] => ask::hold(address),
        ["hold-device", address] => ask::hold_device(address),
        ["as-nobody", program, words @ ..] => {
            Err(Command::new(program).args(words).gid(NOBODY).uid(NOBODY).exec())
        }
        ["say"] => port::say(),
        ["exit"] => port::exit(),
        _ => Err(std::io::Error::other("see the first lines of lab/oracle/src/main.rs")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("oracle: {error}");
            ExitCode::FAILURE
        }
    }
}
