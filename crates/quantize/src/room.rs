//! Room for data whose size a caller, a page or a table decides: it is asked for, and the answer may be no.
//!
//! Where an ordinary allocation fails, the process aborts; a backend of Postgres takes the whole cluster along. What has a
//! small bound of its own, such as one value for each dimension of a vector, may be allocated as usual.

use ndarray::{Array1, Array2, ArrayView2};
use std::cell::Cell;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, Hash};

thread_local! {
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread asks for memory and takes no for an answer: for a global allocator, which is not told.
pub fn is_asking() -> bool {
    ASKING.get()
}

/// There is not as much memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// Bytes asked for.
    pub bytes: usize,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "out of memory asking for {} bytes", self.bytes)
    }
}

impl std::error::Error for OutOfMemory {}

/// Calls `reserve`, which asks for `count` values of type `T`.
fn ask<T, E>(count: usize, reserve: impl FnOnce() -> Result<(), E>) -> Result<(), OutOfMemory> {
    let before = ASKING.replace(true);
    let answer = reserve();
    ASKING.set(before);
    answer.map_err(|_| OutOfMemory {
        bytes: count.saturating_mul(size_of::<T>()),
    })
}

/// An empty vector with room for exactly `count` values.
pub fn vec<T>(count: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut new = Vec::new();
    ask::<T, _>(count, || new.try_reserve_exact(count))?;
    Ok(new)
}

/// `count` copies of a value.
pub fn filled<T: Clone>(value: T, count: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut new = vec(count)?;
    new.resize(count, value);
    Ok(new)
}

/// A copy.
pub fn copy<T: Copy>(values: &[T]) -> Result<Vec<T>, OutOfMemory> {
    let mut new = vec(values.len())?;
    new.extend_from_slice(values);
    Ok(new)
}

/// All values of an iterator that knows how many there are.
pub fn collect<T>(values: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>, OutOfMemory> {
    let mut new = vec(values.len())?;
    new.extend(values);
    Ok(new)
}

/// Makes room for `more` values, and for further ones in proportion.
pub fn reserve<T>(values: &mut Vec<T>, more: usize) -> Result<(), OutOfMemory> {
    if values.capacity() - values.len() >= more {
        return Ok(());
    }
    ask::<T, _>(values.len() + more, || values.try_reserve(more))
}

/// Adds a value.
pub fn push<T>(values: &mut Vec<T>, value: T) -> Result<(), OutOfMemory> {
    reserve(values, 1)?;
    values.push(value);
    Ok(())
}

/// Adds a value to a heap.
pub fn push_heap<T: Ord>(heap: &mut BinaryHeap<T>, value: T) -> Result<(), OutOfMemory> {
    if heap.len() == heap.capacity() {
        ask::<T, _>(heap.len() + 1, || heap.try_reserve(1))?;
    }
    heap.push(value);
    Ok(())
}

/// Makes room for one more entry of a map.
pub fn reserve_map<K: Eq + Hash, V, S: BuildHasher>(
    map: &mut HashMap<K, V, S>,
) -> Result<(), OutOfMemory> {
    if map.len() < map.capacity() {
        return Ok(());
    }
    ask::<(K, V), _>(map.len() + 1, || map.try_reserve(1))
}

/// Adds a value to a set; whether it was new.
pub fn insert<T: Eq + Hash, S: BuildHasher>(
    set: &mut HashSet<T, S>,
    value: T,
) -> Result<bool, OutOfMemory> {
    if set.len() == set.capacity() {
        ask::<T, _>(set.len() + 1, || set.try_reserve(1))?;
    }
    Ok(set.insert(value))
}

/// A matrix of zeros.
pub fn matrix(rows: usize, columns: usize) -> Result<Array2<f32>, OutOfMemory> {
    let count = rows
        .checked_mul(columns)
        .ok_or(OutOfMemory { bytes: usize::MAX })?;
    let values = filled(0.0, count)?;
    // The number of values is that of the shape.
    Ok(Array2::from_shape_vec((rows, columns), values).unwrap_or_default())
}

/// A copy of a matrix.
pub fn copy_matrix(of: ArrayView2<'_, f32>) -> Result<Array2<f32>, OutOfMemory> {
    let mut new = matrix(of.nrows(), of.ncols())?;
    new.assign(&of);
    Ok(new)
}

/// The rows of a matrix with these numbers.
pub fn select(of: ArrayView2<'_, f32>, rows: &[usize]) -> Result<Array2<f32>, OutOfMemory> {
    let mut new = matrix(rows.len(), of.ncols())?;
    for (mut to, &row) in new.rows_mut().into_iter().zip(rows) {
        to.assign(&of.row(row));
    }
    Ok(new)
}

/// `count` zeros.
pub fn zeros(count: usize) -> Result<Array1<f32>, OutOfMemory> {
    Ok(Array1::from_vec(filled(0.0, count)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More than any address space holds.
    const TOO_MANY: usize = usize::MAX / 16;

    #[test]
    fn what_cannot_be_had_is_an_error() {
        assert_eq!(vec::<u64>(TOO_MANY).unwrap_err().bytes, TOO_MANY * 8);
        assert!(filled(0u8, usize::MAX).is_err());
        assert!(filled(0u64, usize::MAX).is_err());
        assert!(matrix(usize::MAX, 2).is_err());
        assert!(matrix(1 << 40, 1 << 20).is_err());
        assert!(reserve(&mut vec![1u8], usize::MAX - 1).is_err());
        assert!(!is_asking());
    }

    #[test]
    fn what_can_be_had_is_as_usual() {
        assert_eq!(filled(7, 3).unwrap(), [7, 7, 7]);
        assert_eq!(copy(&[1, 2]).unwrap(), [1, 2]);
        assert_eq!(collect([1, 2].into_iter().map(|x| x * 2)).unwrap(), [2, 4]);
        let (mut values, mut heap, mut set) = (Vec::new(), BinaryHeap::new(), HashSet::new());
        for i in 0..100 {
            push(&mut values, i).unwrap();
            push_heap(&mut heap, i).unwrap();
            assert!(insert(&mut set, i).unwrap());
        }
        assert!(!insert(&mut set, 5).unwrap());
        assert_eq!((values.len(), heap.len(), set.len()), (100, 100, 100));
        let m = matrix(2, 3).unwrap();
        assert_eq!(copy_matrix(m.view()).unwrap(), m);
        assert_eq!(select(m.view(), &[1, 1, 0]).unwrap().dim(), (3, 3));
        assert_eq!(zeros(4).unwrap().len(), 4);
    }
}
