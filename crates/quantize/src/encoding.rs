//! The bytes of a stored vector, on disk and on the wire. Frozen.
//!
//! - a typed vector (`binvec`, `int8vec`, `uint8vec`): the dimension as 16 bits, little-endian, then the
//!   payload: packed bits, or one byte a dimension;
//! - a `quantized` value: one byte [`Precision`] tag, then the same; the payload of `float32` is
//!   little-endian floats.
//!
//! Unused bits of a binary payload's last byte are zero, so equal values have equal bytes.

use crate::{Error, Precision, binary, check_dimensions};

/// Bytes before a typed vector's payload.
pub const HEADER: usize = 2;

/// The header of a typed vector.
///
/// # Errors
/// Not 1 to 65535 dimensions.
pub fn header(dimensions: usize) -> Result<[u8; HEADER], Error> {
    check_dimensions(dimensions)?;
    Ok((dimensions as u16).to_le_bytes())
}

/// Splits a trusted stored vector into its dimension and payload.
///
/// # Panics
/// When it has no header; Postgres hands out only what was stored.
#[inline]
pub fn split(bytes: &[u8]) -> (usize, &[u8]) {
    let (header, payload) = bytes.split_at(HEADER);
    (
        usize::from(u16::from_le_bytes([header[0], header[1]])),
        payload,
    )
}

/// Checks the bytes of a typed vector that come from outside, e.g. `COPY … BINARY`.
///
/// `precision` says how long the payload must be.
///
/// # Errors
/// [`Error::InvalidBinary`] that says what does not fit.
pub fn check(bytes: &[u8], precision: Precision) -> Result<(), Error> {
    let invalid = |reason: String| Err(Error::InvalidBinary { reason });
    if bytes.len() < HEADER {
        return invalid(format!(
            "{} bytes are too few for a vector header",
            bytes.len()
        ));
    }
    let (dimensions, payload) = split(bytes);
    if dimensions == 0 {
        return invalid("0 dimensions".into());
    }
    let expected = precision.payload_len(dimensions);
    if payload.len() != expected {
        return invalid(format!(
            "{} bytes of payload for {dimensions} dimensions, expected {expected}",
            payload.len()
        ));
    }
    match precision {
        Precision::Binary | Precision::Ubinary => {
            if payload[payload.len() - 1] & !binary::last_byte_mask(dimensions) != 0 {
                return invalid(format!("bits set beyond dimension {dimensions}"));
            }
        }
        Precision::Float32 => {
            let floats = payload.as_chunks().0.iter();
            if floats
                .map(|b| f32::from_le_bytes(*b))
                .any(|x| !x.is_finite())
            {
                return invalid("a value that is not finite".into());
            }
        }
        Precision::Int8 | Precision::Uint8 => {}
    }
    Ok(())
}

/// Checks the bytes of a `quantized` value and returns its precision.
///
/// # Errors
/// As [`check`]; an unknown tag.
pub fn check_tagged(bytes: &[u8]) -> Result<Precision, Error> {
    let tag = bytes.first().copied();
    let precision = tag
        .and_then(Precision::from_tag)
        .ok_or_else(|| Error::InvalidBinary {
            reason: match tag {
                Some(tag) => format!("unknown precision tag {tag}"),
                None => "no bytes".into(),
            },
        })?;
    check(&bytes[1..], precision)?;
    Ok(precision)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_are_frozen() {
        let mut stored = header(10).unwrap().to_vec();
        stored.extend([0b1010_0000, 0b0100_0000]);
        assert_eq!(stored, [10, 0, 0xa0, 0x40]);
        assert!(check(&stored, Precision::Binary).is_ok());
        assert_eq!(header(65535).unwrap(), [0xff, 0xff]);
        assert!(header(65536).is_err() && header(0).is_err());
        assert_eq!(
            check_tagged(&[1, 2, 0, 0x80, 0x7f]).unwrap(),
            Precision::Int8
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = [
            (&[][..], Precision::Int8),
            (&[1], Precision::Int8),
            (&[0, 0], Precision::Int8),
            (&[2, 0, 1], Precision::Int8),
            (&[1, 0, 1, 1], Precision::Uint8),
            (&[1, 0, 0x40], Precision::Binary),
            (&[1, 0, 0, 0, 0x80, 0x7f], Precision::Float32),
        ];
        for (bytes, precision) in refused {
            assert!(check(bytes, precision).is_err(), "{bytes:?}");
        }
        assert!(check_tagged(&[9, 1, 0, 0]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), small in any::<bool>()) {
            let mut bytes = bytes;
            if small && bytes.len() > 2 {
                bytes[0] %= 5;
                bytes[1] %= 64;
                bytes[2] = 0;
            }
            if let Ok(precision) = check_tagged(&bytes) {
                let (dimensions, payload) = split(&bytes[1..]);
                prop_assert_eq!(payload.len(), precision.payload_len(dimensions));
            }
        }
    }
}
