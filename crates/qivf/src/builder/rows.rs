//! The refine records of a table while an index is built: in memory up to a budget, then in a spill file.

use crate::error::Result;
use crate::layout::{Slots, refine};
use crate::space::Space;
use crate::store::SpillFile;
use ndarray::Array2;
use quantize::room;

/// Bytes of a chunk, or the budget where that is less.
const CHUNK: usize = 1 << 20;

/// Records in the order in which they came.
pub(crate) struct Rows {
    slots: Slots,
    per_chunk: usize,
    chunks: Vec<Vec<u8>>,
    /// Records beyond this one are in the spill file.
    in_memory: usize,
    budget: usize,
    count: usize,
}

impl Rows {
    /// No rows; at most about `budget` bytes stay in memory.
    pub(crate) fn new(slots: Slots, budget: usize) -> Self {
        Self {
            slots,
            per_chunk: (CHUNK.min(budget) / slots.size).max(1),
            chunks: Vec::new(),
            in_memory: 0,
            budget,
            count: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, record: &[u8], spill: &mut dyn SpillFile) -> Result<()> {
        let spilled = self.in_memory < self.count;
        let needs_chunk = self.in_memory.is_multiple_of(self.per_chunk);
        let bytes = self.per_chunk * self.slots.size;
        if spilled
            || (needs_chunk
                && !self.chunks.is_empty()
                && (self.chunks.len() + 1) * bytes > self.budget)
        {
            spill.append(record)?;
        } else {
            if needs_chunk {
                room::push(&mut self.chunks, room::vec(bytes)?)?;
            }
            let last = self.chunks.len() - 1;
            self.chunks[last].extend_from_slice(record);
            self.in_memory += 1;
        }
        self.count += 1;
        Ok(())
    }

    /// Copies record `row` to `out`.
    pub(crate) fn get(&self, row: usize, spill: &mut dyn SpillFile, out: &mut [u8]) -> Result<()> {
        let size = self.slots.size;
        if row >= self.in_memory {
            return spill.read_at(((row - self.in_memory) * size) as u64, out);
        }
        let at = row % self.per_chunk * size;
        out.copy_from_slice(&self.chunks[row / self.per_chunk][at..at + size]);
        Ok(())
    }

    /// The records of `rows`, one after the other.
    pub(crate) fn gather(&self, rows: &[u32], spill: &mut dyn SpillFile) -> Result<Gathered> {
        let mut bytes = room::filled(0, rows.len() * self.slots.size)?;
        for (row, out) in rows.iter().zip(bytes.chunks_exact_mut(self.slots.size)) {
            self.get(*row as usize, spill, out)?;
        }
        Ok(Gathered {
            slots: self.slots,
            rows: room::copy(rows)?,
            bytes,
        })
    }
}

/// Copies of some records, to be worked on in a thread.
pub(crate) struct Gathered {
    slots: Slots,
    /// Their numbers.
    pub rows: Vec<u32>,
    bytes: Vec<u8>,
}

impl Gathered {
    /// The records.
    pub(crate) fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.slots.size)
    }

    /// The working vectors, one a row.
    pub(crate) fn decode(&self, space: &Space) -> Result<Array2<f32>> {
        let mut matrix = room::matrix(self.rows.len(), space.dim)?;
        for (record, mut row) in self.records().zip(matrix.rows_mut()) {
            if let Some(row) = row.as_slice_mut() {
                space.decode(record, row);
            }
        }
        Ok(matrix)
    }

    /// The upper bounds on the coding errors.
    pub(crate) fn errors(&self) -> impl Iterator<Item = f32> {
        self.records().map(refine::error)
    }
}
