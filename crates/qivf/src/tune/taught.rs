//! What real queries taught, in a form that outlives the index: for some targets, the recall that rows used as queries reach when
//! real queries reach the target. An index built anew asks its own rows for that recall.

use super::report::report_one;
use super::sample::sample_rows;
use super::truth;
use crate::error::Result;
use crate::index::{Index, Searchable};
use crate::layout::meta::{Meta, Tuning};
use crate::store::PageStore;
use crate::workers::{BuildHost, Workers};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The targets that are compared.
const TARGETS: [f32; 4] = [0.8, 0.9, 0.95, 0.99];
/// Rows used as queries, and the neighbours that they look for.
const ROWS: usize = 100;
const K: usize = 10;
/// Bounds on the misses of rows, as a share of those of queries: beyond, chance speaks.
const SHARES: (f32, f32) = (0.05, 3.0);

/// For each of four targets, the recall that rows must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taught([f32; TARGETS.len()]);

impl Taught {
    /// The recall that rows must reach for real queries to reach `target`: between and beyond the four, in proportion of misses.
    pub fn wanted(&self, target: f32) -> f32 {
        let shares: [f32; TARGETS.len()] = std::array::from_fn(|i| {
            let share = (1.0 - self.0[i]) / (1.0 - TARGETS[i]);
            share.clamp(SHARES.0, SHARES.1)
        });
        let above = TARGETS.partition_point(|t| *t < target);
        let share = match above {
            0 => shares[0],
            i if i == TARGETS.len() => shares[i - 1],
            i => {
                let along = (target - TARGETS[i - 1]) / (TARGETS[i] - TARGETS[i - 1]);
                shares[i - 1] + along * (shares[i] - shares[i - 1])
            }
        };
        (1.0 - share * (1.0 - target)).max(0.0)
    }
}

/// As `0.8:0.861,0.9:0.93,…`.
impl fmt::Display for Taught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (target, recall)) in TARGETS.iter().zip(self.0).enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{target}:{recall:.4}")?;
        }
        Ok(())
    }
}

impl FromStr for Taught {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let mut recalls = [0.0; TARGETS.len()];
        let mut pairs = text.split(',');
        for (recall, target) in recalls.iter_mut().zip(TARGETS) {
            let (name, value) = pairs.next().and_then(|p| p.split_once(':')).ok_or(())?;
            let value: f32 = value.trim().parse().map_err(|_| ())?;
            if name.trim().parse() != Ok(target) || !(0.0..=1.0).contains(&value) {
                return Err(());
            }
            *recall = value;
        }
        pairs.next().map_or(Ok(Self(recalls)), |_| Err(()))
    }
}

/// What `tuning`, learned from real queries, means for the rows of an index; `None` for one that learns nothing.
pub fn taught<S: PageStore>(
    index: &Index<S>,
    host: &dyn BuildHost,
    threads: usize,
    tuning: Tuning,
) -> Result<Option<Taught>> {
    let Some(index) = index.searchable().filter(|index| !index.meta().flat) else {
        return Ok(None);
    };
    let meta = Meta {
        tuning,
        ..Meta::clone(index.meta())
    };
    let index = Searchable::with_meta(index.store(), Arc::new(meta))?.with_root_cache()?;
    let workers = Workers::new(host, threads);
    let sample = sample_rows(&index, ROWS)?;
    let truth = truth::neighbours(&index, &workers, &sample, K)?;
    let mut recalls = [0.0; TARGETS.len()];
    for (recall, target) in recalls.iter_mut().zip(TARGETS) {
        *recall = report_one(&index, &workers, &sample, &truth, K, target)?.recall;
    }
    Ok((!sample.is_empty()).then_some(Taught(recalls)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_is_written() {
        let taught = Taught([0.85, 0.93, 0.97, 0.995]);
        assert_eq!(
            taught.to_string(),
            "0.8:0.8500,0.9:0.9300,0.95:0.9700,0.99:0.9950"
        );
        assert_eq!(taught.to_string().parse(), Ok(taught));
        for wrong in [
            "",
            "0.8:0.9",
            "0.8:0.9,0.9:0.9,0.95:0.9,0.99:2",
            "0.7:0.9,0.9:0.9,0.95:0.9,0.99:1",
            "0.8:0.9,0.9:0.9,0.95:0.9,0.99:1,1:1",
            "0.8:NaN,0.9:0.9,0.95:0.9,0.99:1",
        ] {
            assert_eq!(wrong.parse::<Taught>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn wants_what_was_measured_and_misses_in_proportion_elsewhere() {
        let taught = Taught([0.9, 0.95, 0.97, 0.995]);
        let wanted = |target| (taught.wanted(target) * 1e4).round() / 1e4;
        assert_eq!([0.8, 0.9, 0.95, 0.99].map(wanted), [0.9, 0.95, 0.97, 0.995]);
        assert_eq!(wanted(0.5), 0.75);
        assert_eq!(wanted(0.998), 0.999);
        let perfect = Taught([1.0; 4]);
        assert!(perfect.wanted(0.95) < 1.0);
    }
}
