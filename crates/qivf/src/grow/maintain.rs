//! What VACUUM does for an index that has grown: lists of more than twice what is planned are split, rows find their
//! homes among today's lists, centroids move to the rows of their lists, and what a search must open is learned anew.
//!
//! All of it goes list by list, each under the claim for a moment only, so that inserts can split lists in between.

use super::claim::Claim;
use super::convert;
use super::drain::{move_entry, settled};
use super::learn::learn;
use super::nodes::replace;
use super::pages::Packer;
use super::rows::{Rows, entries, is_long};
use super::split;
use crate::changes::change_meta;
use crate::error::Result;
use crate::homes::{homes, raise_radius};
use crate::index::{Index, Kept, Searchable};
use crate::layout::group::{EntryPointer, SECOND_HOME};
use crate::layout::node::Node;
use crate::layout::{self, Pointer};
use crate::pages as read;
use crate::store::{BlockNumber, NO_BLOCK, WriteStore};
use crate::workers::BuildHost;
use quantize::room;

/// A list is split that holds more than this many times what is planned.
const LONG: usize = 2;
/// A flat index gets lists when one of its own holds so many times what is planned for a list.
const FLAT: usize = 25;
/// Lists written together, so that they share pages.
const TOGETHER: usize = 16;
/// Times rows find their homes and centroids move, in an index that has grown.
const ROUNDS: usize = 2;
/// Rows used as queries when effort is learned.
const QUERIES: usize = 300;

/// Tends an index. Nothing is lost when it ends early: the next call goes on.
pub fn maintain<S: WriteStore>(store: &S, host: &dyn BuildHost, threads: usize) -> Result<()> {
    let Some(index) = under_claim(store, &mut None, |index| {
        if index.meta().moving {
            move_entries(store, false)?;
        }
        Ok(())
    })?
    else {
        return Ok(());
    };
    if index.meta().plan == 0 {
        return Ok(());
    }
    if index.meta().flat {
        give_lists(store)?;
    }
    let Index::Searchable(index) = Index::open(store)? else {
        return Ok(());
    };
    if index.meta().flat {
        return Ok(());
    }
    split_long(store, &index)?;
    let Index::Searchable(index) = Index::open(store)? else {
        return Ok(());
    };
    // Grown by a third since it learned.
    let (lists, learned) = (index.meta().lists, index.meta().learned_lists);
    if u64::from(lists) * 3 < u64::from(learned) * 4 {
        return Ok(());
    }
    for _ in 0..ROUNDS {
        let Index::Searchable(index) = Index::open(store)? else {
            return Ok(());
        };
        under_claim(store, &mut None, |_| move_entries(store, true))?;
        let mut kept = None;
        for place in index.leaves()? {
            under_claim(store, &mut kept, |index| renew(index, place.leaf))?;
        }
        under_claim(store, &mut None, |_| move_entries(store, false))?;
        rewrite(store, &index)?;
        split_long(store, &index)?;
    }
    under_claim(store, &mut None, |_| learn(store, host, threads, QUERIES))?;
    Ok(())
}

/// Does something with an index that nobody else changes, from which nothing is left over.
fn under_claim<'s, S: WriteStore>(
    store: &'s S,
    kept: &mut Option<Kept>,
    change: impl FnOnce(&Searchable<&'s S>) -> Result<()>,
) -> Result<Option<Searchable<&'s S>>> {
    store.check_interrupts()?;
    let _claim = Claim::take(store)?;
    if settled(store)?.is_none() {
        return Ok(None);
    }
    let Index::Searchable(index) = Index::open_with(store, kept)? else {
        return Ok(None);
    };
    change(&index)?;
    Ok(Some(index))
}

/// Says that entries are being moved between lists, or no longer: searches that must miss nothing go by that.
fn move_entries<S: WriteStore>(store: &S, moving: bool) -> Result<()> {
    change_meta(store, |meta| {
        meta.version = meta.version.wrapping_add(1);
        meta.moving = moving;
    })
}

/// Gives a flat index lists if it holds enough rows.
fn give_lists<S: WriteStore>(store: &S) -> Result<()> {
    under_claim(store, &mut None, |index| {
        if !index.meta().flat {
            return Ok(());
        }
        let limit = FLAT * index.meta().plan as usize;
        for place in index.leaves()? {
            if is_long(store, index.space(), place.leaf, limit)? {
                return convert::to_lists(index);
            }
        }
        Ok(())
    })
    .map(|_| ())
}

/// Splits every list that is too long, and the parts.
fn split_long<S: WriteStore>(store: &S, index: &Searchable<&S>) -> Result<()> {
    let limit = LONG * index.meta().plan as usize + 1;
    let Index::Searchable(now) = Index::open(store)? else {
        return Ok(());
    };
    for place in now.leaves()? {
        let mut waiting = vec![place.leaf];
        while let Some(leaf) = waiting.pop() {
            store.check_interrupts()?;
            if !is_long(store, index.space(), leaf, limit)? {
                continue;
            }
            under_claim(store, &mut None, |index| {
                if is_long(store, index.space(), leaf, limit)? {
                    split::split(index, leaf)?;
                    let node = read::read_node(store, index.space(), leaf)?;
                    let parts = [leaf, node.successor];
                    waiting.extend(parts.into_iter().filter(|part| !part.is_none()));
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Moves the entries of a list whose rows have other homes by now.
fn renew<S: WriteStore>(index: &Searchable<&S>, leaf: Pointer) -> Result<()> {
    let (store, space) = (*index.store(), index.space());
    let node = read::read_node(store, space, leaf)?;
    let mut block = node.head;
    while block != NO_BLOCK {
        let (next, own) = on_page(index, &node, block)?;
        for to in own {
            store.check_interrupts()?;
            let record = read::with_row(store, space, to.pointer, <[u8]>::to_vec)?;
            let Some(record) = record else { continue };
            let mut homes = homes(index, 0, &record)?;
            let wanted = usize::from(to.flags & SECOND_HOME != 0);
            if wanted >= homes.len() || homes[wanted].at == leaf {
                continue;
            }
            let home = homes.swap_remove(wanted);
            raise_radius(store, space, &home, &record)?;
            move_entry(store, space, (block, node.tag), to, &[home])?;
        }
        block = next;
    }
    Ok(())
}

/// The entries of a list on one page, and the next page.
fn on_page<S: WriteStore>(
    index: &Searchable<&S>,
    node: &Node,
    block: BlockNumber,
) -> Result<(BlockNumber, Vec<EntryPointer>)> {
    let layout = &index.space().leaf;
    index.store().read(block, |page| {
        layout.check(block, page)?;
        let groups = layout.groups_of(page, node.tag);
        let own = groups.flat_map(|group| group.entries().map(|(_, to)| to));
        Ok((layout::next(page), own.collect()))
    })
}

/// Writes every list anew around the mean of its rows.
fn rewrite<S: WriteStore>(store: &S, index: &Searchable<&S>) -> Result<()> {
    let leaves: Vec<Pointer> = room::collect(index.leaves()?.iter().map(|place| place.leaf))?;
    for some in leaves.chunks(TOGETHER) {
        under_claim(store, &mut None, |index| {
            let space = index.space();
            let epoch = index.meta().version.wrapping_add(1);
            let mut packer = Packer::new(store, space, epoch);
            let mut former = Vec::new();
            for leaf in some {
                let node = read::read_node(store, space, *leaf)?;
                let rows = Rows::read(store, space, &entries(store, space, &node)?)?;
                if rows.entries.is_empty() {
                    continue;
                }
                let all: Vec<usize> = (0..rows.entries.len()).collect();
                packer.add(&rows.mean(&all), &rows, &all)?;
                former.push((*leaf, node));
            }
            for ((leaf, former), mut record) in former.into_iter().zip(packer.finish()?) {
                let mut node = Node::read(&record);
                let version = read_version(store)?;
                (node.epoch, node.successor) = (version.wrapping_add(1), former.successor);
                node.write(&mut record);
                replace(index, leaf, &record, None)?;
                settled(store)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn read_version<S: WriteStore>(store: &S) -> Result<u32> {
    Ok(store.read(0, layout::meta::state)?.version)
}
