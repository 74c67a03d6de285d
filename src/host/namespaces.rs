//! Whether this program sees what the host has, or only what a namespace of its own shows it
//! (`include/linux/proc_ns.h`; `Documentation/admin-guide/namespaces`).

use super::reading::Gap;
use super::root::Root;

/// Why something of the host may not be shown; none where nothing speaks for it.
#[derive(Debug, Clone, Default)]
pub struct Hidden {
    /// Mounts, swaps and devices as a container shows them.
    pub by_container: Option<Gap>,
    /// Interfaces and routes of another namespace than that of the first process.
    pub networks: Option<Gap>,
}

/// The number of the first namespace of processes (`include/linux/proc_ns.h`, `PROC_PID_INIT_INO`).
const ALL_PROCESSES: &str = "pid:[4026531836]";

pub fn read(root: &Root) -> Hidden {
    // A link that cannot be read says nothing here: who asks for processes asks for more.
    let by_container = processes(root).ok().flatten();
    let networks = by_container.clone().or_else(|| networks(root));
    Hidden { by_container, networks }
}

/// A gap where this is not the first namespace of processes: then it is a container. An absent link
/// says nothing: a capture has none.
pub fn processes(root: &Root) -> Result<Option<Gap>, Gap> {
    let space = root.link(&"/proc/self/ns/pid".into());
    Ok(match space.known()? {
        Some(space) if space == ALL_PROCESSES => None,
        Some(other) => Some(space.unclear(
            format!("{other}, as in a container"),
            "the namespace of all processes of the host",
        )),
        None => None,
    })
}

/// The link of the first process can be read by root alone; who cannot read it is told nothing,
/// or every check of a user would stay open.
fn networks(root: &Root) -> Option<Gap> {
    let own = root.link(&"/proc/self/ns/net".into());
    let first = root.link(&"/proc/1/ns/net".into());
    match (own.known(), first.known()) {
        (Ok(Some(own_space)), Ok(Some(first_space))) if own_space != first_space => {
            Some(own.unclear(
                format!("{own_space}, not the {first_space} of the first process"),
                "the network of the host",
            ))
        }
        _ => None,
    }
}
