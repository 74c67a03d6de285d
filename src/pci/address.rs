//! The address of a PCI function: domain, bus, device and function.

use std::fmt;
use std::str::FromStr;

/// Where a function sits: `domain:bus:device.function`, all hexadecimal.
///
/// The domain has at least four digits and up to eight: the kernel prints it with `%04x`, and
/// Intel VMD numbers its domains from 0x10000 (`drivers/pci/controller/vmd.c`). Ordered by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    pub domain: u32,
    pub bus: u8,
    pub device: u8,
    pub function: u8,
}

/// Why a text is no address. The words say what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("it is empty")]
    Empty,
    #[error("the domain is missing: write {0}")]
    NoDomain(String),
    #[error("the function is missing: write {0}.0 for the first function")]
    NoFunction(String),
    #[error("the domain {0:?} is not 4 to 8 hexadecimal digits")]
    Domain(String),
    #[error("the bus {0:?} is not two hexadecimal digits (00 to ff)")]
    Bus(String),
    #[error(
        "the bus {decimal:?} has three digits, as a decimal number: {decimal} is {hex} in hexadecimal"
    )]
    DecimalBus { decimal: String, hex: String },
    #[error("the device {0:?} is not two hexadecimal digits from 00 to 1f")]
    Device(String),
    #[error("the device {0} is past 1f: a bus has 32 devices, 00 to 1f")]
    DeviceTooHigh(String),
    #[error("the function {0:?} is not one digit from 0 to 7")]
    Function(String),
    #[error("the function {0} is past 7: a device has 8 functions, 0 to 7")]
    FunctionTooHigh(String),
    #[error(
        "a YAML 1.1 program made the number {0} of an unquoted address (it reads 0000:01:00.0 as 60.0): write the address again, in quotes"
    )]
    Sexagesimal(String),
    #[error("it is not of the form 0000:01:00.0")]
    Form,
}

impl Address {
    pub const fn new(domain: u32, bus: u8, device: u8, function: u8) -> Self {
        Self { domain, bus, device, function }
    }

    /// Reads a name as the kernel writes it in `/sys/bus/pci/devices`: lower case, nothing else.
    pub fn from_sysfs(name: &str) -> Option<Self> {
        let lower = !name.bytes().any(|b| b.is_ascii_uppercase());
        lower.then(|| name.parse().ok()).flatten()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { domain, bus, device, function } = self;
        write!(f, "{domain:04x}:{bus:02x}:{device:02x}.{function:x}")
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let parts: Vec<&str> = text.split(':').collect();
        let (domain, bus, slot) = match parts[..] {
            [domain, bus, slot] => (domain, bus, slot),
            [bus, slot] => return Err(without_domain(text, bus, slot)),
            [number] if number.parse::<f64>().is_ok() => {
                return Err(AddressError::Sexagesimal(number.to_owned()));
            }
            _ => return Err(AddressError::Form),
        };
        let domain = hex(domain, 4..=8).ok_or_else(|| AddressError::Domain(domain.to_owned()))?;
        let bus = byte(bus).ok_or_else(|| bad_bus(bus))?;
        let Some((device, function)) = slot.split_once('.') else {
            return Err(match byte(slot) {
                Some(device) if device < 32 => AddressError::NoFunction(text.to_ascii_lowercase()),
                _ => AddressError::Form,
            });
        };
        let number = byte(device).ok_or_else(|| AddressError::Device(device.to_owned()))?;
        if number > 0x1f {
            return Err(AddressError::DeviceTooHigh(device.to_owned()));
        }
        let last =
            hex(function, 1..=1).ok_or_else(|| AddressError::Function(function.to_owned()))?;
        if last > 7 {
            return Err(AddressError::FunctionTooHigh(function.to_owned()));
        }
        let function = u8::try_from(last).map_err(|_| AddressError::Form)?;
        Ok(Self { domain, bus, device: number, function })
    }
}

fn without_domain(text: &str, bus: &str, slot: &str) -> AddressError {
    let full = format!("0000:{}", text.to_ascii_lowercase());
    match (byte(bus), full.parse::<Address>()) {
        (Some(_), Ok(address)) => AddressError::NoDomain(address.to_string()),
        (_, Err(error)) if slot.contains('.') => error,
        _ => AddressError::Form,
    }
}

fn bad_bus(bus: &str) -> AddressError {
    match bus.parse::<u8>() {
        Ok(number) if bus.len() == 3 => {
            AddressError::DecimalBus { decimal: bus.to_owned(), hex: format!("{number:02x}") }
        }
        _ => AddressError::Bus(bus.to_owned()),
    }
}

fn byte(text: &str) -> Option<u8> {
    hex(text, 2..=2).and_then(|number| u8::try_from(number).ok())
}

/// Hexadecimal digits only: `from_str_radix` alone would take a sign.
fn hex(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let good = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    good.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_domains_and_upper_case_are_normalised() {
        let address: Address = "10000:E1:00.0".parse().unwrap();
        assert_eq!(address.to_string(), "10000:e1:00.0");
        assert_eq!("00000001:00:00.0".parse::<Address>().unwrap().to_string(), "0001:00:00.0");
    }

    #[test]
    fn near_misses_say_what_is_wrong() {
        for (text, words) in [
            ("01:00.0", "write 0000:01:00.0"),
            ("0000:01:20.0", "past 1f"),
            ("0000:01:00.8", "past 7"),
            ("0000:01:00.f", "past 7"),
            ("0000:101:00.0", "65 in hexadecimal"),
            ("0000:1:00.0", "bus \"1\""),
            ("000:01:00.0", "domain \"000\""),
            ("0000:01:00", "0000:01:00.0"),
            ("60.0", "YAML 1.1"),
            ("", "empty"),
            ("gpu0", "form"),
            ("0000:01:+1.0", "device \"+1\""),
        ] {
            let said = text.parse::<Address>().unwrap_err().to_string();
            assert!(said.contains(words), "{text:?}: {said}");
        }
    }

    #[test]
    fn sysfs_names_are_lower_case_only() {
        assert_eq!(Address::from_sysfs("0000:0a:00.0"), Some(Address::new(0, 10, 0, 0)));
        assert_eq!(Address::from_sysfs("0000:0A:00.0"), None);
        assert_eq!(Address::from_sysfs("slots"), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(domain: u32, bus: u8, device in 0u8..32, function in 0u8..8) {
            let address = Address::new(domain, bus, device, function);
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}") {
            let _ = text.parse::<Address>();
        }
    }
}
