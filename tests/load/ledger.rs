//! What one writer knows about its rows.

use std::collections::{BTreeMap, BTreeSet};

use super::random::Random;

/// A row: its number, and the seed of its embedding.
pub type Row = (i32, i32);

/// The rows of one writer, as committed.
#[derive(Debug)]
pub struct Ledger {
    writer: usize,
    writers: usize,
    next: i32,
    rows: BTreeMap<i32, i32>,
    /// Rows of prepared transactions: not to be seen yet, but not to be lost either.
    prepared: BTreeMap<i32, i32>,
    /// Rows of statements whose end nobody saw.
    in_doubt: BTreeSet<i32>,
}

impl Ledger {
    /// The empty ledger of writer number `writer` of `writers`.
    pub fn new(writer: usize, writers: usize) -> Self {
        Self {
            writer,
            writers,
            next: writer as i32,
            rows: BTreeMap::new(),
            prepared: BTreeMap::new(),
            in_doubt: BTreeSet::new(),
        }
    }

    /// The remainder that all of its numbers leave, and what they are divided by.
    pub fn remainder(&self) -> (i32, i32) {
        (self.writer as i32, self.writers as i32)
    }

    /// New rows with numbers never used before.
    pub fn fresh(&mut self, count: usize) -> Vec<Row> {
        let rows = (0..count as i32).map(|i| self.next + i * self.writers as i32);
        let rows: Vec<Row> = rows.map(|id| (id, id)).collect();
        self.next += (count * self.writers) as i32;
        rows
    }

    /// Some of the rows, with new seeds.
    pub fn some(&self, count: usize, random: &mut Random) -> Vec<Row> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let start = random.below(self.rows.len() as u64) as usize;
        let seed = random.below(1 << 20) as i32;
        let chosen = self.rows.keys().skip(start).take(count);
        chosen.map(|id| (*id, id.wrapping_add(seed))).collect()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// These rows are committed.
    pub fn holds(&mut self, rows: &[Row]) {
        self.rows.extend(rows.iter().copied());
    }

    /// These rows are deleted, and that is committed.
    pub fn lacks(&mut self, rows: &[Row]) {
        for (id, _) in rows {
            self.rows.remove(id);
        }
    }

    /// These rows are in a prepared transaction, which the next recovery commits.
    pub fn awaits(&mut self, rows: &[Row]) {
        self.prepared.extend(rows.iter().copied());
    }

    /// Nobody knows whether what was done to these rows was committed.
    pub fn doubts(&mut self, rows: &[Row]) {
        self.in_doubt.extend(rows.iter().map(|(id, _)| *id));
    }

    /// Compares with the rows that the table holds, by number; what was in doubt is taken as found. Returns differences.
    pub fn compare(&mut self, found: &BTreeMap<i32, i32>) -> Vec<String> {
        self.rows.append(&mut self.prepared);
        for id in std::mem::take(&mut self.in_doubt) {
            self.rows.remove(&id);
            self.rows.extend(found.get_key_value(&id));
        }
        let lost = self
            .rows
            .iter()
            .filter(|(id, seed)| found.get(id) != Some(seed));
        let lost =
            lost.map(|(id, seed)| format!("row {id} should hold {seed}, not {:?}", found.get(id)));
        let invented = found.keys().filter(|id| !self.rows.contains_key(id));
        let invented = invented.map(|id| format!("row {id} should not exist"));
        lost.chain(invented).collect()
    }
}
