//! The homes of a row: the leaf nearest to it, and a second that complements it.

use crate::changes::change_node;
use crate::error::{Error, Result};
use crate::geometry::{distance, second_home};
use crate::index::Searchable;
use crate::layout::group::{Factors, SECOND_HOME};
use crate::layout::meta::Effort;
use crate::layout::node::{self, Node};
use crate::layout::{Pointer, refine};
use crate::opening::Opening;
use crate::pages;
use crate::query::Query;
use crate::scan::{Centroids, Next};
use crate::space::Space;
use crate::store::WriteStore;
use quantize::row_code::round_up;

/// Nearest lists among which the second home is chosen.
const CANDIDATES: usize = 16;
/// Node records read at most to find them.
const READS: usize = 64;

/// The recall target that says how many inner nodes are opened on the way.
const ASSIGNMENT_TARGET: f32 = 0.95;

/// An entry to be written.
pub(crate) struct Home {
    pub(crate) at: Pointer,
    /// The leaf as it was when it was chosen.
    pub(crate) node: Node,
    /// ‖x − c‖.
    distance: f64,
    pub(crate) code: Vec<u64>,
    pub(crate) factors: Factors,
    pub(crate) flags: u16,
}

impl Home {
    /// The entry of the row `x` in the list of the leaf at `at`.
    pub(crate) fn new<S: WriteStore>(
        store: &S,
        space: &Space,
        x: &[f32],
        at: Pointer,
        flags: u16,
    ) -> Result<Self> {
        let mut centroid = vec![0.0; space.dim];
        let node = pages::read_node_and_centroid(store, space, at, &mut centroid)?;
        let mut code = vec![0; space.leaf.words];
        let factors = space.sign_entry(x, &centroid, &mut code);
        Ok(Self {
            at,
            node,
            distance: distance(x, &centroid),
            code,
            factors,
            flags,
        })
    }
}

/// The lists a record belongs to, with its entries; none if the index must be opened again.
pub(crate) fn homes<S: WriteStore>(
    index: &Searchable<&S>,
    stripe: usize,
    record: &[u8],
) -> Result<Vec<Home>> {
    let space = index.space();
    let mut x = vec![0.0; space.dim];
    space.decode(record, &mut x);
    let query = Query::for_assignment(&x);
    if index.meta().flat {
        let mut leaves: Vec<Pointer> = index.leaves()?.iter().map(|l| l.leaf).collect();
        leaves.sort_unstable();
        if leaves.is_empty() {
            return Err(Error::corrupt(index.meta().root.block, "index has no list"));
        }
        let at = leaves[stripe % leaves.len()];
        let home = Home::new(*index.store(), space, &x, at, 0)?;
        // The index got lists since it was opened: nobody looks into this one any more.
        let stale = home.node.is_newer_than(index.meta().version);
        return Ok(if stale { Vec::new() } else { vec![home] });
    }
    let effort = Effort {
        opening: Opening::radii(0.0),
        ..index.meta().tuning.effort(CANDIDATES, ASSIGNMENT_TARGET)
    };
    let root = index.meta().root;
    let root = (root, index.root_cache());
    let mut centroids = Centroids::new(index.store(), space, &query, root, effort)?;
    let mut nearest = Nearest {
        x: &x,
        found: Vec::new(),
        sighted: index.sighted(),
    };
    let mut reads = 0;
    while reads < READS && centroids.peek().is_some() {
        let Some(Next { key, at, .. }) = centroids.advance(index.store(), space, &query)? else {
            continue;
        };
        reads += 1;
        if nearest.are_within(f64::from(key.max(0.0)).sqrt()) {
            break;
        }
        nearest.add(*index.store(), space, at)?;
    }
    let mut nearest = nearest.found;
    nearest.truncate(CANDIDATES);
    let residuals: Vec<Vec<f32>> = nearest
        .iter()
        .map(|(.., c)| x.iter().zip(c).map(|(x, c)| x - c).collect())
        .collect();
    let Some((first, others)) = residuals.split_first() else {
        return Err(Error::corrupt(index.meta().root.block, "index has no list"));
    };
    let mut homes = vec![Home::new(*index.store(), space, &x, nearest[0].1, 0)?];
    if let Some(second) = second_home(first, others.iter().map(Vec::as_slice)) {
        let at = nearest[second + 1].1;
        homes.push(Home::new(*index.store(), space, &x, at, SECOND_HOME)?);
    }
    Ok(homes)
}

/// The leaves nearest to a row so far.
struct Nearest<'a> {
    x: &'a [f32],
    /// Distance, leaf and centroid, nearest first.
    found: Vec<(f64, Pointer, Vec<f32>)>,
    /// The version of the lists when they were sighted.
    sighted: u32,
}

impl Nearest<'_> {
    /// Whether enough are found within `distance`.
    fn are_within(&self, distance: f64) -> bool {
        let last = self.found.get(CANDIDATES - 1);
        last.is_some_and(|(last, ..)| distance > *last)
    }

    /// Adds a leaf, and what splits have made of it since leaves were sighted.
    fn add<S: WriteStore>(&mut self, store: &S, space: &Space, at: Pointer) -> Result<()> {
        let mut next = at;
        while !next.is_none() && !self.found.iter().any(|(_, known, _)| *known == next) {
            let mut centroid = vec![0.0; space.dim];
            let node = pages::read_node_and_centroid(store, space, next, &mut centroid)?;
            let d = distance(self.x, &centroid);
            let place = self.found.partition_point(|(other, ..)| *other <= d);
            self.found.insert(place, (d, next, centroid));
            if !node.is_newer_than(self.sighted) {
                break;
            }
            next = node.successor;
        }
        Ok(())
    }
}

/// Makes the list's maximum radius cover the row.
pub(crate) fn raise_radius<S: WriteStore>(
    store: &S,
    space: &Space,
    home: &Home,
    record: &[u8],
) -> Result<()> {
    let reach = home.distance + f64::from(refine::error(record));
    let radius = round_up(reach * (1.0 + 1e-6));
    if radius <= home.node.max_radius {
        return Ok(());
    }
    change_node(store, space, home.at, |record| {
        node::raise_max_radius(record, radius)
    })
}
