//! "Did you mean …?"

/// Longer words are no typing slips, and comparing them costs the square of their length.
const LONGEST: usize = 64;

/// The one of `known` that `typed` was probably meant to be.
pub(super) fn closest<'a>(
    typed: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    if typed.len() > LONGEST {
        return None;
    }
    let plain = plain(typed);
    let slips = match plain.chars().count() {
        0..=2 => 0,
        3..=7 => 1,
        8..=11 => 2,
        _ => 3,
    };
    let near = known
        .clone()
        .map(|word| (strsim::damerau_levenshtein(&plain, &self::plain(word)), word))
        .filter(|&(distance, _)| distance <= slips)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word);
    near.or_else(|| only_word_with(&plain, known))
}

/// `memory` is `memory_gb` and `address` is `pci_address`, where no other word has that part.
fn only_word_with<'a>(part: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let has_part = |word: &&str| {
        let rest = word.strip_prefix(part).map(|rest| rest.starts_with('_'));
        rest.or_else(|| word.strip_suffix(part).map(|rest| rest.ends_with('_'))).unwrap_or(false)
    };
    let mut fitting = known.filter(|word| part.len() > 2 && has_part(word));
    fitting.next().filter(|_| fitting.next().is_none())
}

/// Without case, and with `_` between words however they were joined.
fn plain(word: &str) -> String {
    let mut out = String::with_capacity(word.len() + 4);
    let mut after_lower = false;
    for c in word.chars() {
        if c.is_uppercase() && after_lower {
            out.push('_');
        }
        after_lower = c.is_lowercase();
        out.extend(if c == '-' || c == ' ' { '_' } else { c }.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 9] = [
        "pci_address",
        "device_type",
        "vendor_id",
        "device_id",
        "iommu_group",
        "memory_gb",
        "ip",
        "gpu",
        "pcie_passthrough",
    ];

    #[test]
    fn slips_are_told_from_other_words() {
        for (typed, meant) in [
            ("pci_adress", Some("pci_address")),
            ("pciAddress", Some("pci_address")),
            ("pci-address", Some("pci_address")),
            ("PCI_ADDRESS", Some("pci_address")),
            ("address", Some("pci_address")),
            ("deivce_id", Some("device_id")),
            ("device_typ", Some("device_type")),
            ("memory", Some("memory_gb")),
            ("pci_passthrough", Some("pcie_passthrough")),
            ("GPU", Some("gpu")),
            ("id", None),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(closest(typed, KNOWN.into_iter()), meant, "{typed}");
        }
        assert_eq!(closest(&"x".repeat(100_000), KNOWN.into_iter()), None);
    }
}
