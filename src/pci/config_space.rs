//! A function's configuration space, as far as its way to keep traffic apart goes: Access Control
//! Services (PCI Express Base Specification, 6.12; `include/uapi/linux/pci_regs.h`).

/// Whether a bridge keeps apart what is below it, by its own registers and without the kernel's
/// list of exceptions (`drivers/pci/pci.c`, `pci_acs_enabled`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    Full,
    /// Conventional PCI, or a bridge to or from it: all on the bus hear each other.
    Conventional,
    /// No ACS capability.
    Missing,
    /// What it could do, and does not: the bits of the control register.
    Off(u16),
}

/// Configuration space that ends before what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// Bytes that are there.
    After(usize),
    /// All ones: the function does not answer.
    Vanished,
}

const HEADER: usize = 64;
const EXTENDED: usize = 0x100;
/// As many as fit (`drivers/pci/pci.c`, `PCI_FIND_CAP_TTL`, `pci_find_next_ext_capability`).
const MOST: usize = 48;
const MOST_EXTENDED: usize = (4096 - EXTENDED) / 8;
const PCI_EXPRESS: u8 = 0x10;
const ACS: u32 = 0x000d;

/// What each bit of the control register keeps a function from (`PCI_ACS_SV`, `RR`, `CR`, `UF`):
/// those that the kernel asks for (`drivers/iommu/iommu.c`, `REQ_ACS_FLAGS`).
const FLAGS: [(u16, &str); 4] = [
    (0x01, "source validation"),
    (0x04, "request redirect"),
    (0x08, "completion redirect"),
    (0x10, "upstream forwarding"),
];

/// Reads what [`isolation`] asks, and nothing else: the header, the heads of capabilities, and
/// ACS. `read_at` gives as many of the bytes as there are. What lies between is filled with zeros.
pub fn needed<E>(
    mut read_at: impl FnMut(usize, usize) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, E> {
    let mut copy = Vec::new();
    let mut failed = None;
    walk(&mut |at, length| match read_at(at, length) {
        Ok(bytes) => {
            if copy.len() < at + bytes.len() {
                copy.resize(at + bytes.len(), 0);
            }
            copy[at..at + bytes.len()].copy_from_slice(&bytes);
            (bytes.len() == length).then_some(bytes).ok_or(at)
        }
        Err(error) => {
            failed = Some(error);
            Err(at)
        }
    })
    .ok();
    failed.map_or(Ok(copy), Err)
}

/// What the registers say of ACS.
pub fn isolation(bytes: &[u8]) -> Result<Isolation, Unread> {
    if bytes.get(..2) == Some(&[0xff, 0xff]) {
        return Err(Unread::Vanished);
    }
    let get = &mut |at: usize, length: usize| {
        bytes.get(at..at + length).map(<[u8]>::to_vec).ok_or(bytes.len())
    };
    walk(get).map_err(Unread::After)
}

type Get<'a> = &'a mut dyn FnMut(usize, usize) -> Result<Vec<u8>, usize>;

fn walk(get: Get) -> Result<Isolation, usize> {
    const UPSTREAM: u16 = 5;
    const ROOT: u16 = 4;
    const DOWNSTREAM: u16 = 6;
    const TO_CONVENTIONAL: [u16; 2] = [7, 8];
    let header = get(0, HEADER)?;
    let Some(port) = port_type(&header, get)? else { return Ok(Isolation::Conventional) };
    let many_functions = header[0x0e] & 0x80 != 0;
    match port {
        port if TO_CONVENTIONAL.contains(&port) => Ok(Isolation::Conventional),
        ROOT | DOWNSTREAM => access_control(get),
        UPSTREAM if many_functions => access_control(get),
        // There is nobody beside it to send anything to.
        _ => Ok(Isolation::Full),
    }
}

/// Bits 7 to 4 of the PCI Express capabilities register; none where it is conventional PCI.
fn port_type(header: &[u8], get: Get) -> Result<Option<u16>, usize> {
    const HAS_CAPABILITIES: u8 = 0x10;
    const CARDBUS: u8 = 2;
    if header[6] & HAS_CAPABILITIES == 0 {
        return Ok(None);
    }
    let first = if header[0x0e] & 0x7f == CARDBUS { 0x14 } else { 0x34 };
    let mut at = usize::from(header[first] & !3);
    for _ in 0..MOST {
        if at < HEADER {
            break;
        }
        let head = get(at, 4)?;
        if head[0] == PCI_EXPRESS {
            return Ok(Some(u16::from(head[2]) >> 4));
        }
        at = usize::from(head[1] & !3);
    }
    Ok(None)
}

fn access_control(get: Get) -> Result<Isolation, usize> {
    let mut at = EXTENDED;
    for _ in 0..MOST_EXTENDED {
        let head = get(at, 4)?;
        let head = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        if matches!(head, 0 | u32::MAX) {
            break;
        }
        if head & 0xffff == ACS {
            let registers = get(at + 4, 4)?;
            let word = |at| u16::from_le_bytes([registers[at], registers[at + 1]]);
            return Ok(judged(word(0), word(2)));
        }
        at = (head >> 20) as usize & 0xffc;
        if at < EXTENDED {
            break;
        }
    }
    Ok(Isolation::Missing)
}

/// What a port does not offer is hard-wired (`drivers/pci/pci.c`, `pci_acs_flags_enabled`).
fn judged(offered: u16, on: u16) -> Isolation {
    let asked = FLAGS.iter().fold(0, |all, (bit, _)| all | bit);
    match asked & offered & !on {
        0 => Isolation::Full,
        off => Isolation::Off(off),
    }
}

impl Isolation {
    pub fn in_words(self) -> String {
        match self {
            Self::Full => "ACS is on".to_owned(),
            Self::Conventional => "conventional PCI, which has no ACS".to_owned(),
            Self::Missing => "no ACS capability".to_owned(),
            Self::Off(bits) => {
                let off = FLAGS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name);
                format!("ACS without {}", off.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A bridge's configuration space as it is made up: of this port type, with ACS (what it offers,
/// what is on) or without.
pub fn made_up(port: u8, acs: Option<(u16, u16)>) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    bytes[..4].copy_from_slice(&[0x86, 0x80, 0x01, 0x19]);
    bytes[6] = 0x10;
    bytes[0x0e] = 0x81;
    bytes[0x34] = 0x88;
    // Subsystem ids, then PCI Express.
    bytes[0x88..0x8c].copy_from_slice(&[0x0d, 0x90, 0, 0]);
    bytes[0x90..0x94].copy_from_slice(&[PCI_EXPRESS, 0, port << 4 | 2, 0]);
    // A serial number, which nobody asks for, then ACS.
    let next = if acs.is_some() { 0x140_u16 } else { 0 };
    bytes[0x100..0x104].copy_from_slice(&[3, 0, 1, 0]);
    bytes[0x102..0x104].copy_from_slice(&(next << 4 | 1).to_le_bytes());
    bytes[0x104..0x10c].fill(0x5e);
    if let Some((offered, on)) = acs {
        bytes[0x140..0x144].copy_from_slice(&[0x0d, 0, 1, 0]);
        bytes[0x144..0x146].copy_from_slice(&offered.to_le_bytes());
        bytes[0x146..0x148].copy_from_slice(&on.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(bytes: &[u8]) -> Vec<u8> {
        let read = |at: usize, length: usize| -> Result<_, ()> {
            let end = bytes.len().min(at + length);
            Ok(bytes.get(at..end).unwrap_or_default().to_vec())
        };
        needed(read).unwrap()
    }

    #[test]
    fn a_port_keeps_apart_what_its_registers_say() {
        for (port, acs, expected) in [
            (4, Some((0x1f, 0x1d)), Isolation::Full),
            (4, Some((0x0f, 0x0d)), Isolation::Full),
            (4, None, Isolation::Missing),
            (6, Some((0x1d, 0x00)), Isolation::Off(0x1d)),
            (6, Some((0x1d, 0x11)), Isolation::Off(0x0c)),
            (5, None, Isolation::Missing),
            (7, Some((0x1d, 0x1d)), Isolation::Conventional),
        ] {
            let bytes = made_up(port, acs);
            assert_eq!(isolation(&bytes), Ok(expected), "{port} {acs:?}");
            assert_eq!(isolation(&copy(&bytes)), Ok(expected), "{port} {acs:?}");
        }
        let mut alone = made_up(5, None);
        alone[0x0e] = 0x01;
        assert_eq!(isolation(&alone), Ok(Isolation::Full));
        let mut old = made_up(4, None);
        old[6] = 0;
        assert_eq!(isolation(&old), Ok(Isolation::Conventional));
    }

    #[test]
    fn what_could_not_be_read_is_not_taken_for_none() {
        let bytes = made_up(4, Some((0x1d, 0x1d)));
        for length in [0, 63, 64, 128, 256, 0x142] {
            assert_eq!(isolation(&bytes[..length]), Err(Unread::After(length)), "{length}");
            let copy = copy(&bytes[..length]);
            assert!(matches!(isolation(&copy), Err(Unread::After(_))), "{length}");
        }
        assert_eq!(isolation(&[0xff; 4096]), Err(Unread::Vanished));
    }

    #[test]
    fn nothing_is_read_beyond_need() {
        let copy = copy(&made_up(4, Some((0x1d, 0x1d))));
        assert!(!copy.contains(&0x5e), "the serial number is left alone");
        assert_eq!(copy.len(), 0x148);
    }

    #[test]
    fn lists_in_a_ring_come_to_an_end() {
        let mut bytes = made_up(4, Some((0x1d, 0x1d)));
        bytes[0x89] = 0x88;
        assert_eq!(isolation(&bytes), Ok(Isolation::Conventional));
        let mut bytes = made_up(4, None);
        bytes[0x102..0x104].copy_from_slice(&0x1001_u16.to_le_bytes());
        assert_eq!(isolation(&bytes), Ok(Isolation::Missing));
    }
}
