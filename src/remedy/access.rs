//! Letting somebody open a device node.

use crate::finding::{Act, Remedy};
use crate::host::{Node, User};

/// Makes a user the owner of a node of root's, who needs no permission
/// (`Documentation/driver-api/vfio.rst`: `chown` of the group's node). None where that would lock
/// somebody out, or would not be enough.
pub fn give_node(path: &str, node: &Node, user: &User) -> Option<Remedy> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '/' || c == '-';
    let known = path.starts_with("/dev/") && path.chars().all(plain);
    if !known || node.owner != 0 || node.mode & 0o600 != 0o600 {
        return None;
    }
    let (owner, user) = (node.owner, user.uid);
    Some(Remedy {
        text: format!(
            "Until the node is made anew (at the next boot, say), as root: make the user {user} its owner."
        ),
        commands: vec![format!("chown {user} {path}")],
        undo: vec![format!("chown {owner} {path}")],
        act: Some(Act::GiveNode { path: path.to_owned(), owner, user }),
        ..Remedy::default()
    })
}
