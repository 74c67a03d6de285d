//! `ai-how inventory`

use super::args::{Extra, Format, Global, GpuArgs, PcieArgs};
use super::exit::{CliError, Exit};
use super::output;
use super::sandbox::Reach;
use super::validate::read_host;
use crate::host::{Devices, Host, Need};
use crate::inventory::{Filter, Inventory};
use crate::pci::names;
use crate::report::html::Report;
use crate::report::inventory::{self as report, InventoryView};
use crate::report::picture::{self, Marks, Scene};
use crate::report::{cards, html, nfd, prometheus};

const GPU_FORMATS: &[Format] = &[
    Format::Text,
    Format::Json,
    Format::Ndjson,
    Format::Csv,
    Format::Nfd,
    Format::Prometheus,
    Format::Html,
];
const PCIE_FORMATS: &[Format] = &[
    Format::Text,
    Format::Json,
    Format::Ndjson,
    Format::Csv,
    Format::Nfd,
    Format::Prometheus,
    Format::Svg,
    Format::Html,
];

/// Every function.
pub fn pcie(args: &PcieArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("inventory pcie", global, PCIE_FORMATS)?;
    let host = read(global, &args.with, false)?;
    let filter = Filter {
        addresses: args.addresses.iter().copied().collect(),
        group: args.group,
        device_type: args.device_type.map(Into::into),
        driver: args.driver.clone(),
    };
    let inventory = Inventory::new(&host, &filter);
    let result = match global.format {
        Format::Json => output::json(&InventoryView::new(&inventory))?,
        Format::Ndjson => output::json_lines(InventoryView::new(&inventory).devices)?,
        Format::Csv => report::csv(&inventory),
        Format::Nfd => nfd::inventory(&inventory),
        Format::Prometheus => prometheus::inventory(&inventory),
        Format::Svg => picture::alone(Scene {
            inventory: Some(&inventory),
            marks: &Marks::default(),
            plan: None,
        }),
        Format::Html => page("inventory pcie", &host, &inventory),
        _ if args.tree => report::tree(&inventory, output::paint(global)),
        _ => report::table(&inventory, output::paint(global)),
    };
    output::write(global, &result)?;
    Ok(Exit::Ready)
}

/// Display controllers and accelerators, with what belongs to each card.
pub fn gpu(args: &GpuArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("inventory gpu", global, GPU_FORMATS)?;
    let host = read(global, &args.with, true)?;
    let inventory = Inventory::new(&host, &Filter::default()).of_cards(&host);
    let result = match global.format {
        Format::Json => output::json(&InventoryView::with_cards(&host, &inventory))?,
        Format::Ndjson => output::json_lines(InventoryView::new(&inventory).devices)?,
        Format::Csv => report::csv(&inventory),
        Format::Nfd => nfd::inventory(&inventory),
        Format::Prometheus => prometheus::inventory(&inventory),
        Format::Html => page("inventory gpu", &host, &inventory),
        _ => cards::blocks(&host, &inventory, output::paint(global)),
    };
    output::write(global, &result)?;
    Ok(Exit::Ready)
}

fn page(command: &'static str, host: &Host, inventory: &Inventory) -> String {
    let cards = crate::inventory::cards(host, inventory);
    let (host, inventory, cards) = (Some(host), Some(inventory), cards.as_slice());
    html::page(&Report { command, host, inventory, cards, ..Report::default() })
}

fn read(global: &Global, with: &[Extra], link: bool) -> Result<Host, CliError> {
    let need = Need {
        devices: Devices::All,
        // The text shows none of them.
        details: global.format != Format::Text,
        link: link || with.contains(&Extra::Link),
        driver_override: with.contains(&Extra::DriverOverride),
        ..Need::default()
    };
    let later = Reach::output(global).confine_or_wait(global);
    let host = read_host(global, &need)?;
    later.confine();
    host.bus.known().map_err(|gap| CliError::NoBus { gap })?;
    tracing::debug!("names are of the PCI ID database of {}", names::version());
    Ok(host)
}
