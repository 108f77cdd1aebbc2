//! How an index grows: lists that hold too much are split, while others search and insert.
//!
//! One session at a time changes lists and nodes; it holds the store's *claim*. Everybody else only adds entries to lists
//! (inserts) and reads. A change of lists is a sequence of transactions, each of which leaves an index that searches find
//! complete:
//!
//! 1. The new lists are written to pages that nothing points to yet (`pages`), and records of new nodes likewise
//!    (`nodes`). After a crash they are left behind, which costs room and nothing else.
//! 2. One transaction makes them the truth (`nodes::replace`): the leaf gets its new centroid and list, its entry in the
//!    parent's list follows, a sibling gets an entry beside it. The leaf's *epoch* and the version in the meta page rise,
//!    and the meta page notes the former list as left over.
//! 3. The former list is drained (`drain`): entries of rows that came after step 1 had read the list are moved on,
//!    each in a transaction of its own; the others are in the new lists already and are removed. Then its pages become
//!    spare, for the lists of a later change. After a crash, whoever has the claim next does this before anything else.
//!
//! An insert that chose the list before step 2 looks at the leaf's epoch again when it has the list's page locked. If the
//! epoch is the same, step 3 locks the page later and finds the entry; else the insert chooses anew. So locks are taken in
//! this order: pages of entries and of rows, then nodes' pages. A change of lists never waits for the former while it holds
//! the latter.
//!
//! A search that read the leaf before step 2 compares the version once it has read lists, and if it rose, the epochs: the
//! leaf's new list and its successor's are then opened too (`scan::follow`). Searches that must miss nothing compare all
//! rows instead: refine records never move.

mod claim;
mod convert;
mod drain;
mod emergency;
mod learn;
mod maintain;
mod nodes;
mod pages;
mod rows;
mod split;

pub(crate) use claim::Claim;
pub(crate) use drain::settled;
pub(crate) use emergency::after_insert;
pub use learn::learn_early;
pub use maintain::maintain;
pub(crate) use rows::entries;
