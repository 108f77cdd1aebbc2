//! The columns of a relation that can take part in a search.

use std::cell::OnceCell;

use pgrx::pg_sys;
use quantize::{Precision, Ranges};

use crate::errors::OrRaise;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `real[]`.
    Real,
    /// pgvector's types.
    Vector,
    HalfVector,
    /// Codes.
    Binary,
    Int8,
    Uint8,
}

/// The types of float columns.
pub const FLOATS: [Kind; 3] = [Kind::Real, Kind::Vector, Kind::HalfVector];
/// The types of columns of codes.
pub const CODES: [Kind; 3] = [Kind::Binary, Kind::Int8, Kind::Uint8];
/// The types of codes that know more than signs.
pub const INTEGER_CODES: [Kind; 2] = [Kind::Int8, Kind::Uint8];

impl Kind {
    /// As SQL calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Real => "real[]",
            Self::Vector => "vector",
            Self::HalfVector => "halfvec",
            Self::Binary => "binvec",
            Self::Int8 => "int8vec",
            Self::Uint8 => "uint8vec",
        }
    }

    /// From the name of the type in `pg_type`.
    pub fn from_type_name(name: &str) -> Option<Self> {
        let kinds = FLOATS.into_iter().chain(CODES);
        match name {
            "_float4" => Some(Self::Real),
            name => kinds.into_iter().find(|kind| kind.name() == name),
        }
    }

    /// Whether the column holds embeddings rather than codes.
    pub fn is_float(self) -> bool {
        FLOATS.contains(&self)
    }

    /// Whether codes of this precision are of this type.
    pub fn is_of(self, precision: Precision) -> bool {
        match self {
            Self::Binary => matches!(precision, Precision::Binary | Precision::Ubinary),
            Self::Int8 => precision == Precision::Int8,
            Self::Uint8 => precision == Precision::Uint8,
            _ => precision == Precision::Float32,
        }
    }
}

/// What `quantized_columns` says about a column of codes.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The column that the codes are made from.
    pub source: Option<String>,
    /// Whether every row has its code.
    pub is_complete: bool,
    /// When it was recorded, in seconds.
    pub created_at: f64,
    pub unit_length: Option<bool>,
}

/// A column that can take part.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub number: i16,
    pub name: String,
    /// The name as an identifier of SQL.
    pub sql: String,
    pub kind: Kind,
    pub type_oid: pg_sys::Oid,
    /// The type, and the schema of its operators, as SQL text.
    pub type_sql: String,
    pub schema_sql: String,
    /// Declared dimensions.
    pub dimensions: Option<usize>,
    /// Whether no row can be without a value, or nothing tells.
    pub is_filled: bool,
    /// The operators by which an index hands out all of the rows.
    pub indexed_by: Vec<String>,
    /// Whether any index can hand out rows in an order of this column.
    pub has_index: bool,
    pub record: Option<Record>,
    /// d minima, then d maxima.
    pub ranges: Option<Vec<f32>>,
    pub thresholds: Option<Vec<f32>>,
    pub truncate_dim: Option<usize>,
    prepared: OnceCell<Ranges>,
}

/// The columns of the catalog query, in its order.
impl Column {
    /// One that is described so far by what every column has.
    #[allow(clippy::too_many_arguments)] // One for each field.
    pub fn new(
        number: i16,
        name: String,
        sql: String,
        kind: Kind,
        type_oid: pg_sys::Oid,
        type_sql: String,
        schema_sql: String,
    ) -> Self {
        Self {
            number,
            name,
            sql,
            kind,
            type_oid,
            type_sql,
            schema_sql,
            dimensions: None,
            is_filled: false,
            indexed_by: Vec::new(),
            has_index: false,
            record: None,
            ranges: None,
            thresholds: None,
            truncate_dim: None,
            prepared: OnceCell::new(),
        }
    }

    /// The recorded ranges, checked.
    pub fn prepared_ranges(&self) -> Option<&Ranges> {
        let ranges = self.ranges.as_ref()?;
        Some(
            self.prepared
                .get_or_init(|| Ranges::from_rows(ranges).or_raise()),
        )
    }

    /// The dimensions of a query that has been cut for this column.
    pub fn dimensions_of(&self, query: usize) -> usize {
        self.truncate_dim.unwrap_or(query)
    }

    /// The column that the codes are made from, where it is recorded.
    pub fn source(&self) -> Option<&str> {
        self.record.as_ref()?.source.as_deref()
    }

    /// Whether a backfill of the column is under way.
    pub fn is_backfilling(&self) -> bool {
        self.record
            .as_ref()
            .is_some_and(|record| !record.is_complete)
    }
}
