//! What can be reset of a function by itself.

use crate::host::{Gap, State};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnReset {
    /// The function alone.
    Function,
    /// Only its bus, which the kernel does for a function that is alone there.
    Bus,
    Nothing,
    /// It can be reset, and before 5.15 the kernel does not say how.
    Untold,
}

/// Methods that reset nothing but the function (`drivers/pci/pci.c`, `pci_reset_fn_methods`).
const FUNCTION: &[&str] = &["device_specific", "acpi", "flr", "af_flr", "pm"];
const BUS: &[&str] = &["bus", "cxl_bus"];

pub fn own_reset(state: &State) -> Result<OwnReset, Gap> {
    let methods = match (state.reset_methods.known(), state.reset.known()) {
        (Ok(Some(methods)), _) => methods,
        (Ok(None), Ok(Some(()))) => return Ok(OwnReset::Untold),
        (Ok(None), Ok(None)) => return Ok(OwnReset::Nothing),
        (Ok(None), Err(gap)) | (Err(gap), _) => return Err(gap),
    };
    if methods.is_empty() {
        return Ok(OwnReset::Nothing);
    }
    let all_in = |names: &[&str]| methods.iter().all(|method| names.contains(&method.as_str()));
    if methods.iter().any(|method| FUNCTION.contains(&method.as_str())) {
        Ok(OwnReset::Function)
    } else if all_in(BUS) {
        Ok(OwnReset::Bus)
    } else {
        let found = format!("{:?}", methods.join(" "));
        Err(state.reset_methods.unclear(found, "methods of which it is known what they reset"))
    }
}
