//! Who may open a device node: its owner, group and mode, and the one who asks.

use super::reading::{HostPath, Reading};
use super::root::Root;

/// A device node, as `stat(2)` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub owner: u32,
    pub group: u32,
    /// Permission bits, `0o660`.
    pub mode: u32,
    /// An access control list may allow or deny more than the mode tells (`acl(5)`).
    pub has_acl: bool,
    /// Whether this program may open it for reading and writing, by the kernel's own word.
    pub open_to_caller: bool,
}

/// Somebody who starts VMs, by `/etc/passwd` and `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gids: Vec<u32>,
}

impl Node {
    /// Whether it can be opened for reading and writing by the user, or by the caller where none
    /// is named; none where an access control list hides it.
    pub fn is_open_to(&self, user: Option<&User>) -> Option<bool> {
        match user {
            None => Some(self.open_to_caller),
            Some(user) if user.uid == 0 => Some(true),
            Some(_) if self.has_acl => None,
            Some(user) => Some(self.mode_allows(user.uid, &user.gids)),
        }
    }

    /// Opening a node for writing is all that it takes to own what is behind it.
    pub fn is_writable_by_all(&self) -> bool {
        self.mode & 0o002 != 0
    }

    /// The first that fits decides: owner, group, others (`path_resolution(7)`).
    pub fn mode_allows(&self, uid: u32, gids: &[u32]) -> bool {
        const READ_WRITE: u32 = 0o6;
        let bits = if uid == self.owner {
            self.mode >> 6
        } else if gids.contains(&self.group) {
            self.mode >> 3
        } else {
            self.mode
        };
        bits & READ_WRITE == READ_WRITE
    }
}

/// The user of this name or number; absent where the host's own files do not know it (it may
/// still come from a directory service).
pub fn read_user(root: &Root, wanted: &str) -> Reading<User> {
    let path = HostPath::from("/etc/passwd");
    let found = root.text(&path).parse("lines of users", |text| Some(find_user(text, wanted)));
    let (name, uid, gid) = match found.known() {
        Ok(Some(Some(found))) => found.clone(),
        Ok(_) => return Reading::absent(path),
        Err(gap) => return Reading::unknown(path, gap.why),
    };
    let groups = root.text(&"/etc/group".into());
    match groups.known() {
        Ok(text) => {
            let mut gids = text.map_or_else(Vec::new, |text| groups_of(text, &name));
            gids.push(gid);
            Reading::present(path, User { name: name.clone(), uid, gids }, name)
        }
        Err(gap) => Reading::unknown(groups.path().clone(), gap.why),
    }
}

/// Name, number and first group: `name:x:1000:1000:…`, `passwd(5)`.
fn find_user(text: &str, wanted: &str) -> Option<(String, u32, u32)> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let (uid, gid) = (fields.nth(1)?, fields.next()?);
        let fits = name == wanted || uid == wanted;
        fits.then(|| Some((name.to_owned(), uid.parse().ok()?, gid.parse().ok()?)))?
    })
}

/// Groups that list the user: `kvm:x:104:alice,bob`, `group(5)`.
fn groups_of(text: &str, name: &str) -> Vec<u32> {
    let lists = |line: &str| {
        let mut fields = line.split(':').skip(2);
        let gid = fields.next()?.parse().ok()?;
        fields.next()?.split(',').any(|member| member == name).then_some(gid)
    };
    text.lines().filter_map(lists).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_and_by_number() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nlibvirt-qemu:x:64055:104:,,,:/var:/bin/false\nbroken\n";
        let found = Some(("libvirt-qemu".to_owned(), 64055, 104));
        assert_eq!(find_user(passwd, "libvirt-qemu"), found);
        assert_eq!(find_user(passwd, "64055"), found);
        assert_eq!(find_user(passwd, "nobody"), None);
        assert_eq!(groups_of("kvm:x:104:alice,bob\nvideo:x:44:\nx:y\n", "bob"), [104]);
    }

    #[test]
    fn the_first_of_owner_group_and_others_decides() {
        let node = |mode| Node { owner: 1, group: 2, mode, has_acl: false, open_to_caller: false };
        assert!(node(0o660).mode_allows(1, &[]) && node(0o660).mode_allows(7, &[2]));
        assert!(!node(0o660).mode_allows(7, &[3]) && node(0o666).mode_allows(7, &[3]));
        assert!(!node(0o066).mode_allows(1, &[2]), "the owner is denied, whatever the group may");
        let user = User { name: "a".into(), uid: 7, gids: vec![2] };
        let listed = Node { has_acl: true, ..node(0o660) };
        assert_eq!(
            (listed.is_open_to(Some(&user)), node(0o660).is_open_to(Some(&user))),
            (None, Some(true))
        );
    }
}
