//! Hash keys of features and the table that numbers them. No feature is kept as text.

/// Longest character n-gram, spaces counted.
const LONGEST_GRAM: usize = 5;
/// Letters of a word that stand for it in pairs, so that its endings do not matter.
const STEM_LETTERS: usize = 4;
/// Words after a word that it makes pairs with.
const WINDOW: usize = 11;
/// Hashes of the ends of a text.
const BEFORE: u64 = 0x1656_67b1;
const AFTER: u64 = 0x27d4_eb2f;
/// Kinds of pairs.
const NEIGHBOURS: u64 = 1;
const TOGETHER: u64 = 0xd6e8_feb8_6659_fd93;
const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;
const WORD: u64 = 0x9e37_79b9_7f4a_7c15;
const PAIR: u64 = 0xc2b2_ae3d_27d4_eb4f;

/// Returns the hash of a padded token.
fn word_hash(padded: &[u8]) -> u64 {
    padded.iter().fold(SEED ^ WORD, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

/// Returns the hash of two words in this order.
fn pair_hash(first: u64, second: u64, kind: u64) -> u64 {
    (first.rotate_left(23) ^ second ^ kind.wrapping_mul(WORD)).wrapping_mul(PAIR)
}

/// Returns the hash of the first letters of a padded token.
fn stem_hash(padded: &[u8]) -> u64 {
    let letters = padded.get(1..).unwrap_or_default().iter().take(STEM_LETTERS);
    let hash =
        letters.fold(SEED ^ PAIR, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    (hash ^ (hash >> 32)).wrapping_mul(WORD)
}

/// Calls with the key of each character n-gram of a padded token.
pub(super) fn each_gram(padded: &[u8], mut visit: impl FnMut(u32)) {
    let mut rest = padded;
    while rest.len() >= 2 {
        let mut hash = SEED;
        for (index, byte) in rest.iter().take(LONGEST_GRAM).enumerate() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
            if index > 0 {
                visit(key_of(hash));
            }
        }
        rest = rest.get(1..).unwrap_or_default();
    }
}

/// Hashes of the words and stems of one text, from which its pairs are made.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    words: Vec<u64>,
    stems: Vec<u64>,
}

impl Hashes {
    /// Forgets the last text.
    pub(super) fn clear(&mut self) {
        self.words.clear();
        self.stems.clear();
    }

    /// Adds a padded token and returns the key of its word.
    pub(super) fn push(&mut self, padded: &[u8]) -> u32 {
        let word = word_hash(padded);
        self.words.push(word);
        self.stems.push(stem_hash(padded));
        key_of(word)
    }

    /// Calls with the key of each two neighbours, the ends of the text included, and of each two
    /// stems within the window, in any order.
    pub(super) fn each_pair(&self, mut visit: impl FnMut(u32)) {
        let mut before = BEFORE;
        for word in self.words.iter().copied().chain([AFTER]) {
            visit(key_of(pair_hash(before, word, NEIGHBOURS)));
            before = word;
        }
        let mut rest = self.stems.as_slice();
        while let Some((first, others)) = rest.split_first() {
            for second in others.iter().take(WINDOW).filter(|second| *second != first) {
                visit(pair_key(*first, *second));
            }
            rest = others;
        }
    }
}

/// Returns the key of two stems in any order. This is half the work of classifying a text, hence
/// one multiplication of a plain sum.
fn pair_key(first: u64, second: u64) -> u32 {
    u32::try_from((first.wrapping_add(second)).wrapping_mul(TOGETHER) >> 32)
        .unwrap_or(u32::MAX)
        .max(1)
}

/// Folds a hash to the key under which a table files it; never 0.
pub(super) fn key_of(hash: u64) -> u32 {
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(WORD);
    u32::try_from(mixed >> 32).unwrap_or(u32::MAX).max(1)
}

/// Numbers keys from 0 in the order in which they came, with open addressing.
#[derive(Clone, Debug)]
pub(super) struct KeyTable {
    /// Key and number of each slot, key 0 where free; the length is a power of two.
    slots: Vec<(u32, u32)>,
    filled: u32,
}

impl KeyTable {
    /// Returns an empty table that holds `keys` keys without growing.
    pub(super) fn with_room(keys: usize) -> Self {
        Self { slots: vec![(0, 0); (keys * 2).next_power_of_two().max(16)], filled: 0 }
    }

    /// Returns the number of a key.
    pub(super) fn get(&self, key: u32) -> Option<u32> {
        self.slots.get(self.slot(key)).filter(|slot| slot.0 == key).map(|slot| slot.1)
    }

    /// Returns the number of a key, a new one if it had none.
    pub(super) fn number(&mut self, key: u32) -> u32 {
        let at = self.slot(key);
        let number = self.filled;
        match self.slots.get_mut(at) {
            Some(slot) if slot.0 == key => slot.1,
            Some(slot) => {
                *slot = (key, number);
                self.filled += 1;
                if self.slots.len() < (self.filled as usize) * 2 {
                    self.grow();
                }
                number
            }
            None => number,
        }
    }

    /// Number of keys.
    pub(super) fn len(&self) -> usize {
        self.filled as usize
    }

    /// Returns the keys in the order of their numbers.
    pub(super) fn keys(&self) -> Vec<u32> {
        let mut keys = vec![0; self.len()];
        for (key, number) in self.slots.iter().filter(|slot| slot.0 != 0) {
            if let Some(place) = keys.get_mut(*number as usize) {
                *place = *key;
            }
        }
        keys
    }

    /// Finds the slot of a key or the free one where it would go.
    fn slot(&self, key: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = key as usize & mask;
        while self.slots.get(at).is_some_and(|slot| slot.0 != 0 && slot.0 != key) {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![(0, 0); old.len() * 2];
        for slot in old.into_iter().filter(|slot| slot.0 != 0) {
            let at = self.slot(slot.0);
            if let Some(place) = self.slots.get_mut(at) {
                *place = slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_numbers_while_the_table_grows() {
        let mut table = KeyTable::with_room(1);
        let keys: Vec<u32> = (0..1000).map(|number| key_of(pair_hash(number, 7, 1))).collect();
        for (number, key) in keys.iter().enumerate() {
            assert_eq!(table.number(*key) as usize, number);
            assert_eq!(table.number(*key) as usize, number);
        }
        assert_eq!((table.len(), table.keys()), (1000, keys.clone()));
        assert_eq!(table.get(keys[500]), Some(500));
        assert_eq!(table.get(key_of(1)), None);
    }

    #[test]
    fn stems_pair_in_any_order_and_neighbours_in_one() {
        let pairs_of = |words: &[&str]| {
            let mut hashes = Hashes::default();
            for word in words {
                hashes.push(word.as_bytes());
            }
            let mut keys = Vec::new();
            hashes.each_pair(|key| keys.push(key));
            keys
        };
        let (one, other) =
            (pairs_of(&[" pedido ", " chegou "]), pairs_of(&[" chegando ", " pedidos "]));
        assert_eq!((one.len(), other.len()), (4, 4));
        assert_eq!(one[3], other[3]);
        assert!(one[..3].iter().all(|key| !other.contains(key)));
        assert_eq!(pairs_of(&[]).len(), 1);
    }

    #[test]
    fn a_word_has_its_n_grams() {
        let count = |padded: &str| {
            let mut count = 0;
            each_gram(padded.as_bytes(), |_| count += 1);
            count
        };
        // " oi " has 3 of two, 2 of three, 1 of four.
        assert_eq!(count(" oi "), 6);
        assert_eq!(count(" a "), 3);
    }
}
