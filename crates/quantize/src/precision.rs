//! The five precisions of `quantize_embeddings`, by sentence-transformers' names.

/// A target of `quantize_embeddings`.
///
/// The discriminants are stored in `quantized` values: frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Precision {
    /// Four bytes a dimension: no quantization.
    Float32 = 0,
    /// One signed byte a dimension.
    Int8 = 1,
    /// One unsigned byte a dimension.
    Uint8 = 2,
    /// One bit a dimension; bytes are those of `Ubinary` less 128, as signed bytes.
    Binary = 3,
    /// One bit a dimension, packed most significant bit first.
    Ubinary = 4,
}

impl Precision {
    /// All of them, in the order in which messages list them.
    pub const ALL: [Self; 5] = [
        Self::Float32,
        Self::Int8,
        Self::Uint8,
        Self::Binary,
        Self::Ubinary,
    ];

    /// The name, as in sentence-transformers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Int8 => "int8",
            Self::Uint8 => "uint8",
            Self::Binary => "binary",
            Self::Ubinary => "ubinary",
        }
    }

    /// All names, for messages.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// The precision with this stored tag.
    pub fn from_tag(tag: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|p| *p as u8 == tag)
    }

    /// Bytes that `dimensions` dimensions take.
    pub const fn payload_len(self, dimensions: usize) -> usize {
        match self {
            Self::Float32 => dimensions * 4,
            Self::Int8 | Self::Uint8 => dimensions,
            Self::Binary | Self::Ubinary => dimensions.div_ceil(8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_frozen() {
        let tags: Vec<_> = (0..=5)
            .map(|t| Precision::from_tag(t).map(Precision::name))
            .collect();
        assert_eq!(
            tags,
            [
                Some("float32"),
                Some("int8"),
                Some("uint8"),
                Some("binary"),
                Some("ubinary"),
                None
            ]
        );
    }
}
