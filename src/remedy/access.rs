//! Letting somebody open a device node.

use super::{for_good, is_plain};
use crate::finding::{Act, Edit, ForGood, Lasting, Remedy};
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

/// Puts a user into a group by its number (`usermod(8)`, `gpasswd(1)`). None for root's group, which
/// opens far more than a node, and for a name that a shell might take for something else.
pub fn join_group(user: &User, group: u32) -> Option<Remedy> {
    let User { name, uid, .. } = user;
    if group == 0 || *uid == 0 || !is_plain(name) {
        return None;
    }
    let changes = ForGood {
        edits: vec![Edit::Run {
            command: format!("usermod -aG {group} {name}"),
            undo: format!("gpasswd -d {name} \"$(getent group {group} | cut -d: -f1)\""),
        }],
        ..ForGood::default()
    };
    let text = format!(
        "For good, as root: put {name} into the group {group}, which counts once {name} has logged in anew."
    );
    Some(for_good::remedy(text, Lasting::Member { user: name.clone(), group }, changes))
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

    #[test]
    fn no_user_is_put_into_the_group_of_root_and_no_name_becomes_a_command() {
        let user = |name: &str, uid| User { name: name.into(), uid, gids: vec![] };
        let joined = join_group(&user("libvirt-qemu", 64055), 104).unwrap();
        assert_eq!(joined.commands, ["usermod -aG 104 libvirt-qemu"]);
        assert_eq!(join_group(&user("ann", 1000), 0), None);
        assert_eq!(join_group(&user("$(reboot)", 1000), 104), None);
        assert_eq!(join_group(&user("-r", 1000), 104), None);
    }
}
