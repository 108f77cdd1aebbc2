//! Keys: how near a list or a sign entry may be to a query, from what is known before it is opened.

use super::Query;
use crate::layout::node::Node;
use crate::opening::Opening;
use crate::space::{Element, Space};
use quantize::sign_code::Estimate;

/// How many standard deviations of its estimate the key of a sign entry lies before the estimate.
///
/// Seen on 62,666 × 384 embeddings (`examples/evidence.rs`): 26 to 35 rows refined for ten at recall 0.90 to 0.99. With 1.5
/// they are 32 to 43; with 0.7 they are 21 to 26, but twice as many lists are opened at 0.99.
const MARGIN: f32 = 1.2;
/// The same for a search that has gone far: of the rows that it looks for, nearly all are as far as it looks, and one in
/// eight is missed whose key is only so much before its estimate.
const FAR_MARGIN: f32 = 2.0;
/// The ranks from which the one becomes the other.
const FAR: [usize; 2] = [40, 320];

/// How far a search that settles `k` rows has gone, from 0 to 1.
fn far(k: usize) -> f32 {
    let log = |k: usize| (k as f32).log2();
    let far = (log(k.max(1)) - log(FAR[0])) / (log(FAR[1]) - log(FAR[0]));
    far.clamp(0.0, 1.0)
}

/// The margin of entries scored by a search that settles `k` rows.
pub(crate) fn margin(k: usize) -> f32 {
    MARGIN + (FAR_MARGIN - MARGIN) * far(k)
}

/// How many standard deviations of its estimate a node's nearness lies before the estimate. Less than for rows: a node
/// that is read too late costs less than reading many for nothing.
///
/// Seen on 62,666 × 384 embeddings (`examples/evidence.rs`), nodes read at recall 0.95 and 0.99 of ten: 1.5: 40 and 169;
/// 0.7: 26 and 134, with the same lists opened.
const NODE_MARGIN: f32 = 0.7;
/// How many more for a search that has gone far.
const FAR_NODE_MARGIN: f32 = 1.8;

/// How much less the distances of nodes are taken to be, as a share of them, than [`NODE_MARGIN`] makes them, by a search that
/// settles `k` rows. Those that go far open lists whose distances hardly differ; the sign code of one in four nodes says that
/// it is farther than its record will, and what is in its list would be found too late.
pub(crate) fn node_slack(dim: usize, k: usize) -> f32 {
    // Half of the relative deviation of a squared distance, which is at most √((1 − a²)/a²(d − 1)) with a² = 2/π.
    let deviation = 0.375 / (dim.max(2) as f32 - 1.0).sqrt();
    FAR_NODE_MARGIN * far(k) * deviation
}

/// A leaf as its record shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    /// ‖q − c‖, or ⟨q, c⟩ under inner product.
    pub nearness: f32,
    /// ⟨q, c⟩.
    pub dot: f32,
    pub node: Node,
}

impl Leaf {
    /// The leaf of a node record.
    pub(crate) fn of(space: &Space, query: &Query, record: &[u8]) -> Self {
        let (node, dot) = (Node::read(record), space.node.dot(&query.vector, record));
        Self {
            nearness: nearness(query, dot, node.norm_squared),
            dot,
            node,
        }
    }

    /// What the keys of the entries of the leaf's list depend on besides the entries.
    pub(crate) fn terms(&self, space: &Space, query: &Query, margin: f32) -> Estimate {
        let (q, dot) = (query.norm * query.norm, self.dot);
        let distance_squared = (q + self.node.norm_squared - 2.0 * dot).max(0.0);
        Estimate {
            base: match space.element {
                Element::Binary => q,
                _ if query.by_ip => -2.0 * dot,
                _ => distance_squared,
            },
            spread: margin * distance_squared.sqrt(),
            rounding: margin * query.tables.error(),
        }
    }
}

/// The key of a list: how far a search must look until its turn comes. Never ∞.
#[inline(always)]
pub(crate) fn list_key(query: &Query, nearness: f32, radius: f32, opening: &Opening) -> f32 {
    let key = if query.by_ip {
        // Distances are −⟨q, x⟩/‖q‖: like others they change by a row's place along the query.
        let norm = query.norm.max(f32::MIN_POSITIVE);
        2.0 * norm * opening.reach(-nearness / norm, radius)
    } else {
        let reach = opening.reach(nearness, radius).max(0.0);
        reach * reach
    };
    if key.is_nan() {
        f32::NEG_INFINITY
    } else {
        key.min(f32::MAX)
    }
}

/// The distance to a centroid and the distance of a key, as [`Opening`] takes them.
pub(crate) fn lengths(query: &Query, nearness: f32, key: f32) -> (f32, f32) {
    if query.by_ip {
        let norm = query.norm.max(f32::MIN_POSITIVE);
        (-nearness / norm, key / (2.0 * norm))
    } else {
        (nearness, key.max(0.0).sqrt())
    }
}

/// The nearness to a centroid, given its inner product with the query and its squared norm.
pub(crate) fn nearness(query: &Query, dot: f32, norm_squared: f32) -> f32 {
    if query.by_ip {
        dot
    } else {
        (query.norm * query.norm + norm_squared - 2.0 * dot)
            .max(0.0)
            .sqrt()
    }
}

/// What the nearness of a node's children depends on besides their entries.
pub(crate) struct NodeTerms {
    by_ip: bool,
    /// ‖q‖².
    q: f32,
    estimate: Estimate,
}

impl NodeTerms {
    /// For a node with inner product `dot` and `norm_squared`.
    pub(crate) fn new(query: &Query, norm_squared: f32, dot: f32) -> Self {
        let q = query.norm * query.norm;
        let distance_squared = (q + norm_squared - 2.0 * dot).max(0.0);
        Self {
            by_ip: query.by_ip,
            q,
            estimate: Estimate {
                base: distance_squared,
                spread: NODE_MARGIN * distance_squared.sqrt(),
                rounding: NODE_MARGIN * query.tables.error(),
            },
        }
    }

    /// Turns ⟨s, q⟩ of children into how low ‖q − c‖² may be.
    #[inline]
    pub(crate) fn lower(&self, add: &[f32], scale: &[f32], error: &[f32], dots: &mut [f32]) {
        self.estimate.lower(add, scale, error, dots);
    }

    /// Optimistic: ‖q − c‖ of a child, or ⟨q, c⟩ under inner product, from how low ‖q − c‖² may be.
    #[inline(always)]
    pub(crate) fn nearness(&self, norm_squared: f32, low: f32) -> f32 {
        let low = low.max(0.0);
        if self.by_ip {
            (self.q + norm_squared - low) / 2.0
        } else {
            low.sqrt()
        }
    }
}
