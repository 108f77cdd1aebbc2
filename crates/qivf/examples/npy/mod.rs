//! Just enough of the `.npy` format: two-dimensional, little-endian, C order, float16 or float32.

use ndarray::Array2;
use std::io::{Error, ErrorKind, Result};

/// Reads a matrix.
pub fn read(path: &str) -> Result<Array2<f32>> {
    let bytes = std::fs::read(path)?;
    let bad = |what: &str| Error::new(ErrorKind::InvalidData, format!("{path}: {what}"));
    if bytes.get(..6) != Some(b"\x93NUMPY") {
        return Err(bad("not an .npy file"));
    }
    let header_len = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..10 + header_len]).into_owned();
    let body = &bytes[10 + header_len..];
    let shape = header
        .split("'shape': (")
        .nth(1)
        .and_then(|s| s.split(')').next());
    let shape: Vec<usize> = shape
        .unwrap_or("")
        .split(',')
        .filter_map(|n| n.trim().parse().ok())
        .collect();
    let [rows, columns] = shape[..] else {
        return Err(bad("not two-dimensional"));
    };
    let values: Vec<f32> = if header.contains("'<f2'") {
        body.as_chunks::<2>()
            .0
            .iter()
            .map(|b| half::f16::from_le_bytes(*b).to_f32())
            .collect()
    } else if header.contains("'<f4'") {
        body.as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect()
    } else {
        return Err(bad("neither float16 nor float32"));
    };
    Array2::from_shape_vec((rows, columns), values).map_err(|e| bad(&e.to_string()))
}
