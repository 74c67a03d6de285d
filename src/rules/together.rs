//! What all VMs of a plan take at once.

use std::collections::BTreeSet;

use super::driver::is_vfio;
use super::driver_conflict::must_stay;
use super::taken::Takes;
use crate::config::Config;
use crate::host::Host;
use crate::pci::Address;

/// Numbers of the VMs that do not start by themselves, and of which the host can spare what each
/// takes, but not what all of the plan take at once, such as its last two displays. A script would
/// bind for all.
pub fn too_much_together(config: &Config, host: &Host) -> BTreeSet<usize> {
    let by_itself = Takes::of_plan(host, config);
    let at_once = Takes::of_whole_plan(host, config);
    let harms = |(alone, all): (&Takes, &Takes)| {
        !alone.vm.auto_start
            && all.cases().any(|case| must_stay(all, case.device) && !must_stay(alone, case.device))
    };
    let pairs = by_itself.iter().zip(&at_once).enumerate();
    pairs.filter(|(_, (alone, all))| harms((alone, all))).map(|(index, _)| index).collect()
}

/// What the plan wants, with the rest of its IOMMU groups, and is on VFIO already.
pub fn on_vfio(config: &Config, host: &Host) -> BTreeSet<Address> {
    let wanted = || super::run::wanted(config).map(|(_, _, wanted)| wanted.address.value);
    let found = wanted().filter_map(|address| host.devices.get(&address));
    let groups: BTreeSet<u32> =
        found.filter_map(|it| it.iommu_group.known().ok().flatten().copied()).collect();
    let members = groups.iter().filter_map(|group| host.members.get(group));
    let members = members.flat_map(|members| members.known.iter().copied());
    let is_there =
        |address: &Address| host.devices.get(address).map(|it| is_vfio(it)) == Some(Ok(true));
    members.chain(wanted()).filter(is_there).collect()
}
