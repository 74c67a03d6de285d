//! What a bound driver means for VFIO.

use crate::host::{Device, Gap, Reading, Release};

/// What a member of a group does to the group's viability.
#[derive(Debug, PartialEq, Eq)]
pub enum Hold {
    /// It lets the group be used by a VM.
    Lets,
    /// Its driver, by this name, blocks the group.
    Blocks(String),
}

/// Drivers that hand a function to a VM. Newer ones are known by `vfio-dev`.
const VFIO_DRIVERS: &[&str] = &[
    "vfio-pci",
    "mlx5_vfio_pci",
    "hisi_acc_vfio_pci",
    "pds_vfio_pci",
    "virtio_vfio_pci",
    "nvgrace_gpu_vfio_pci",
    "qat_vfio_pci",
    "xe-vfio-pci",
];

/// Drivers that keep a function from others and do nothing with it.
const STUBS: &[&str] = &["pci-stub", "xen-pciback"];

/// Drivers that set `driver_managed_dma`, besides VFIO's.
const MANAGE_DMA_THEMSELVES: &[&str] = &["pci-stub", "pcieport"];

/// Whether the function waits on a driver of VFIO.
pub fn is_vfio(device: &Device) -> Result<bool, Gap> {
    match device.driver.known()? {
        None => Ok(false),
        Some(driver) if VFIO_DRIVERS.contains(&driver.as_str()) => Ok(true),
        Some(_) => Ok(device.vfio_dev.known()?.is_some()),
    }
}

/// Whether a driver only keeps others away.
pub fn is_stub(driver: &str) -> bool {
    STUBS.contains(&driver)
}

/// Since 5.19 a group is viable when every member is driverless or on a driver that sets
/// `driver_managed_dma` (`drivers/iommu/iommu.c`, `iommu_group_claim_dma_owner`); before, when
/// every member is driverless, no endpoint (`header type ≠ 0`), on pci-stub or on VFIO
/// (`drivers/vfio/vfio.c`, `vfio_dev_viable`).
pub fn hold(device: &Device, release: &Reading<Release>) -> Result<Hold, Gap> {
    let Some(driver) = device.driver.known()? else {
        return Ok(Hold::Lets);
    };
    if VFIO_DRIVERS.contains(&driver.as_str()) {
        return Ok(Hold::Lets);
    }
    if device.vfio_dev.known()?.is_some() {
        return unlisted_vfio_driver(device, driver);
    }
    let hold = |lets: bool| if lets { Hold::Lets } else { Hold::Blocks(driver.clone()) };
    let since_5_19 = hold(MANAGE_DMA_THEMSELVES.contains(&driver.as_str()));
    if judges_by_dma_owner(release) == Some(true) {
        return Ok(since_5_19);
    }
    let before = hold(driver == "pci-stub" || device.is_bus_bridge()?);
    if judges_by_dma_owner(release) == Some(false) || before == since_5_19 {
        return Ok(before);
    }
    release.required()?;
    Err(release.unclear(
        "a kernel that carries backports",
        "one of which it is known whether this driver blocks the group (take the driver off to settle it)",
    ))
}

/// A driver that registers with VFIO and is not among those whose source was read: one made for
/// VFIO sets `driver_managed_dma`; one that also drives the function itself may not.
fn unlisted_vfio_driver(device: &Device, driver: &str) -> Result<Hold, Gap> {
    if driver.contains("vfio") {
        return Ok(Hold::Lets);
    }
    Err(device.driver.unclear(
        format!("the driver {driver}, which serves VFIO in a way not known here"),
        "a driver of which it is known whether it lets the group be used",
    ))
}

/// Whether the kernel judges by `driver_managed_dma` (since 5.19); none where its release does not
/// tell.
pub fn judges_by_dma_owner(release: &Reading<Release>) -> Option<bool> {
    match release.required() {
        Ok(release) if release.at_least(5, 19) => Some(true),
        Ok(release) if release.keeps_its_number() => None,
        Ok(_) => Some(false),
        Err(_) => None,
    }
}
