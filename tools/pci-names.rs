//! Makes the table of PCI names that the program embeds from a `pci.ids`:
//!
//! ```text
//! cargo run --example pci-names -- pci.ids src/pci/names.bin
//! ```
//!
//! The same input always gives the same output.
//!
//! # Input
//!
//! `pci.ids` is text in lines. Empty lines and those that start with `#` are
//! comments, but for the header's `# Date:`, which becomes the table's version.
//! The others, where ids are hexadecimal and two spaces stand before a name:
//!
//! | line                                    | becomes                    |
//! | --------------------------------------- | -------------------------- |
//! | `vvvv  name`                            | a vendor                   |
//! | tab `dddd  name`                        | a device of that vendor    |
//! | tab tab `vvvv dddd  name`               | nothing: a subsystem       |
//! | `C bb  name`                            | a base class               |
//! | tab `ss  name`                          | a subclass of that class   |
//! | tab tab `pp  name`                      | nothing: a prog. interface |
//!
//! Any other line is an error, told with its number, and nothing is written.
//!
//! # Layout of the table
//!
//! All numbers are little endian. The parts follow one another without gaps,
//! and the file ends where the last one does:
//!
//! | part          | size                | content                           |
//! | ------------- | ------------------- | --------------------------------- |
//! | magic         | 8                   | `PCINAMES`                        |
//! | format        | u16                 | 1                                 |
//! | version size  | u16                 | bytes in the version              |
//! | vendors       | u32                 | number of vendor records          |
//! | devices       | u32                 | number of device records          |
//! | base classes  | u32                 | number of base class records      |
//! | subclasses    | u32                 | number of subclass records        |
//! | blob size     | u32                 | bytes in the blob                 |
//! | version       | version size        | the date of the `pci.ids`, UTF-8  |
//! | vendors       | 12 for each         | vendor records, sorted by id      |
//! | devices       | 6 for each          | the vendors' device records       |
//! | base classes  | 6 for each          | name records, sorted by id        |
//! | subclasses    | 6 for each          | name records, sorted by id        |
//! | blob          | blob size           | the names, UTF-8, each kept once  |
//!
//! A name record is an id (u16) and a name (u32): the name's offset in the
//! blob in the upper 24 bits, its size in bytes in the lower 8. The id of a
//! device record is the device's, that of a base class `0xBB`, that of a
//! subclass `0xBBSS`.
//!
//! A vendor record is a name record followed by the index of the vendor's
//! first device record (u32) and the number of its device records (u16). A
//! vendor's device records are sorted by id, and the vendors' runs of device
//! records follow one another in the order of the vendors.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a tool of its own"
)]

use std::collections::{BTreeMap, HashMap};
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let [input, output] = args.as_slice() else {
        eprintln!("usage: pci-names INPUT_pci.ids OUTPUT_names.bin");
        return ExitCode::from(2);
    };
    let made = fs::read(input)
        .map_err(|error| error.to_string())
        .and_then(|bytes| Database::parse(&bytes))
        .and_then(|database| Ok((database.encode()?, database)));
    let (table, database) = match made {
        Ok(made) => made,
        Err(error) => {
            eprintln!("pci-names: {}: {error}", input.display());
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = fs::write(output, &table) {
        eprintln!("pci-names: {}: {error}", output.display());
        return ExitCode::FAILURE;
    }
    println!(
        "{}: {} bytes, {} vendors, {} devices, {} base classes, {} subclasses, of {}",
        output.display(),
        table.len(),
        database.vendors.len(),
        database.vendors.values().map(|v| v.devices.len()).sum::<usize>(),
        database.bases.len(),
        database.subclasses.len(),
        database.version,
    );
    ExitCode::SUCCESS
}

/// What a `pci.ids` says, as far as the table keeps it.
#[derive(Debug, Default)]
struct Database {
    version: String,
    vendors: BTreeMap<u16, Vendor>,
    bases: BTreeMap<u16, String>,
    subclasses: BTreeMap<u16, String>,
}

/// A vendor and its devices.
#[derive(Debug)]
struct Vendor {
    name: String,
    devices: BTreeMap<u16, String>,
}

/// What the lines read last belong to.
#[derive(Clone, Copy)]
enum Section {
    None,
    Vendor { vendor: u16, in_device: bool },
    Class { base: u16, in_subclass: bool },
}

impl Database {
    /// Reads a `pci.ids`.
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut database = Self::default();
        let mut section = Section::None;
        for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            database
                .parse_line(line, &mut section)
                .map_err(|error| format!("line {}: {error}", at + 1))?;
        }
        if database.version.is_empty() {
            return Err("no line '# Date: ...'".into());
        }
        if database.vendors.is_empty() {
            return Err("no vendor".into());
        }
        if database.bases.is_empty() {
            return Err("no class".into());
        }
        Ok(database)
    }

    fn parse_line(&mut self, line: &[u8], section: &mut Section) -> Result<(), String> {
        let line = str::from_utf8(line).map_err(|error| error.to_string())?;
        let line = line.trim_end();
        if let Some(comment) = line.strip_prefix('#') {
            if let Some(date) = comment.trim_start().strip_prefix("Date:")
                && self.version.is_empty()
            {
                date.trim().clone_into(&mut self.version);
            }
            return Ok(());
        }
        if line.is_empty() {
            return Ok(());
        }
        let text = line.trim_start_matches('\t');
        match (line.len() - text.len(), *section) {
            (0, _) => {
                *section = match text.strip_prefix("C ") {
                    Some(class) => self.add_base(class)?,
                    None => self.add_vendor(text)?,
                };
            }
            (1, Section::Vendor { vendor, .. }) => {
                self.add_device(vendor, text)?;
                *section = Section::Vendor { vendor, in_device: true };
            }
            (1, Section::Class { base, .. }) => {
                self.add_subclass(base, text)?;
                *section = Section::Class { base, in_subclass: true };
            }
            (2, Section::Vendor { in_device: true, .. }) => {
                let (_, rest) = split_id(text, 4)?;
                let rest = rest
                    .strip_prefix(' ')
                    .ok_or("a subsystem needs two ids with one space between")?;
                let (_, rest) = split_id(rest, 4)?;
                name(rest)?;
            }
            (2, Section::Class { in_subclass: true, .. }) => {
                let (_, rest) = split_id(text, 2)?;
                name(rest)?;
            }
            (tabs, _) => {
                return Err(format!("indented by {tabs} tabs, but under no entry for it"));
            }
        }
        Ok(())
    }

    fn add_vendor(&mut self, text: &str) -> Result<Section, String> {
        let (id, name) = entry(text, 4)?;
        let vendor = Vendor { name, devices: BTreeMap::new() };
        if self.vendors.insert(id, vendor).is_some() {
            return Err(format!("the vendor {id:04x} is there twice"));
        }
        Ok(Section::Vendor { vendor: id, in_device: false })
    }

    fn add_device(&mut self, vendor: u16, text: &str) -> Result<(), String> {
        let (id, name) = entry(text, 4)?;
        let devices = &mut self.vendors.get_mut(&vendor).ok_or("a device of no vendor")?.devices;
        if devices.insert(id, name).is_some() {
            return Err(format!("the device {vendor:04x}:{id:04x} is there twice"));
        }
        Ok(())
    }

    fn add_base(&mut self, text: &str) -> Result<Section, String> {
        let (id, name) = entry(text, 2)?;
        if self.bases.insert(id, name).is_some() {
            return Err(format!("the class {id:02x} is there twice"));
        }
        Ok(Section::Class { base: id, in_subclass: false })
    }

    fn add_subclass(&mut self, base: u16, text: &str) -> Result<(), String> {
        let (id, name) = entry(text, 2)?;
        let id = base << 8 | id;
        if self.subclasses.insert(id, name).is_some() {
            return Err(format!("the subclass {id:04x} is there twice"));
        }
        Ok(())
    }

    /// Lays the table out.
    fn encode(&self) -> Result<Vec<u8>, String> {
        let mut blob = Blob::default();
        let mut vendors = Vec::new();
        let mut devices = Vec::new();
        let mut device_count = 0;
        for (&id, vendor) in &self.vendors {
            put_name(&mut vendors, id, blob.place(&vendor.name)?);
            vendors.extend(number32(device_count, "device records")?);
            vendors.extend(number16(vendor.devices.len(), "devices of one vendor")?);
            device_count += vendor.devices.len();
            for (&id, name) in &vendor.devices {
                put_name(&mut devices, id, blob.place(name)?);
            }
        }
        let mut classes = Vec::new();
        for (&id, name) in self.bases.iter().chain(&self.subclasses) {
            put_name(&mut classes, id, blob.place(name)?);
        }

        let mut table = b"PCINAMES".to_vec();
        table.extend(1_u16.to_le_bytes());
        table.extend(number16(self.version.len(), "bytes in the version")?);
        table.extend(number32(self.vendors.len(), "vendor records")?);
        table.extend(number32(device_count, "device records")?);
        table.extend(number32(self.bases.len(), "base class records")?);
        table.extend(number32(self.subclasses.len(), "subclass records")?);
        table.extend(number32(blob.bytes.len(), "bytes in the blob")?);
        table.extend(self.version.as_bytes());
        table.extend(vendors);
        table.extend(devices);
        table.extend(classes);
        table.extend(blob.bytes);
        Ok(table)
    }
}

/// The names, each once, in the order of their first use.
#[derive(Default)]
struct Blob {
    bytes: Vec<u8>,
    places: HashMap<String, u32>,
}

impl Blob {
    /// Where `name` is, as a record tells it; adds it if it is new.
    fn place(&mut self, name: &str) -> Result<u32, String> {
        if let Some(&place) = self.places.get(name) {
            return Ok(place);
        }
        let size =
            u8::try_from(name.len()).map_err(|_| format!("over 255 bytes in the name '{name}'"))?;
        let start = u32::try_from(self.bytes.len())
            .ok()
            .filter(|&start| start < 1 << 24)
            .ok_or("too many bytes of names for an offset of 24 bits")?;
        let place = start << 8 | u32::from(size);
        self.bytes.extend(name.as_bytes());
        self.places.insert(name.to_owned(), place);
        Ok(place)
    }
}

/// Appends a name record.
fn put_name(records: &mut Vec<u8>, id: u16, place: u32) {
    records.extend(id.to_le_bytes());
    records.extend(place.to_le_bytes());
}

fn number16(count: usize, what: &str) -> Result<[u8; 2], String> {
    u16::try_from(count).map(u16::to_le_bytes).map_err(|_| format!("too many {what}: {count}"))
}

fn number32(count: usize, what: &str) -> Result<[u8; 4], String> {
    u32::try_from(count).map(u32::to_le_bytes).map_err(|_| format!("too many {what}: {count}"))
}

/// Splits a line, less its tabs, into an id of `digits` digits and a name.
fn entry(text: &str, digits: usize) -> Result<(u16, String), String> {
    let (id, rest) = split_id(text, digits)?;
    Ok((id, name(rest)?.to_owned()))
}

/// Splits an id of `digits` hexadecimal digits off the front of `text`.
fn split_id(text: &str, digits: usize) -> Result<(u16, &str), String> {
    text.split_at_checked(digits)
        .filter(|(id, rest)| {
            id.bytes().all(|byte| byte.is_ascii_hexdigit()) && rest.starts_with(' ')
        })
        .and_then(|(id, rest)| Some((u16::from_str_radix(id, 16).ok()?, rest)))
        .ok_or_else(|| format!("expected {digits} hexadecimal digits and a space at '{text}'"))
}

/// The name after the two spaces that `rest` starts with.
fn name(rest: &str) -> Result<&str, String> {
    let name = rest
        .strip_prefix("  ")
        .ok_or_else(|| format!("expected two spaces and a name at '{rest}'"))?
        .trim();
    if name.is_empty() {
        return Err("the name is empty".into());
    }
    if let Some(odd) = name.chars().find(|c| c.is_control()) {
        return Err(format!("the control character {odd:?} in the name"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "#\tDate:    2026-01-02 03:04:05\n\
        # a comment\n\
        \n\
        0002  Second\n\
        \t00ff  Twin\n\
        \t\t1234 5678  A subsystem\n\
        \t000a  Other\r\n\
        0001  First\n\
        \t00ff  Twin\n\
        C 03  Display controller\n\
        \t00  VGA compatible controller\n\
        \t\t00  VGA controller\n";

    #[test]
    fn reads_and_lays_out_a_sample() {
        let database = Database::parse(SAMPLE.as_bytes()).expect("the sample is sound");
        assert_eq!(database.version, "2026-01-02 03:04:05");
        assert_eq!(database.vendors.keys().copied().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(database.vendors[&2].devices[&10], "Other");
        assert_eq!(database.subclasses[&0x0300], "VGA compatible controller");
        let table = database.encode().expect("the sample is small");
        let blob = "FirstTwinSecondOtherDisplay controllerVGA compatible controller";
        assert!(table.ends_with(blob.as_bytes()), "Twin is kept once");
        assert_eq!(table.len(), 32 + 19 + 2 * 12 + 3 * 6 + 6 + 6 + blob.len());
    }

    #[test]
    fn errors_tell_the_line() {
        for (bad, line, what) in [
            ("\t0001  Device\n", 1, "under no entry"),
            ("0001  V\n\t\t0001 0002  S\n", 2, "under no entry"),
            ("0001  V\n\t0001  D\n\t\t0001  S\n", 3, "hexadecimal"),
            ("0001  V\n\t\t\t0001  S\n", 2, "under no entry"),
            ("0001 V\n", 1, "two spaces"),
            ("001  V\n", 1, "hexadecimal"),
            ("00g1  V\n", 1, "hexadecimal"),
            ("+001  V\n", 1, "hexadecimal"),
            ("éé1  V\n", 1, "hexadecimal"),
            ("0001  \n", 1, "hexadecimal"),
            ("0001  V\n\n0001  V\n", 3, "twice"),
            ("0001  V\n\t0002  D\n\t0002  D\n", 3, "0001:0002 is there twice"),
            ("C 03  A\nC 03  A\n", 2, "twice"),
            ("C 03  A\n\t00  B\n\t00  B\n", 3, "0300 is there twice"),
            ("C 03  A\n\t0000  B\n", 2, "hexadecimal"),
        ] {
            let error = Database::parse(bad.as_bytes()).expect_err(bad);
            assert!(error.starts_with(&format!("line {line}: ")), "{error}");
            assert!(error.contains(what), "{error}");
        }
        let error = Database::parse(b"# fine\n0001  \xff\n").expect_err("not UTF-8");
        assert!(error.starts_with("line 2: "), "{error}");
    }

    #[test]
    fn an_incomplete_file_is_refused() {
        for cut in ["", "# Date: 2026\n", "# Date: 2026\n0001  V\n", "0001  V\nC 03  A\n"] {
            assert!(Database::parse(cut.as_bytes()).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_name_too_long_is_refused() {
        let long = SAMPLE.replace("Other", &"x".repeat(256));
        let database = Database::parse(long.as_bytes()).expect("only its layout fails");
        assert!(database.encode().is_err());
    }
}
