//! Where things stand in `/sys/devices`: the folder of a device lies in that of the device above
//! it, so the path alone tells the PCI functions that it hangs on.

use super::reading::{HostPath, Reading, Why};
use super::root::Root;
use crate::pci::Address;

/// Where a link of sysfs leads. By its text, so that a capture without the target tells it too.
pub fn follow(root: &Root, link: &HostPath) -> Reading<String> {
    let from = link.to_string();
    root.link(link).parse("a link into /sys/devices", |target| {
        let path = join(&from, target);
        path.starts_with("/sys/devices/").then_some(path)
    })
}

/// The same of a link that is known to be there.
pub fn follow_listed(root: &Root, link: &HostPath) -> Reading<String> {
    follow(root, link).absent_means(Why::Vanished)
}

/// The functions on a path, the one at the top first.
pub fn functions(path: &str) -> Vec<Address> {
    path.split('/').filter_map(Address::from_sysfs).collect()
}

/// The last part of a path.
pub fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn join(link: &str, target: &str) -> String {
    let mut parts: Vec<&str> = if target.starts_with('/') {
        Vec::new()
    } else {
        link.split('/').filter(|part| !part.is_empty()).collect()
    };
    if !target.starts_with('/') {
        parts.pop();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_followed_by_its_text() {
        let target = "../../devices/pci0000:00/0000:00:1d.0/0000:02:00.0/nvme/nvme0/nvme0n1";
        let path = join("/sys/dev/block/259:0", target);
        assert_eq!(path, format!("/sys/{}", target.trim_start_matches("../")));
        assert_eq!(functions(&path).len(), 2, "{path}");
        assert_eq!(join("/sys/a", "../../../../b"), "/b");
        assert!(functions("/sys/devices/pci0000:00/0003:046D:C31C.0001/1-3:1.0").is_empty());
    }
}
