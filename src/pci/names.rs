//! Names of PCI vendors, devices and classes, from a table embedded in the
//! program.
//!
//! The table, `names.bin`, is made from the PCI ID database (`pci.ids`) by
//! `tools/pci-names.rs`; `THIRD-PARTY.md` tells its licence and how to make it
//! anew. Nothing is unpacked at start-up: every look-up is a binary search in
//! the embedded bytes and allocates nothing. A damaged table gives `None`,
//! never a panic.
//!
//! # Layout of `names.bin`
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

/// The name of the vendor `id`.
#[must_use]
pub fn vendor(id: u16) -> Option<&'static str> {
    Table::embedded()?.vendor(id)
}

/// The name of the device `device` of the vendor `vendor`.
#[must_use]
pub fn device(vendor: u16, device: u16) -> Option<&'static str> {
    Table::embedded()?.device(vendor, device)
}

/// The name of the class `class24`, which is `0xBBSSPP`: base class, subclass
/// and programming interface.
///
/// It is the subclass's name, as `lspci` prints it, or the base class's where
/// the subclass is unknown. The programming interface does not matter.
#[must_use]
pub fn class(class24: u32) -> Option<&'static str> {
    Table::embedded()?.class(class24)
}

/// The date and time of the `pci.ids` that the table was made from, as its
/// header gives them, or `"unknown"` if the table is damaged.
#[must_use]
pub fn version() -> &'static str {
    Table::embedded().map_or("unknown", |table| table.version)
}

/// The table, as `tools/pci-names.rs` wrote it.
static EMBEDDED: &[u8] = include_bytes!("names.bin");

/// What the table starts with.
const MAGIC: &[u8; 8] = b"PCINAMES";

/// The only layout known here.
const FORMAT: u16 = 1;

/// The bytes of a name record: id, name.
type NameRecord = [u8; 6];

/// The bytes of a vendor record: id, name, first device, number of devices.
type VendorRecord = [u8; 12];

/// A table's parts, found but not yet checked within.
struct Table<'a> {
    version: &'a str,
    vendors: &'a [VendorRecord],
    devices: &'a [NameRecord],
    bases: &'a [NameRecord],
    subclasses: &'a [NameRecord],
    blob: &'a [u8],
}

impl Table<'static> {
    /// The table embedded in the program.
    fn embedded() -> Option<Self> {
        Self::open(EMBEDDED)
    }
}

impl<'a> Table<'a> {
    /// Finds the parts of a table, in time that does not depend on its size;
    /// `None` if its header is damaged or does not account for every byte.
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        if take::<8>(&mut rest)? != MAGIC || take_u16(&mut rest)? != FORMAT {
            return None;
        }
        let version_size = usize::from(take_u16(&mut rest)?);
        let vendors = take_size(&mut rest)?;
        let devices = take_size(&mut rest)?;
        let bases = take_size(&mut rest)?;
        let subclasses = take_size(&mut rest)?;
        let blob_size = take_size(&mut rest)?;
        let table = Self {
            version: str::from_utf8(take_slice(&mut rest, version_size)?).ok()?,
            vendors: take_records(&mut rest, vendors)?,
            devices: take_records(&mut rest, devices)?,
            bases: take_records(&mut rest, bases)?,
            subclasses: take_records(&mut rest, subclasses)?,
            blob: take_slice(&mut rest, blob_size)?,
        };
        rest.is_empty().then_some(table)
    }

    fn vendor(&self, id: u16) -> Option<&'a str> {
        let [_, _, a, b, c, d, ..] = *self.vendor_record(id)?;
        self.name(u32::from_le_bytes([a, b, c, d]))
    }

    fn device(&self, vendor: u16, device: u16) -> Option<&'a str> {
        let devices = self.devices_of(self.vendor_record(vendor)?)?;
        self.find(devices, device)
    }

    fn class(&self, class24: u32) -> Option<&'a str> {
        let subclass = u16::try_from(class24 >> 8).ok()?;
        self.find(self.subclasses, subclass).or_else(|| self.find(self.bases, subclass >> 8))
    }

    fn vendor_record(&self, id: u16) -> Option<&'a VendorRecord> {
        let at = self
            .vendors
            .binary_search_by_key(&id, |&[a, b, ..]| u16::from_le_bytes([a, b]))
            .ok()?;
        self.vendors.get(at)
    }

    /// The device records of the vendor that `record` tells of.
    fn devices_of(&self, record: &VendorRecord) -> Option<&'a [NameRecord]> {
        let [_, _, _, _, _, _, first @ .., low, high] = *record;
        let first = usize::try_from(u32::from_le_bytes(first)).ok()?;
        let count = usize::from(u16::from_le_bytes([low, high]));
        self.devices.get(first..first.checked_add(count)?)
    }

    /// The name that the record of `id` gives.
    fn find(&self, records: &[NameRecord], id: u16) -> Option<&'a str> {
        let at =
            records.binary_search_by_key(&id, |&[a, b, ..]| u16::from_le_bytes([a, b])).ok()?;
        let [_, _, place @ ..] = *records.get(at)?;
        self.name(u32::from_le_bytes(place))
    }

    /// The name at the place in the blob that a record gives.
    fn name(&self, place: u32) -> Option<&'a str> {
        let start = usize::try_from(place >> 8).ok()?;
        let size = usize::try_from(place & 0xff).ok()?;
        let bytes = self.blob.get(start..start.checked_add(size)?)?;
        str::from_utf8(bytes).ok()
    }
}

/// Takes `N` bytes off the front of `rest`.
fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(taken)
}

/// Takes a number of two bytes off the front of `rest`.
fn take_u16(rest: &mut &[u8]) -> Option<u16> {
    take(rest).map(|bytes| u16::from_le_bytes(*bytes))
}

/// Takes a number of four bytes that counts something off the front of `rest`.
fn take_size(rest: &mut &[u8]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(*take(rest)?)).ok()
}

/// Takes `size` bytes off the front of `rest`.
fn take_slice<'a>(rest: &mut &'a [u8], size: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(size)?;
    *rest = left;
    Some(taken)
}

/// Takes `count` records of `N` bytes off the front of `rest`.
fn take_records<'a, const N: usize>(rest: &mut &'a [u8], count: usize) -> Option<&'a [[u8; N]]> {
    let (records, _) = take_slice(rest, count.checked_mul(N)?)?.as_chunks();
    Some(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes before the version.
    const HEADER: usize = 32;

    fn table() -> Table<'static> {
        Table::embedded().expect("the embedded table has a valid header")
    }

    fn id(record: &[u8]) -> u16 {
        u16::from_le_bytes([record[0], record[1]])
    }

    fn place(record: &[u8]) -> u32 {
        u32::from_le_bytes([record[2], record[3], record[4], record[5]])
    }

    /// Looks up a little of everything; what is found does not matter.
    fn look_up(table: &Table<'_>) {
        for vendor in [0x0000, 0x0001, 0x1002, 0x10de, 0x8086, 0xffff] {
            let _ = table.vendor(vendor);
            for device in [0x0000, 0x1237, 0x2684, 0xffff] {
                let _ = table.device(vendor, device);
            }
        }
        for class in [0x00_0000, 0x03_0000, 0x01_0802, 0xff_ffff, u32::MAX] {
            let _ = table.class(class);
        }
    }

    #[test]
    fn names_vendors() {
        assert_eq!(vendor(0x10de), Some("NVIDIA Corporation"));
        assert_eq!(vendor(0x8086), Some("Intel Corporation"));
        assert_eq!(vendor(0x1002), Some("Advanced Micro Devices, Inc. [AMD/ATI]"));
        assert_eq!(vendor(0x1af4), Some("Red Hat, Inc."));
    }

    #[test]
    fn names_devices() {
        assert_eq!(device(0x8086, 0x1237), Some("440FX - 82441FX PMC [Natoma]"));
        assert_eq!(device(0x10de, 0x2684), Some("AD102 [GeForce RTX 4090]"));
        assert_eq!(device(0x1af4, 0x1000), Some("Virtio network device"));
    }

    #[test]
    fn names_beyond_ascii() {
        assert_eq!(device(0x1045, 0xc935), Some("82С935 [MachOne] Integrated PCI Audio Processor"));
    }

    #[test]
    fn names_classes() {
        assert_eq!(class(0x03_0000), Some("VGA compatible controller"));
        assert_eq!(class(0x03_0200), Some("3D controller"));
        assert_eq!(class(0x01_0802), Some("Non-Volatile memory controller"));
        assert_eq!(class(0x06_0000), Some("Host bridge"));
        assert_eq!(class(0x06_0400), Some("PCI bridge"));
        assert_eq!(class(0x0c_0330), Some("USB controller"));
        assert_eq!(class(0x12_0000), Some("Processing accelerators"));
    }

    #[test]
    fn an_unknown_subclass_has_its_base_class_name() {
        assert_eq!(class(0x03_7f00), Some("Display controller"));
        assert_eq!(class(0x40_0000), Some("Coprocessor"));
        assert_eq!(class(0xff_0000), Some("Unassigned class"));
    }

    #[test]
    fn unknown_ids_have_no_name() {
        assert_eq!(vendor(0x0000), None);
        assert_eq!(device(0x0000, 0x0000), None);
        assert_eq!(device(0x8086, 0xfffe), None);
        assert_eq!(class(0xfe_0000), None);
        assert_eq!(class(0x0103_0000), None, "more than 24 bits");
        assert_eq!(class(u32::MAX), None);
    }

    #[test]
    fn the_version_is_a_date() {
        let date = version().get(..10).expect("a version starts with a date");
        assert!(
            date.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            }),
            "{date}"
        );
    }

    #[test]
    fn every_part_is_sorted_and_every_name_is_valid() {
        let table = table();
        assert!(table.vendors.len() > 2000 && table.devices.len() > 10_000);
        assert!(table.vendors.is_sorted_by(|a, b| id(a) < id(b)));
        let mut next = 0;
        for record in table.vendors {
            let vendor = id(record);
            assert!(table.name(place(record)).is_some_and(|name| !name.is_empty()), "{vendor:04x}");
            let first = u32::from_le_bytes([record[6], record[7], record[8], record[9]]);
            assert_eq!(usize::try_from(first), Ok(next), "{vendor:04x}");
            let devices = table.devices_of(record).expect("a valid range of devices");
            assert!(devices.is_sorted_by(|a, b| id(a) < id(b)), "{vendor:04x}");
            next += devices.len();
        }
        assert_eq!(next, table.devices.len());
        for records in [table.bases, table.subclasses] {
            assert!(records.is_sorted_by(|a, b| id(a) < id(b)));
        }
        for record in [table.devices, table.bases, table.subclasses].concat() {
            assert!(
                table.name(place(&record)).is_some_and(|name| !name.is_empty()),
                "{:04x}",
                id(&record)
            );
        }
        for record in table.subclasses {
            let base = id(record) >> 8;
            assert!(table.find(table.bases, base).is_some(), "{base:02x}");
        }
    }

    #[test]
    fn a_table_cut_short_is_refused() {
        for size in (0..HEADER + 64).chain([EMBEDDED.len() / 2, EMBEDDED.len() - 1]) {
            assert!(Table::open(&EMBEDDED[..size]).is_none(), "{size}");
        }
        let mut longer = EMBEDDED.to_vec();
        longer.push(0);
        assert!(Table::open(&longer).is_none());
    }

    #[test]
    fn a_damaged_table_never_panics() {
        let mut bytes = EMBEDDED.to_vec();
        // Every byte of the header, then some of every other part.
        for at in (0..HEADER).chain((HEADER..bytes.len()).step_by(4099)) {
            for damage in [0x01, 0x80, 0xff] {
                bytes[at] ^= damage;
                if let Some(table) = Table::open(&bytes) {
                    look_up(&table);
                }
                bytes[at] ^= damage;
            }
        }
        for filler in [0x00, 0x80, 0xff] {
            let mut bytes = EMBEDDED.to_vec();
            bytes[HEADER + table().version.len()..].fill(filler);
            let damaged = Table::open(&bytes).expect("the header is sound");
            look_up(&damaged);
            assert_eq!(damaged.vendor(0x10de), None);
            assert_eq!(damaged.device(0x8086, 0x1237), None);
        }
    }
}
