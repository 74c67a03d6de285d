//! A set of rules' codes in little room: there are some for each of thousands of functions.

use crate::rules::{self, Rule};

/// In the order of the list of rules, which is that of the codes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Codes(u128);

impl Codes {
    pub fn one(code: &str) -> Self {
        let mut codes = Self::default();
        codes.insert(code);
        codes
    }

    pub fn insert(&mut self, code: &str) {
        self.0 |= bit(code);
    }

    pub fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub fn contains(self, code: &str) -> bool {
        self.0 & bit(code) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        let all = rules::ALL.iter().enumerate();
        all.filter(move |(at, _)| self.0 >> at & 1 == 1).map(|(_, rule)| rule.code)
    }
}

/// None for what is no code.
fn bit(code: &str) -> u128 {
    let of = |rule: &&Rule| rule.code.cmp(code);
    rules::ALL.binary_search_by(of).map_or(0, |at| 1 << at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_bit_of_its_own() {
        assert!(rules::ALL.len() <= 128, "a wider number is needed");
        assert!(rules::ALL.is_sorted_by_key(|rule| rule.code));
        let mut codes = Codes::default();
        for (at, rule) in rules::ALL.iter().enumerate() {
            assert!(!codes.contains(rule.code));
            codes.insert(rule.code);
            assert_eq!(codes.len(), at + 1);
        }
        assert!(codes.iter().eq(rules::ALL.iter().map(|rule| rule.code)));
    }

    #[test]
    fn what_is_no_code_is_in_no_set() {
        let mut codes = Codes::one("AH302");
        codes.insert("AH999");
        assert_eq!(codes, Codes::one("AH302"));
        assert!(!codes.contains("AH999") && Codes::one("").is_empty());
    }
}
