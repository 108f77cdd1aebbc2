//! Text forms: `0110` for bits, `[-3,0,127]` for codes, `[0.5,-1]` for floats.
//!
//! Parsing never allocates more than the text is long.

use std::fmt::Write;
use std::str::FromStr;

pub use crate::error::shown;
use crate::{Error, MAX_DIMENSIONS, binary, check_dimensions};

/// The error for text that is not a value of a type.
pub fn invalid(type_name: &'static str, text: &str, reason: impl Into<String>) -> Error {
    Error::InvalidText {
        type_name,
        text: shown(text),
        reason: reason.into(),
    }
}

/// Parses `0110…`, as the type `bit` prints it, to the dimension and packed bits. White space around it is
/// allowed.
///
/// # Errors
/// [`Error::InvalidText`], or not 1 to 65535 dimensions.
pub fn parse_bits(text: &str) -> Result<(usize, Vec<u8>), Error> {
    let digits = text.trim_ascii().as_bytes();
    check_dimensions(digits.len())?;
    let mut packed = vec![0; binary::packed_len(digits.len())];
    for (i, digit) in digits.iter().enumerate() {
        match digit {
            b'0' => {}
            b'1' => packed[i / 8] |= 0x80 >> (i % 8),
            _ => {
                let reason = format!("character {} is not 0 or 1", i + 1);
                return Err(invalid("binvec", text, reason));
            }
        }
    }
    Ok((digits.len(), packed))
}

/// Prints bits as `0110…`.
pub fn format_bits(packed: &[u8], dimensions: usize) -> String {
    (0..dimensions)
        .map(|i| if binary::bit(packed, i) { '1' } else { '0' })
        .collect()
}

/// Parses `[1,2,3]` with elements of any number type, with white space where JSON allows it.
///
/// # Errors
/// [`Error::InvalidText`] (also where an element does not fit its type), or not 1 to 65535 dimensions.
pub fn parse_list<T: FromStr>(type_name: &'static str, text: &str) -> Result<Vec<T>, Error> {
    let inner = text
        .trim_ascii()
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .ok_or_else(|| invalid(type_name, text, "must be enclosed in brackets"))?;
    if inner.trim_ascii().is_empty() {
        return Err(Error::NoDimensions);
    }
    let mut values = Vec::new();
    for element in inner.split(',') {
        if values.len() == MAX_DIMENSIONS {
            return check_dimensions(inner.split(',').count()).map(|()| values);
        }
        let element = element.trim_ascii();
        let value = element.parse().map_err(|_| {
            let reason = format!(
                "element {} is not in range or not a number",
                values.len() + 1
            );
            invalid(type_name, text, reason)
        })?;
        values.push(value);
    }
    Ok(values)
}

/// Prints values as `[1,2,3]`; floats in the shortest form that reads back.
pub fn format_list<T: std::fmt::Display>(values: impl Iterator<Item = T>) -> String {
    let mut text = String::from("[");
    for (i, value) in values.enumerate() {
        let separator = if i == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{value}");
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_read_back(bits in "[01]{1,300}") {
            let (dimensions, packed) = parse_bits(&bits).unwrap();
            prop_assert_eq!(format_bits(&packed, dimensions), bits);
        }

        #[test]
        fn codes_read_back(codes in prop::collection::vec(any::<i8>(), 1..100)) {
            prop_assert_eq!(parse_list::<i8>("int8vec", &format_list(codes.iter())).unwrap(), codes);
        }

        #[test]
        fn floats_read_back(values in prop::collection::vec(proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL | proptest::num::f32::ZERO, 1..50)) {
            prop_assert_eq!(parse_list::<f32>("quantized", &format_list(values.iter())).unwrap(), values);
        }

        #[test]
        fn any_text_is_a_value_or_an_error(text in ".{0,60}", listy in "[\\[\\]0-9,. eE+-]{0,40}") {
            for text in [text, listy] {
                if let Ok((dimensions, packed)) = parse_bits(&text) {
                    prop_assert_eq!(format_bits(&packed, dimensions), text.trim_ascii());
                }
                if let Ok(codes) = parse_list::<u8>("uint8vec", &text) {
                    prop_assert_eq!(parse_list::<u8>("uint8vec", &format_list(codes.iter())).unwrap(), codes);
                }
            }
        }
    }

    #[test]
    fn errors_say_what_and_where() {
        let message = |r: Result<Vec<i8>, Error>| r.unwrap_err().to_string();
        assert_eq!(
            message(parse_list("int8vec", "[1,128]")),
            "invalid input syntax for type int8vec: \"[1,128]\": element 2 is not in range or not a number"
        );
        assert_eq!(
            message(parse_list("int8vec", "1,2")),
            "invalid input syntax for type int8vec: \"1,2\": must be enclosed in brackets"
        );
        assert_eq!(
            message(parse_list("int8vec", "[ ]")),
            Error::NoDimensions.to_string()
        );
        assert_eq!(
            parse_bits("0121").unwrap_err().to_string(),
            "invalid input syntax for type binvec: \"0121\": character 3 is not 0 or 1"
        );
        assert!(matches!(
            parse_bits(&"0".repeat(65536)),
            Err(Error::TooManyDimensions { dimensions: 65536 })
        ));
        let long = format!("[{}0]", "0,".repeat(65535));
        assert!(matches!(
            parse_list::<i8>("int8vec", &long),
            Err(Error::TooManyDimensions { dimensions: 65536 })
        ));
    }
}
