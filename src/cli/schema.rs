//! `ai-how schema`

use schemars::schema_for;

use super::args::{Document, Format, Global, SchemaArgs};
use super::exit::{CliError, Exit};
use super::output;
use crate::config;
use crate::host::snapshot::Manifest;
use crate::report::doctor::DoctorView;
use crate::report::inventory::{DeviceView, InventoryView};
use crate::report::view::{Line, Rules, Validate};

pub fn run(args: &SchemaArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("schema", global, &[Format::Text, Format::Json])?;
    let text = match args.document {
        Document::Config => output::json(&config::schema()),
        Document::Doctor => output::json(&schema_for!(DoctorView)),
        Document::Validate => output::json(&schema_for!(Validate)),
        Document::ValidateNdjson => output::json(&schema_for!(Line)),
        Document::Inventory => output::json(&schema_for!(InventoryView)),
        Document::InventoryNdjson => output::json(&schema_for!(DeviceView)),
        Document::Snapshot => output::json(&schema_for!(Manifest)),
        Document::Rules => output::json(&schema_for!(Rules)),
    }?;
    output::write(global, &text)?;
    Ok(Exit::Ready)
}
