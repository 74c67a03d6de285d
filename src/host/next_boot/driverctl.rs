//! Overrides that driverctl keeps over a boot (`driverctl(8)`): `pci-ADDRESS` holds the driver's name.

use super::super::reading::Why;
use super::super::root::Root;
use super::Told;
use super::folders::Files;
use crate::host::reading::{Gap, excerpt};
use crate::pci::Address;

pub(super) fn read(root: &Root) -> Told<(Address, String)> {
    let files = Files::read(root, &["/etc/driverctl.d"], |name| function(name).is_some());
    let mut malformed = Vec::new();
    let mut told = files.told(|path, text| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let driver = driver(text);
        if driver.is_none() {
            let found = excerpt(text);
            let why = Why::Malformed { found, expected: "the name of a driver" };
            malformed.push(Gap { path: path.to_owned(), why });
        }
        let found = function(name).zip(driver);
        found.map(|found| (found.clone(), found.1)).into_iter().collect()
    });
    told.gaps.extend(malformed);
    told
}

fn function(name: &str) -> Option<Address> {
    Address::from_sysfs(name.strip_prefix("pci-")?)
}

fn driver(text: &str) -> Option<String> {
    let name = text.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then(|| name.to_owned())
}
