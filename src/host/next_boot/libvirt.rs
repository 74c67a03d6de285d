//! Functions that libvirt gives to a VM by itself: `<hostdev … managed='yes'>` in the files of its
//! domains (<https://libvirt.org/formatdomain.html#pci-devices>). It binds them when the VM starts
//! and gives them back when it ends.

use super::super::root::Root;
use super::Told;
use super::folders::{Files, ends_in};
use crate::pci::Address;

pub(super) fn read(root: &Root) -> Told<Address> {
    Files::read(root, &["/etc/libvirt/qemu"], ends_in(&[".xml"]))
        .told(|_, text| managed(text).into_iter().map(|address| (address, line(address))).collect())
}

/// The functions that a domain has managed.
pub fn managed(text: &str) -> Vec<Address> {
    let mut found = Vec::new();
    let mut inside = false;
    let mut in_source = false;
    for tag in tags(text) {
        let name = tag.split([' ', '\t', '\n', '\r']).next().unwrap_or_default();
        match name.trim_end_matches('/') {
            "hostdev" => {
                inside = attribute(tag, "type") == Some("pci")
                    && attribute(tag, "managed") == Some("yes");
            }
            "/hostdev" => inside = false,
            "source" => in_source = !name.ends_with('/'),
            "/source" => in_source = false,
            "address" if inside && in_source => found.extend(address(tag)),
            _ => {}
        }
    }
    found
}

/// How it stands there, without what else is said of the VM.
pub fn line(address: Address) -> String {
    let Address { domain, bus, device, function } = address;
    format!(
        "<hostdev type='pci' managed='yes'><source><address domain='0x{domain:04x}' bus='0x{bus:02x}' slot='0x{device:02x}' function='0x{function:x}'/></source></hostdev>"
    )
}

/// What stands between `<` and `>`; nothing of comments.
fn tags(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find('<')?;
            rest = &rest[start + 1..];
            let comment = rest.strip_prefix("!--");
            let end = if comment.is_some() { "-->" } else { ">" };
            let at = rest.find(end)?;
            let tag = &rest[..at];
            rest = &rest[at + end.len()..];
            if comment.is_none() {
                return Some(tag);
            }
        }
    })
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    while let Some(at) = rest.find(name) {
        let before = rest[..at].chars().next_back();
        rest = &rest[at + name.len()..];
        let Some(value) = rest.trim_start().strip_prefix('=').map(str::trim_start) else {
            continue;
        };
        let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        if before.is_some_and(char::is_whitespace) {
            return value[1..].split(quote).next();
        }
    }
    None
}

fn address(tag: &str) -> Option<Address> {
    let number = |name| {
        let text = attribute(tag, name)?;
        match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    };
    let small = |name| u8::try_from(number(name)?).ok();
    let (device, function) = (small("slot")?, small("function")?);
    let domain = number("domain").unwrap_or(0);
    (device < 32 && function < 8).then_some(Address {
        domain,
        bus: small("bus")?,
        device,
        function,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_functions_are_found() {
        let gpu = Address::new(0, 1, 0, 0);
        let text = "<domain type='kvm'>\n <name>a</name>\n <!-- <hostdev type='pci' managed='yes'><source><address bus='0x09' slot='0x00' function='0x0'/></source></hostdev> -->\n <devices>\n <hostdev mode='subsystem' type='pci' managed=\"yes\">\n  <driver name='vfio'/>\n  <source>\n   <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n  </source>\n  <address type='pci' domain='0x0000' bus='0x07' slot='0x00' function='0x0'/>\n </hostdev>\n <hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0' bus='2' slot='0' function='0'/></source></hostdev>\n <hostdev mode='subsystem' type='usb' managed='yes'><source><address bus='3' device='4'/></source></hostdev>";
        assert_eq!(managed(text), [gpu]);
        assert_eq!(managed(&line(gpu)), [gpu], "what was cut is read as the same");
        for rubbish in ["<", "<!--", "<hostdev type='pci' managed='yes", "<hostdev type=", "<>< >"]
        {
            assert!(managed(rubbish).is_empty(), "{rubbish}");
        }
    }
}
