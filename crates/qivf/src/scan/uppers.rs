//! The K-th smallest of the upper bounds seen, for a K that grows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A float ordered as a number (`total_cmp`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ordered(pub(super) f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Upper bounds on the distances of refined rows.
#[derive(Debug)]
pub(super) struct Uppers {
    k: usize,
    /// The K smallest, or all while there are fewer.
    within: BinaryHeap<Ordered>,
    /// The others.
    beyond: BinaryHeap<Reverse<Ordered>>,
}

impl Uppers {
    /// None yet.
    pub(super) fn new(k: usize) -> Self {
        Self {
            k,
            within: BinaryHeap::new(),
            beyond: BinaryHeap::new(),
        }
    }

    /// Makes K larger.
    pub(super) fn grow(&mut self, k: usize) {
        self.k = k;
        while self.within.len() < k
            && let Some(Reverse(upper)) = self.beyond.pop()
        {
            self.within.push(upper);
        }
    }

    /// Notes an upper bound.
    pub(super) fn add(&mut self, upper: f64) {
        let upper = Ordered(upper);
        if self.within.len() < self.k {
            self.within.push(upper);
        } else if let Some(mut last) = self.within.peek_mut()
            && upper < *last
        {
            self.beyond.push(Reverse(*last));
            *last = upper;
        } else {
            self.beyond.push(Reverse(upper));
        }
    }

    /// The K-th smallest, ∞ while there are fewer.
    pub(super) fn kth(&self) -> f64 {
        match self.within.peek() {
            Some(last) if self.within.len() >= self.k => last.0,
            _ => f64::INFINITY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_the_kth_smallest(parts in prop::collection::vec((1usize..9, prop::collection::vec(-9f64..9.0, 0..40)), 1..9)) {
            let mut k = 1;
            let mut uppers = Uppers::new(k);
            let mut all = Vec::new();
            for (more, part) in parts {
                for upper in part {
                    uppers.add(upper);
                    all.push(upper);
                    all.sort_by(f64::total_cmp);
                    prop_assert_eq!(uppers.kth(), all.get(k - 1).copied().unwrap_or(f64::INFINITY));
                }
                k += more;
                uppers.grow(k);
            }
        }
    }
}
