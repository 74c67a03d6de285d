//! `ai-how schema`

use schemars::schema_for;
use serde_json::Value;

use super::args::{Document, Format, Global, SchemaArgs};
use super::exit::{CliError, Exit};
use super::output;
use super::sandbox::Reach;
use crate::config;
use crate::host::snapshot::Manifest;
use crate::report::diff::DiffView;
use crate::report::doctor::DoctorView;
use crate::report::fleet::{FleetView, HostLine};
use crate::report::inventory::{DeviceView, InventoryView};
use crate::report::view::{Line, Rules, Validate};

pub fn run(args: &SchemaArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("schema", global, &[Format::Text, Format::Json])?;
    Reach::output(global).confine();
    output::write(global, &output::json(&of(args.document))?)?;
    Ok(Exit::Ready)
}

pub fn of(document: Document) -> Value {
    let schema = match document {
        Document::Config => return config::schema(),
        Document::Diff => schema_for!(DiffView),
        Document::Doctor => schema_for!(DoctorView),
        Document::Fleet => schema_for!(FleetView),
        Document::FleetNdjson => schema_for!(HostLine),
        Document::Validate => schema_for!(Validate),
        Document::ValidateNdjson => schema_for!(Line),
        Document::Inventory => schema_for!(InventoryView),
        Document::InventoryNdjson => schema_for!(DeviceView),
        Document::Policy => return config::policy_schema(),
        Document::Snapshot => schema_for!(Manifest),
        Document::Rules => schema_for!(Rules),
    };
    schema.to_value()
}
