//! Whether a node can be opened by whoever starts the VMs.

use crate::finding::{Answer, Remedy};
use crate::host::{Gap, Node, Reading, User, Why};
use crate::remedy;

/// A node that is known to be closed.
pub struct Closed {
    /// `the caller` or the user's name.
    pub who: String,
    pub why: String,
    /// The group that owns the node, where its members may open it and are not root's.
    pub group: Option<u32>,
    /// What opens it at once to a user who was named.
    pub at_once: Option<Remedy>,
    /// What opens it to that user by the group.
    pub by_group: Option<Remedy>,
}

/// None where it is open, or where that is not known, which is then noted.
pub fn closed(
    reading: &Reading<Node>,
    user: Option<&Reading<User>>,
    answer: &mut Answer,
) -> Option<Closed> {
    let node = match reading.required() {
        Ok(node) => node,
        Err(Gap { why: Why::Copied, .. }) => {
            answer.not_judged(reading.evidence());
            return None;
        }
        Err(gap) => {
            answer.gap(gap);
            return None;
        }
    };
    let user = match user.map(Reading::required).transpose() {
        Ok(user) => user,
        Err(gap) => {
            answer.gap(gap);
            return None;
        }
    };
    match node.is_open_to(user) {
        Some(true) => {
            answer.passed([reading.evidence()]);
            None
        }
        Some(false) => {
            let group = (node.group != 0 && node.mode & 0o060 == 0o060).then_some(node.group);
            Some(Closed {
                who: user.map_or_else(|| "the caller".to_owned(), |user| user.name.clone()),
                why: format!(
                    "Its owner is {}, its group {} and its mode {:04o}.",
                    node.owner, node.group, node.mode
                ),
                at_once: user
                    .and_then(|user| remedy::give_node(&reading.path().to_string(), node, user)),
                by_group: user.zip(group).and_then(|(user, group)| remedy::join_group(user, group)),
                group,
            })
        }
        None => {
            let expected = "a mode that tells who may open it";
            answer.gap(reading.unclear("a node with an access control list", expected));
            None
        }
    }
}
