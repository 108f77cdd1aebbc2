//! Matrices of float16 in NumPy's `.npy` format (version 1, little-endian, C order).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use half::f16;

/// First bytes of a file: magic and format version 1.0.
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// The header is padded so that the data starts at a multiple of this.
const ALIGNMENT: usize = 64;

/// Rows of equal length, in one piece.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Length of a row.
    pub columns: usize,
    /// Row after row.
    pub values: Vec<f16>,
}

impl Matrix {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    /// One row.
    pub fn row(&self, index: usize) -> &[f16] {
        &self.values[index * self.columns..][..self.columns]
    }

    /// One row in float32, exactly.
    pub fn floats(&self, index: usize) -> Vec<f32> {
        self.row(index).iter().map(|value| value.to_f32()).collect()
    }

    /// These rows, in this order.
    pub fn select(&self, rows: &[usize]) -> Self {
        let values = rows
            .iter()
            .flat_map(|row| self.row(*row))
            .copied()
            .collect();
        Self {
            columns: self.columns,
            values,
        }
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
        Self::parse(&bytes).with_context(|| format!("{} is no float16 matrix", path.display()))
    }

    /// Writes a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, self.bytes()).with_context(|| format!("could not write {}", path.display()))
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let rest = bytes
            .strip_prefix(MAGIC)
            .context("unknown magic or version")?;
        let (length, rest) = rest.split_first_chunk::<2>().context("too short")?;
        let length = usize::from(u16::from_le_bytes(*length));
        ensure!(rest.len() >= length, "too short");
        let (header, data) = rest.split_at(length);
        let header = std::str::from_utf8(header)?;
        ensure!(header.contains("'descr': '<f2'"), "not float16: {header}");
        ensure!(
            header.contains("'fortran_order': False"),
            "not in C order: {header}"
        );
        let (rows, columns) = shape(header).with_context(|| format!("no shape in {header}"))?;
        ensure!(
            columns > 0 && Some(data.len()) == rows.checked_mul(columns * 2),
            "wrong size"
        );
        let pairs = data.chunks_exact(2);
        let values = pairs
            .map(|pair| f16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        Ok(Self { columns, values })
    }

    fn bytes(&self) -> Vec<u8> {
        let shape = format!("({}, {})", self.rows(), self.columns);
        let mut header = format!("{{'descr': '<f2', 'fortran_order': False, 'shape': {shape}, }}");
        let unpadded = MAGIC.len() + 2 + header.len() + 1;
        header.extend(std::iter::repeat_n(
            ' ',
            unpadded.next_multiple_of(ALIGNMENT) - unpadded,
        ));
        header.push('\n');
        let mut bytes = MAGIC.to_vec();
        // 128 bytes at most: two decimal numbers are all that varies.
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(self.values.iter().flat_map(|value| value.to_le_bytes()));
        bytes
    }
}

/// `… 'shape': (3, 384), …` → 3 and 384.
fn shape(header: &str) -> Option<(usize, usize)> {
    let inner = header.split_once("'shape': (")?.1.split_once(')')?.0;
    let (rows, columns) = inner.split_once(',')?;
    Some((rows.trim().parse().ok()?, columns.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let values = (0..12)
            .map(|i| f16::from_f32(i as f32 / 7.0 - 1.0))
            .collect();
        let matrix = Matrix { columns: 4, values };
        let bytes = matrix.bytes();
        assert_eq!((bytes.len() - 24) % ALIGNMENT, 0);
        assert_eq!(Matrix::parse(&bytes).unwrap(), matrix);
        assert!(Matrix::parse(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn refuses_other_types() {
        let bytes = Matrix {
            columns: 1,
            values: vec![f16::ONE],
        }
        .bytes();
        let other = String::from_utf8_lossy(&bytes[8..]).replace("<f2", "<f4");
        let bytes = [MAGIC, other.as_bytes()].concat();
        assert!(Matrix::parse(&bytes).is_err());
    }
}
