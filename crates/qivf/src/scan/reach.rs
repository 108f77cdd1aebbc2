//! How far to look before enough rows are refined to know: a guess from the sign entries seen so far.
//!
//! Entries beyond the guess are not lost: their list waits with the nearest of them, and is opened again if that matters.

/// Entries counted for each of the K rows to settle, and some more. Every row has two; and of those refined for ten (23 to
/// 35, see `MARGIN` in `query::keys`) all should be within the guess, or their lists are opened twice.
const FOR_EACH: usize = 8;
const SOME: usize = 16;

/// The smallest keys seen.
#[derive(Debug)]
pub(super) struct Reach {
    count: usize,
    /// Unordered, up to twice as many.
    keys: Vec<f32>,
    bar: f32,
}

impl Reach {
    /// For settling `k` rows.
    pub(super) fn new(k: usize) -> Self {
        let count = FOR_EACH * k + SOME;
        Self {
            count,
            keys: Vec::new(),
            bar: f32::INFINITY,
        }
    }

    /// Notes the key of an entry.
    #[inline]
    pub(super) fn add(&mut self, key: f32) {
        if key < self.bar {
            self.keys.push(key);
            if self.keys.len() >= 2 * self.count {
                self.shorten();
            }
        }
    }

    fn shorten(&mut self) {
        let last = self.count - 1;
        let (_, bar, _) = self.keys.select_nth_unstable_by(last, f32::total_cmp);
        self.bar = *bar;
        self.keys.truncate(self.count);
    }

    /// The guess: ∞ while too little was seen.
    pub(super) fn guess(&mut self) -> f32 {
        if self.keys.len() > self.count {
            self.shorten();
        }
        self.bar
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_the_nth_smallest(keys in prop::collection::vec(-9f32..9.0, 0..500), k in 1usize..9) {
            let mut reach = Reach::new(k);
            let mut seen: Vec<f32> = Vec::new();
            for key in keys {
                reach.add(key);
                seen.push(key);
                let guess = reach.guess();
                seen.sort_by(f32::total_cmp);
                match seen.len() > FOR_EACH * k + SOME {
                    true => prop_assert_eq!(guess, seen[FOR_EACH * k + SOME - 1]),
                    false => prop_assert_eq!(guess, f32::INFINITY),
                }
            }
        }
    }
}
