//! `ai-how inventory pcie`

use super::args::{Extra, Format, Global, InventoryArgs};
use super::exit::{CliError, Exit};
use super::output;
use super::validate::read_host;
use crate::host::{Devices, Need};
use crate::inventory::{Filter, Inventory};
use crate::pci::names;
use crate::report::inventory::{self as report, InventoryView};

pub fn run(args: &InventoryArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format(
        "inventory",
        global,
        &[Format::Text, Format::Json, Format::Ndjson, Format::Csv],
    )?;
    let need = Need {
        devices: Devices::All,
        details: true,
        link: args.with.contains(&Extra::Link),
        driver_override: args.with.contains(&Extra::DriverOverride),
        user: None,
    };
    let host = read_host(global, &need)?;
    let filter = Filter {
        group: args.group,
        device_type: args.device_type.map(Into::into),
        driver: args.driver.clone(),
    };
    host.bus.known().map_err(|gap| CliError::NoBus { gap })?;
    let inventory = Inventory::new(&host, &filter);
    tracing::debug!("names are of the PCI ID database of {}", names::version());
    let result = match global.format {
        Format::Json => output::json(&InventoryView::new(&inventory))?,
        Format::Ndjson => output::json_lines(InventoryView::new(&inventory).devices)?,
        Format::Csv => report::csv(&inventory),
        Format::Text if args.tree => report::tree(&inventory, output::paint(global)),
        Format::Text => report::table(&inventory, output::paint(global)),
    };
    output::write(global, &result)?;
    Ok(Exit::Ready)
}
