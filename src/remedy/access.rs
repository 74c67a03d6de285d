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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_given_away_only_where_that_is_enough_and_locks_out_nobody() {
        let user = User { name: "vm'; reboot".into(), uid: 1000, gids: vec![] };
        let node =
            |owner, mode| Node { owner, group: 0, mode, has_acl: false, open_to_caller: false };
        let given = give_node("/dev/vfio/16", &node(0, 0o600), &user).unwrap();
        assert_eq!(given.commands, ["chown 1000 /dev/vfio/16"]);
        assert_eq!(given.undo, ["chown 0 /dev/vfio/16"]);
        for (path, node) in [
            ("/dev/vfio/16", node(7, 0o600)),
            ("/dev/vfio/16", node(0, 0o060)),
            ("/dev/vfio/1;reboot", node(0, 0o600)),
            ("/etc/shadow", node(0, 0o600)),
        ] {
            assert_eq!(give_node(path, &node, &user), None, "{path}");
        }
    }
}
