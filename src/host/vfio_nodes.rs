//! The nodes by which groups and devices are opened (`Documentation/driver-api/vfio.rst`), and who
//! may open them.

use super::access::Node;
use super::reading::{HostPath, Reading, Why};
use super::root::Root;

const GROUPS: &str = "/dev/vfio";
const DEVICES: &str = "/dev/vfio/devices";

/// Absent where nothing is on a driver of VFIO. The files of a directory belong to whoever copied
/// them, so nothing is asked of them.
pub fn read(root: &Root) -> Reading<Vec<Reading<Node>>> {
    let folder = HostPath::from(GROUPS);
    if root.may_be_partial() {
        return Reading::unknown(folder, Why::Copied);
    }
    let listed = root.list(&folder);
    let mut nodes = Vec::new();
    if let Ok(Some(names)) = listed.known() {
        let of_groups = names.iter().filter(|name| is_of_group(name));
        nodes.extend(of_groups.map(|name| root.node(&format!("{GROUPS}/{name}").into())));
        if names.iter().any(|name| name == "devices") {
            let devices = root.list(&DEVICES.into());
            match devices.known() {
                Ok(names) => {
                    let of_devices = names.into_iter().flatten().filter(|name| is_of_device(name));
                    nodes.extend(
                        of_devices.map(|name| root.node(&format!("{DEVICES}/{name}").into())),
                    );
                }
                Err(gap) => nodes.push(Reading::unknown(DEVICES.into(), gap.why)),
            }
        }
    }
    listed.parse("names of nodes", |_| Some(nodes))
}

/// `16`, or `noiommu-0` (`drivers/vfio/group.c`). The container's node, which is open to all by
/// intent, is none of them.
fn is_of_group(name: &str) -> bool {
    is_number(name.strip_prefix("noiommu-").unwrap_or(name))
}

/// `vfio0`, or `noiommu-vfio0` (`drivers/vfio/vfio_main.c`).
fn is_of_device(name: &str) -> bool {
    name.strip_prefix("noiommu-").unwrap_or(name).strip_prefix("vfio").is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}
