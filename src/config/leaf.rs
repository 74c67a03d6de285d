//! Single values: from a scalar to what it means, or to what is wrong with it.
//!
//! All are read from the text as it was typed, never from a number that YAML would make of it.

use std::net::Ipv4Addr;

use super::shape::{MAX_INTEGER, Shape};
use super::suggest::closest;
use super::yaml::Scalar;
use super::{ProblemKind, Subnet};
use crate::pci::{Address, AddressError, PciId};

/// What is wrong with a value.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) kind: ProblemKind,
    says: Says,
    pub(super) help: Vec<String>,
}

#[derive(Debug)]
enum Says {
    /// What follows the key: `is "lots"; a whole number of 1 or more is expected`.
    OfKey(String),
    Whole(String),
}

impl Wrong {
    fn new(says: String) -> Self {
        Self { kind: ProblemKind::Schema, says: Says::OfKey(says), help: Vec::new() }
    }

    fn unlike(text: &str, shape: Shape) -> Self {
        Self::new(format!("is {}; {} is expected", shown(text), shape.expected()))
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The whole sentence about the value called `label`.
    pub(super) fn message(&self, label: &str) -> String {
        match &self.says {
            Says::OfKey(says) => format!("{label} {says}"),
            Says::Whole(says) => says.clone(),
        }
    }
}

/// A text in quotes, cut to a length that fits a message.
pub(super) fn shown(text: &str) -> String {
    format!("\"{}\"", cut(text))
}

/// A text without control characters, cut to a length that fits a message.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", text[..end].escape_debug()),
        None => text.escape_debug().to_string(),
    }
}

const LONGEST_SHOWN: usize = 48;

/// Whether a scalar is what the shape of a single value asks for.
pub(super) fn check(scalar: &Scalar, shape: Shape) -> Result<(), Wrong> {
    match shape {
        Shape::Integer { min } => integer(scalar, min).map(drop),
        Shape::Boolean => boolean(scalar).map(drop),
        Shape::Word(words) => word(scalar, words).map(drop),
        Shape::Address => address(scalar).map(drop),
        Shape::Id => id(scalar).map(drop),
        Shape::Ip => ip(scalar).map(drop),
        Shape::Subnet => subnet(scalar).map(drop),
        Shape::Path { suffix } => path(scalar, suffix),
        Shape::Name if scalar.text.trim().is_empty() => {
            Err(Wrong::new("is an empty text".to_owned()))
        }
        Shape::Map(_) | Shape::List(_) | Shape::Nodes { .. } => {
            Err(Wrong::unlike(&scalar.text, shape))
        }
        Shape::Name | Shape::Text | Shape::Free => Ok(()),
    }
}

pub(super) fn integer(scalar: &Scalar, min: u64) -> Result<u64, Wrong> {
    let text = &*scalar.text;
    let unlike = || Wrong::unlike(text, Shape::Integer { min });
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        let whole = text.split_once('.').filter(|(_, zeros)| zeros.bytes().all(|b| b == b'0'));
        return Err(match whole {
            Some((whole, _)) if whole.parse::<u64>().is_ok() => {
                unlike().help(format!("write {whole}, without a point"))
            }
            _ if text.starts_with("0x") || text.starts_with("0o") => {
                unlike().help("write it in decimal digits")
            }
            _ => unlike(),
        });
    }
    let significant = digits.trim_start_matches('0');
    if significant.len() < digits.len() && digits != "0" {
        let significant = if significant.is_empty() { "0" } else { significant };
        return Err(unlike()
            .help(format!("a leading zero means octal to some programs: write {significant}")));
    }
    if !scalar.plain {
        return Err(unlike().help(format!("drop the quotes: {digits}")));
    }
    match digits.parse::<u64>() {
        Ok(number) if number < min => Err(unlike()),
        Ok(number) if number <= MAX_INTEGER => Ok(number),
        _ => {
            Err(Wrong::new(format!("is {}; the most that is taken is {MAX_INTEGER}", shown(text))))
        }
    }
}

pub(super) fn boolean(scalar: &Scalar) -> Result<bool, Wrong> {
    let text = &*scalar.text;
    let value = match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    };
    let unlike = Wrong::unlike(text, Shape::Boolean);
    match value {
        Some(value) if scalar.plain => Ok(value),
        Some(value) => Err(unlike.help(format!("drop the quotes: {value}"))),
        None => Err(match text.to_ascii_lowercase().as_str() {
            "yes" | "y" | "on" => unlike.help(format!("in YAML 1.2 `{text}` is text: write true")),
            "no" | "n" | "off" => unlike.help(format!("in YAML 1.2 `{text}` is text: write false")),
            "1" => unlike.help("write true"),
            "0" => unlike.help("write false"),
            other => match closest(other, ["true", "false"].into_iter()) {
                Some(meant) => unlike.help(format!("did you mean `{meant}`?")),
                None => unlike,
            },
        }),
    }
}

pub(super) fn word(scalar: &Scalar, words: &'static [&'static str]) -> Result<&'static str, Wrong> {
    let text = &*scalar.text;
    if let Some(word) = words.iter().find(|&&word| word == text) {
        return Ok(word);
    }
    let allowed = words.join(", ");
    let one_of = if words.len() > 1 { "one of " } else { "" };
    let wrong = Wrong::new(format!("is {}; {one_of}{allowed} is expected", shown(text)));
    Err(match closest(text, words.iter().copied()) {
        Some(meant) if words.len() > 1 => wrong.help(format!("did you mean `{meant}`?")),
        _ => wrong,
    })
}

pub(super) fn address(scalar: &Scalar) -> Result<Address, Wrong> {
    let text = &*scalar.text;
    text.parse().map_err(|error| {
        // The error repeats a part of the text.
        let error = if text.len() > LONGEST_SHOWN { AddressError::Form } else { error };
        let says = Says::Whole(format!("`{}` is not a PCI address: {error}", cut(text)));
        Wrong { kind: ProblemKind::Address, says, help: Vec::new() }
    })
}

pub(super) fn id(scalar: &Scalar) -> Result<PciId, Wrong> {
    let text = &*scalar.text;
    PciId::from_digits(text).ok_or_else(|| {
        let wrong = Wrong::unlike(text, Shape::Id);
        let hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
        let prefixed = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        if let Some(digits) = prefixed.filter(|digits| PciId::from_digits(digits).is_some()) {
            return wrong.help(format!("drop the 0x: \"{digits}\""));
        }
        match text.split_once(':') {
            Some((vendor, device))
                if PciId::from_digits(vendor).is_some() && PciId::from_digits(device).is_some() =>
            {
                wrong.help(format!(
                    "split it: `vendor_id: \"{vendor}\"` and `device_id: \"{device}\"`"
                ))
            }
            _ if hex(text) && text.len() < 4 => {
                wrong.help(format!("write its leading zeros, in quotes: \"{text:0>4}\""))
            }
            _ => wrong,
        }
    })
}

/// The fixed address; none for `DHCP`.
pub(super) fn ip(scalar: &Scalar) -> Result<Option<Ipv4Addr>, Wrong> {
    let text = &*scalar.text;
    if text == "DHCP" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let wrong = Wrong::unlike(text, Shape::Ip);
        if text.eq_ignore_ascii_case("dhcp") {
            return wrong.help("did you mean `DHCP`?");
        }
        match text.split_once('/') {
            Some((address, _)) if address.parse::<Ipv4Addr>().is_ok() => {
                wrong.help(format!("write the address alone: {address}"))
            }
            _ => wrong,
        }
    })
}

pub(super) fn subnet(scalar: &Scalar) -> Result<Subnet, Wrong> {
    let text = &*scalar.text;
    let wrong = || Wrong::unlike(text, Shape::Subnet);
    let Some((address, length)) = text.split_once('/') else {
        return Err(match text.parse::<Ipv4Addr>() {
            Ok(_) => wrong().help(format!("say how long the network's part is: {text}/24")),
            Err(_) => wrong(),
        });
    };
    let address = address.parse::<Ipv4Addr>().map_err(|_| wrong())?;
    let digits =
        length.bytes().all(|b| b.is_ascii_digit()) && (length == "0" || !length.starts_with('0'));
    let prefix = length.parse::<u8>().ok().filter(|&prefix| digits && prefix <= 32);
    let prefix =
        prefix.ok_or_else(|| wrong().help("the part after the slash is a number from 0 to 32"))?;
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    Ok(Subnet { network: Ipv4Addr::from_bits(address.to_bits() & mask), prefix })
}

fn path(scalar: &Scalar, suffix: &'static str) -> Result<(), Wrong> {
    let good = scalar.text.len() > suffix.len() && scalar.text.ends_with(suffix);
    if good { Ok(()) } else { Err(Wrong::unlike(&scalar.text, Shape::Path { suffix })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar {
        Scalar { text: text.to_owned(), plain: true }
    }

    #[test]
    fn numbers_do_not_overflow_and_are_not_guessed() {
        assert_eq!(integer(&plain("8"), 1).unwrap(), 8);
        assert_eq!(integer(&plain("+8"), 1).unwrap(), 8);
        assert_eq!(integer(&plain("0"), 0).unwrap(), 0);
        for text in [
            "0",
            "-1",
            "8.0",
            "08",
            "00",
            "0x10",
            "1e3",
            "",
            "eight",
            "١",
            "99999999999999999999999",
            "1000000001",
        ] {
            assert!(integer(&plain(text), 1).is_err(), "{text}");
        }
    }

    #[test]
    fn a_subnet_keeps_the_network_of_an_address_in_it() {
        let subnet = |text| subnet(&plain(text)).ok().map(|s| (s.network.to_string(), s.prefix));
        assert_eq!(subnet("192.168.100.7/24"), Some(("192.168.100.0".to_owned(), 24)));
        assert_eq!(subnet("10.1.2.3/0"), Some(("0.0.0.0".to_owned(), 0)));
        assert_eq!(subnet("10.1.2.3/32"), Some(("10.1.2.3".to_owned(), 32)));
        for text in
            ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0/8", "10.0.0.0/", "/8"]
        {
            assert_eq!(subnet(text), None, "{text}");
        }
    }

    #[test]
    fn ids_are_the_digits_that_were_typed() {
        for (text, id_) in
            [("2684", 0x2684), ("0010", 0x10), ("1e36", 0x1e36), ("22e8", 0x22e8), ("10DE", 0x10de)]
        {
            assert_eq!(id(&plain(text)).unwrap(), PciId(id_), "{text}");
        }
    }

    #[test]
    fn long_values_are_cut_in_messages() {
        let long = "é".repeat(100_000);
        assert!(integer(&plain(&long), 1).unwrap_err().message("`a`").len() < 300);
        assert!(address(&plain(&long)).unwrap_err().message("`a`").len() < 300);
    }
}
