//! Addresses of IP, so that two in one network stay in one network: each bit is turned or not by
//! what stands before it (J. Xu and others, "Prefix-preserving IP address anonymization", 2002).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::StandIns;

/// A range that a stand-in neither leaves nor enters.
struct Range {
    first: u128,
    prefix: u32,
    /// Kept as it is: it says nothing of a network.
    whole: bool,
}

/// The IANA registries of special addresses.
const V4: &[Range] = &[
    range(0x0000_0000, 8, true),
    range(0x7f00_0000, 8, true),
    range(0xa9fe_0000, 16, false),
    range(0xe000_0000, 3, true),
    range(0x0a00_0000, 8, false),
    range(0x6440_0000, 10, false),
    range(0xac10_0000, 12, false),
    range(0xc0a8_0000, 16, false),
];
const V6: &[Range] = &[
    range(0, 96, true),
    range(0xfe80 << 112, 64, false),
    range(0xff00 << 112, 8, false),
    range(0xfc00 << 112, 7, false),
];

const fn range(first: u128, prefix: u32, whole: bool) -> Range {
    Range { first, prefix, whole }
}

impl StandIns {
    pub(super) fn ip(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(address) => self.v4(address).into(),
            IpAddr::V6(address) => self.v6(address).into(),
        }
    }

    fn v4(&self, address: Ipv4Addr) -> Ipv4Addr {
        let turned = self.turned("ipv4", address.to_bits().into(), 32, V4);
        Ipv4Addr::from_bits(u32::try_from(turned).expect("32 bits are turned"))
    }

    fn v6(&self, address: Ipv6Addr) -> Ipv6Addr {
        match address.to_ipv4_mapped() {
            Some(mapped) => self.v4(mapped).to_ipv6_mapped(),
            None => Ipv6Addr::from_bits(self.turned("ipv6", address.to_bits(), 128, V6)),
        }
    }

    fn turned(&self, label: &str, value: u128, width: u32, ranges: &[Range]) -> u128 {
        let head = |of: u128, bits: u32| if bits == 0 { 0 } else { of >> (width - bits) };
        let mut turned = value;
        for bit in 0..width {
            let before = head(value, bit);
            let leads_on = |range: &Range| range.prefix > bit && head(range.first, bit) == before;
            let within = |range: &Range| {
                range.prefix <= bit && head(range.first, range.prefix) == head(value, range.prefix)
            };
            if ranges.iter().any(|range| range.whole && within(range)) {
                break;
            }
            if !ranges.iter().any(leads_on)
                && self.hash(label, &format!("{bit} {before:x}"))[0] & 1 == 1
            {
                turned ^= 1 << (width - 1 - bit);
            }
        }
        turned
    }

    /// What may be an address in a text; none where it is none.
    pub(super) fn ip_text(&self, text: &str) -> Option<String> {
        let (address, zone) = text.split_once('%').map_or((text, None), |(a, z)| (a, Some(z)));
        let stand_in = self.ip(address.parse().ok()?).to_string();
        Some(match zone {
            Some(zone) => format!("{stand_in}%{}", self.words(zone)),
            None => stand_in,
        })
    }

    /// `IFACE DESTINATION GATEWAY FLAGS REFS USE METRIC MASK …` of `/proc/net/route`.
    pub(super) fn route_v4(&self, line: &str) -> String {
        let bits = |hex: &str| u32::from_str_radix(hex.trim(), 16).ok().map(u32::swap_bytes);
        let shown = |bits: u32| format!("{:08X}", bits.swap_bytes());
        let mut words: Vec<String> = line.split('\t').map(|word| self.words(word)).collect();
        if let Some(to) = words.get(1).and_then(|word| bits(word)) {
            let mask = words.get(7).and_then(|word| bits(word)).unwrap_or(0);
            words[1] = shown(self.v4(Ipv4Addr::from_bits(to)).to_bits() & mask);
        }
        if let Some(gateway) = words.get(2).and_then(|word| bits(word)) {
            words[2] = shown(self.v4(Ipv4Addr::from_bits(gateway)).to_bits());
        }
        words.join("\t")
    }

    /// `TO PREFIX FROM PREFIX GATEWAY …` of `/proc/net/ipv6_route`.
    pub(super) fn route_v6(&self, line: &str) -> String {
        let mut words: Vec<String> = line.split_ascii_whitespace().map(str::to_owned).collect();
        for (address, prefix) in [(0, Some(1)), (2, Some(3)), (4, None)] {
            let length = match prefix {
                Some(at) => words.get(at).and_then(|word| u32::from_str_radix(word, 16).ok()),
                None => Some(128),
            };
            if let (Some(word), Some(length)) = (words.get(address), length) {
                words[address] = self.v6_digits(word, length);
            }
        }
        with_last(words, |interface| self.words(interface))
    }

    /// `ADDRESS INDEX PREFIX SCOPE FLAGS IFACE` of `/proc/net/if_inet6`.
    pub(super) fn address_v6(&self, line: &str) -> String {
        let mut words: Vec<String> = line.split_ascii_whitespace().map(str::to_owned).collect();
        if let Some(first) = words.first_mut() {
            *first = self.v6_digits(first, 128);
        }
        with_last(words, |interface| self.words(interface))
    }

    fn v6_digits(&self, digits: &str, prefix: u32) -> String {
        let bits = u128::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 32);
        let Some(bits) = bits else { return self.words(digits) };
        let mask = u128::MAX.checked_shl(128 - prefix.min(128)).unwrap_or(0);
        format!("{:032x}", self.v6(Ipv6Addr::from_bits(bits)).to_bits() & mask)
    }

    /// Where a disk of a server is: an address alone, or `traddr=192.0.2.1,trsvcid=4420`.
    pub(super) fn server(&self, text: &str) -> String {
        let part = |part: &str| {
            let (key, value) = part.split_once('=').map_or(("", part), |(key, value)| (key, value));
            let value =
                self.ip_text(value.trim()).unwrap_or_else(|| match key.ends_with("traddr") {
                    // A port of Fibre Channel: `nn-0x…:pn-0x…`.
                    true if value.starts_with("nn-") => self.word("port", value),
                    true if value.parse::<crate::pci::Address>().is_err() => {
                        self.word("server", value)
                    }
                    _ => self.words(value),
                });
            if key.is_empty() { value } else { format!("{key}={value}") }
        };
        text.split(',').map(part).collect::<Vec<_>>().join(",")
    }
}

fn with_last(mut words: Vec<String>, change: impl FnOnce(&str) -> String) -> String {
    if let Some(last) = words.last_mut() {
        *last = change(last);
    }
    words.join(" ")
}
