//! Verifying every invariant of an index, and counting what it holds.

use crate::error::Result;
use crate::geometry::distance;
use crate::grow;
use crate::index::{Index, Searchable};
use crate::layout::group::{FREE_TAG, SECOND_HOME};
use crate::layout::meta::Leftover;
use crate::layout::node::Node;
use crate::layout::{self, PageKind, Pointer, Tid, refine, tids};
use crate::pages;
use crate::space::residual_entry;
use crate::store::{BlockNumber, NO_BLOCK, PageStore};
use crate::walk;
use quantize::room;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Problems listed at most. Many, since beside writers most may be none: who checks again sees which stay.
const PROBLEMS: usize = 10_000;

/// What an index holds, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckReport {
    /// Blocks.
    pub blocks: u32,
    /// Blocks never written: added by a transaction that did not commit.
    pub empty_blocks: u32,
    /// List pages, of the root and of inner nodes too.
    pub list_pages: u32,
    /// Refine pages.
    pub refine_pages: u32,
    /// Inner nodes, without the root.
    pub inner_nodes: u32,
    /// Leaf nodes.
    pub leaves: u32,
    /// Live rows with a code.
    pub rows: u64,
    /// Rows without.
    pub codeless: u64,
    /// Dead records that a vacuum has yet to free.
    pub dead: u64,
    /// Free refine slots.
    pub free: u64,
    /// Sign entries of rows.
    pub entries: u64,
    /// The longest bucket, in pages.
    pub longest_bucket: u32,
    /// List pages in no chain: spare, or left behind by a change of lists that did not come to its end.
    pub spare_pages: u32,
    /// Entries of former lists that are still to be removed or moved on.
    pub leftover: u64,
    /// Rows with one home where others have two: searches find them, with more effort.
    pub single_homed: u64,
    /// Every broken invariant found, at most 10,000.
    pub problems: Vec<String>,
}

impl CheckReport {
    fn problem(&mut self, text: String) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(text);
        }
    }
}

/// Checks everything; `visit` gets every row identifier with whether it has a code, for a comparison with the heap.
///
/// # Errors
/// Only where the structure can't be followed at all; other faults are listed in the report.
pub fn check<S: PageStore>(
    index: &Index<S>,
    mut visit: impl FnMut(Tid, bool),
) -> Result<CheckReport> {
    let mut report = CheckReport {
        blocks: index.store().block_count()?,
        ..CheckReport::default()
    };
    check_codeless(index, &mut report, &mut visit)?;
    if let Index::Searchable(index) = index {
        check_rows(index, &mut report, &mut visit)?;
    }
    Ok(report)
}

/// Nodes, lists and rows with a code.
fn check_rows<S: PageStore>(
    index: &Searchable<S>,
    report: &mut CheckReport,
    visit: &mut impl FnMut(Tid, bool),
) -> Result<()> {
    let (store, space, root) = (index.store(), index.space(), index.meta().root);
    let mut reached: HashSet<BlockNumber> = HashSet::new();
    let mut heads = BTreeSet::new();
    heads.insert(check_node(index, root, report)?);
    for inner in walk::parents(store, space, root)? {
        if inner != root {
            report.inner_nodes += 1;
            heads.insert(check_node(index, inner, report)?);
        }
    }
    for head in heads {
        pages::for_each_in_chain(store, head, |block, page| {
            if !room::insert(&mut reached, block)? {
                report.problem(format!("block {block} is in two chains"));
            }
            space.root.check(block, page)
        })?;
    }
    let leaves = room::collect(index.leaves()?.iter().map(|l| l.leaf))?;
    report.leaves = leaves.len() as u32;
    if leaves.len() != index.meta().lists as usize {
        report.problem(format!(
            "meta page says {} lists, root has {}",
            index.meta().lists,
            leaves.len()
        ));
    }
    let mut different = HashSet::new();
    for leaf in &leaves {
        if !room::insert(&mut different, leaf)? {
            report.problem("a leaf is in two lists".into());
        }
    }
    let mut homes: HashMap<Pointer, [u8; 2]> = HashMap::new();
    let mut tags: BTreeMap<BlockNumber, HashSet<u8>> = BTreeMap::new();
    let mut former = HashSet::new();
    for (head, tag) in former_lists(index)? {
        tags.entry(head).or_default().insert(tag);
        let node = Node {
            head,
            tag,
            ..Node::default()
        };
        let entries = grow::entries(store, space, &node)?;
        report.leftover += entries.len() as u64;
        former.extend(entries.iter().map(|to| to.pointer));
    }
    for at in leaves {
        index.store().check_interrupts()?;
        check_list(index, at, &mut tags, &mut homes, report)?;
    }
    check_buckets(index, &tags, &mut reached, report)?;
    check_pages(index, &reached, (&homes, &former), report, visit)
}

/// First blocks and tags of the lists that a change of lists has left over.
fn former_lists<S: PageStore>(index: &Searchable<S>) -> Result<Vec<(BlockNumber, u8)>> {
    let (store, space) = (index.store(), index.space());
    Ok(match index.meta().leftover {
        Leftover::List { head, tag, .. } => vec![(head, tag)],
        Leftover::Flat { root } => {
            let mut lists = Vec::new();
            for leaf in walk::children(store, space, root)?.1 {
                let node = pages::read_node(store, space, leaf)?;
                lists.extend((node.head != NO_BLOCK).then_some((node.head, node.tag)));
            }
            lists
        }
        Leftover::Pages { .. } | Leftover::None => Vec::new(),
    })
}

fn check_codeless<S: PageStore>(
    index: &Index<S>,
    report: &mut CheckReport,
    visit: &mut impl FnMut(Tid, bool),
) -> Result<()> {
    pages::for_each_in_chain(index.store(), index.meta().tids, |block, page| {
        layout::expect(block, page, PageKind::Tids)?;
        for (_, entry) in tids::slots().records(page) {
            match tids::state(entry) {
                tids::FREE => {}
                tids::ZERO | tids::NULL => {
                    report.codeless += 1;
                    visit(tids::tid(entry), false);
                }
                state => {
                    report.problem(format!("block {block}: unknown state {state} in tids list"))
                }
            }
        }
        Ok(())
    })
}

/// The list of the root or of an inner node: every entry is what an encoding of its child gives, which is one level
/// below. Returns where it begins.
fn check_node<S: PageStore>(
    index: &Searchable<S>,
    at: Pointer,
    report: &mut CheckReport,
) -> Result<BlockNumber> {
    let (store, space) = (index.store(), index.space());
    let mut centroid = vec![0.0; space.dim];
    let node = pages::read_node_and_centroid(store, space, at, &mut centroid)?;
    let mut entries = Vec::new();
    let mut stored = vec![0; space.root.words];
    pages::for_each_group(store, &space.root, &node, |group| {
        for (lane, to) in group.entries() {
            group.copy_code(lane, &mut stored);
            let entry = (to.pointer, stored.clone(), group.factors(lane));
            room::push(&mut entries, entry)?;
        }
        Ok(())
    })?;
    let mut x = vec![0.0; space.dim];
    let mut code = vec![0; space.root.words];
    for (to, stored, factors) in entries {
        let child = pages::read_node_and_centroid(store, space, to, &mut x)?;
        let mut expected = residual_entry(&x, &centroid, false, &mut code);
        (expected.norm_squared, expected.radius) = (child.norm_squared, child.radius);
        if expected != factors || code != stored {
            report.problem(format!(
                "entry of node {to:?} in {at:?} is not what its encoding gives"
            ));
        }
        if child.level + 1 != node.level {
            report.problem(format!("node {to:?} in {at:?} is of level {}", child.level));
        }
    }
    Ok(node.head)
}

/// Every entry of one list: it points to a row, its code is what a new encoding gives, the row lies within the radius.
fn check_list<S: PageStore>(
    index: &Searchable<S>,
    at: Pointer,
    tags: &mut BTreeMap<BlockNumber, HashSet<u8>>,
    homes: &mut HashMap<Pointer, [u8; 2]>,
    report: &mut CheckReport,
) -> Result<()> {
    let (store, space) = (index.store(), index.space());
    let mut centroid = vec![0.0; space.dim];
    let node = pages::read_node_and_centroid(store, space, at, &mut centroid)?;
    if node.head == NO_BLOCK {
        return Ok(());
    }
    if !tags.entry(node.head).or_default().insert(node.tag) {
        report.problem(format!(
            "two lists share tag {} of bucket {}",
            node.tag, node.head
        ));
    }
    let mut entries = Vec::new();
    let mut code = vec![0; space.leaf.words];
    pages::for_each_group(store, &space.leaf, &node, |group| {
        for (lane, to) in group.entries() {
            group.copy_code(lane, &mut code);
            room::push(&mut entries, (to, code.clone(), group.factors(lane)))?;
        }
        Ok(())
    })?;
    report.entries += entries.len() as u64;
    let mut x = vec![0.0; space.dim];
    for (to, stored, factors) in entries {
        let second = usize::from(to.flags & SECOND_HOME != 0);
        room::reserve_map(homes)?;
        homes.entry(to.pointer).or_default()[second] += 1;
        let error = pages::with_row(store, space, to.pointer, |record| {
            space.decode(record, &mut x);
            refine::error(record)
        })?;
        // A dead record's entries may still be here; there is nothing to compare them with.
        let Some(error) = error else { continue };
        let expected = space.sign_entry(&x, &centroid, &mut code);
        if expected != factors || code != stored {
            report.problem(format!(
                "entry of row {:?} in list {at:?} is not what its encoding gives",
                to.pointer
            ));
        }
        if distance(&x, &centroid) + f64::from(error) > f64::from(node.max_radius) {
            report.problem(format!(
                "row {:?} lies beyond the radius of list {at:?}",
                to.pointer
            ));
        }
    }
    Ok(())
}

/// Every page of every bucket: in one chain only, and groups only of lists the bucket has.
fn check_buckets<S: PageStore>(
    index: &Searchable<S>,
    tags: &BTreeMap<BlockNumber, HashSet<u8>>,
    reached: &mut HashSet<BlockNumber>,
    report: &mut CheckReport,
) -> Result<()> {
    let space = index.space();
    for (head, tags) in tags {
        // More than there are: lists were written that a change of lists did not come to give to their leaves.
        let (mut length, mut owners) = (0, 0);
        pages::for_each_in_chain(index.store(), *head, |block, page| {
            space.leaf.check(block, page)?;
            length += 1;
            if block == *head {
                owners = layout::owners(page) as usize;
            }
            if !room::insert(reached, block)? {
                report.problem(format!("block {block} is in two chains"));
            }
            for group in 0..space.leaf.used(page) {
                let tag = space.leaf.tag(page, group);
                if tag != FREE_TAG && !tags.contains(&tag) && owners <= tags.len() {
                    report.problem(format!("block {block} has a group of unknown list {tag}"));
                }
            }
            Ok(())
        })?;
        report.longest_bucket = report.longest_bucket.max(length);
    }
    Ok(())
}

/// Every page by kind, and every live row with exactly its homes, but for those that are moved from former lists.
fn check_pages<S: PageStore>(
    index: &Searchable<S>,
    reached: &HashSet<BlockNumber>,
    (homes, former): (&HashMap<Pointer, [u8; 2]>, &HashSet<Pointer>),
    report: &mut CheckReport,
    visit: &mut impl FnMut(Tid, bool),
) -> Result<()> {
    let (store, space) = (index.store(), index.space());
    let seconds = u8::from(!index.meta().flat && index.meta().lists > 1);
    let mut found = 0;
    for block in 0..report.blocks {
        store.check_interrupts()?;
        let mut live = Vec::new();
        store.read(block, |page| {
            match layout::kind(block, page)? {
                None => report.empty_blocks += 1,
                Some(PageKind::List) => {
                    report.list_pages += 1;
                    report.spare_pages += u32::from(!reached.contains(&block));
                }
                Some(PageKind::Refine) => {
                    report.refine_pages += 1;
                    for (slot, record) in space.refine.records(page) {
                        match refine::state(record) {
                            refine::FREE => report.free += 1,
                            refine::DEAD => report.dead += 1,
                            refine::LIVE => live.push((slot, refine::tid(record))),
                            state => report
                                .problem(format!("block {block}: unknown state {state} of a row")),
                        }
                    }
                }
                Some(_) => {}
            }
            Ok(())
        })?;
        report.rows += live.len() as u64;
        for (slot, tid) in live {
            let [first, second] = homes
                .get(&Pointer { block, slot })
                .copied()
                .unwrap_or_default();
            found += u64::from(first) + u64::from(second);
            report.single_homed += u64::from(second < seconds);
            let moved = first == 0 && former.contains(&Pointer { block, slot });
            if (first != 1 && !moved) || second > seconds {
                report.problem(format!(
                    "row at block {block}, slot {slot} has {first} first and {second} second homes"
                ));
            }
            visit(tid, true);
        }
    }
    if report.dead == 0 && found != report.entries {
        report.problem(format!(
            "{} entries for rows that have {found}",
            report.entries
        ));
    }
    Ok(())
}
