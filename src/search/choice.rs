//! Which columns a search reads: the codes of the scan, the codes to refine with, the floats.
//!
//! The choice depends on the relation and the arguments alone, so a search keeps working, and keeps its columns, while
//! others are added. `docs/search.md` states the order.

use std::cmp::Ordering;

use pgrx::PgSqlErrorCode as Code;
use quantize::Precision;

use super::arguments::{Metric, Shape};
use super::column::{CODES, Column, FLOATS, INTEGER_CODES, Kind};
use super::relation::Relation;
use crate::errors::{raise, raise_with_detail, raise_with_hint};
use crate::spi::type_name;

/// The column of each stage; none where there is no such stage.
#[derive(Clone, Copy, Default)]
pub struct Stages<'a> {
    pub embedding: Option<&'a Column>,
    pub quantized: Option<&'a Column>,
    pub refine: Option<&'a Column>,
}

impl<'a> Stages<'a> {
    /// The column that the scan orders by.
    pub fn scanned(&self) -> &'a Column {
        self.quantized
            .or(self.embedding)
            .expect("a search reads a column")
    }

    /// The column whose distance becomes the score.
    pub fn last(&self, shape: &Shape) -> &'a Column {
        let codes = self.refine.or(self.quantized);
        match (shape.rescore, self.embedding) {
            (false, embedding) => codes.or(embedding),
            (true, embedding) => embedding.or(codes),
        }
        .expect("a search reads a column")
    }
}

/// The operator of a metric on embeddings.
pub fn operator(metric: Metric) -> &'static str {
    match metric {
        Metric::InnerProduct => "<#>",
        Metric::L2 => "<->",
        Metric::Cosine | Metric::Hamming => "<=>",
    }
}

/// Whether the inner product with the scaled query ranks integer codes rightly: the offset of the ranges is the same for
/// every row, and so are the lengths of unit vectors. Truncated embeddings were normalized again.
pub fn ranks_by_inner_product(column: &Column, metric: Metric) -> bool {
    let unit = column.record.as_ref().and_then(|record| record.unit_length);
    metric == Metric::InnerProduct || column.truncate_dim.is_some() || unit == Some(true)
}

/// The operator of the scan's distance where an index can serve it.
pub fn scan_operator(column: &Column, metric: Metric) -> Option<&'static str> {
    match column.kind {
        Kind::Binary if metric == Metric::Hamming => Some("<~>"),
        Kind::Binary => Some("<#>"),
        Kind::Int8 | Kind::Uint8 => ranks_by_inner_product(column, metric).then_some("<#>"),
        _ => Some(operator(metric)),
    }
}

/// Whether an index hands out the rows in the order of the scan.
pub fn has_index_for(column: &Column, metric: Metric) -> bool {
    scan_operator(column, metric)
        .is_some_and(|operator| column.indexed_by.iter().any(|name| name == operator))
}

/// The stages of a search, checked against the query.
pub fn choose<'a>(relation: &'a Relation, shape: &Shape) -> Stages<'a> {
    let search = Choice { relation, shape };
    let stages = search.stages();
    search.check(&stages);
    stages
}

struct Choice<'a, 's> {
    relation: &'a Relation,
    shape: &'s Shape,
}

impl<'a> Choice<'a, '_> {
    fn stages(&self) -> Stages<'a> {
        let shape = self.shape;
        let mut stages = Stages {
            embedding: shape
                .embedding
                .as_ref()
                .map(|name| self.named(name, &FLOATS, "embedding")),
            quantized: self.codes(),
            refine: None,
        };
        let source = stages.quantized.and_then(Column::source);
        let needs_floats = shape.rescore || source.is_some() || stages.quantized.is_none();
        if stages.embedding.is_none() {
            stages.embedding = if needs_floats {
                self.floats(source)
            } else {
                self.only_floats()
            };
        }
        if let Some(name) = &shape.refine {
            let refine = self.named(name, &INTEGER_CODES, "refine");
            if stages
                .quantized
                .is_none_or(|quantized| quantized.name == *name)
            {
                raise_with_hint(
                    Code::ERRCODE_INVALID_PARAMETER_VALUE,
                    format!("no quantized column comes before \"{name}\""),
                    "The column to refine with is read between the quantized column and the floats. \
                     A single column of codes is passed as quantized.",
                );
            }
            stages.refine = Some(refine);
        }
        if let Some(embedding) = stages.embedding {
            if self.passes_over(stages.quantized, embedding) {
                stages.quantized = None;
            }
            if stages.quantized.is_none() || stages.refine.is_some_and(Column::is_backfilling) {
                stages.refine = None;
            }
        } else if shape.rescore || stages.quantized.is_none() {
            self.no_floats(stages.quantized.is_some());
        }
        stages
    }

    /// Whether the floats are scanned though there are codes: those are not complete, or nobody asked for them.
    fn passes_over(&self, quantized: Option<&Column>, embedding: &Column) -> bool {
        let shape = self.shape;
        let Some(quantized) = quantized else {
            return false;
        };
        let nobody_asked =
            shape.quantized.is_none() && shape.refine.is_none() && shape.corpus_precision.is_none();
        quantized.is_backfilling()
            || nobody_asked
                && shape.rescore
                && (!self.is_usable(quantized)
                    || !shape.exact && has_index_for(embedding, shape.metric))
    }

    /// Whether the codes of a column that nobody named are there and can be compared.
    fn is_usable(&self, column: &Column) -> bool {
        let can_be_compared =
            column.kind == Kind::Binary || column.ranges.is_some() || self.shape.has_ranges;
        let is_filled = match &column.record {
            Some(record) => record.is_complete,
            // Codes made by hand may be on their way, unless something says otherwise.
            None => column.is_filled || self.shape.has_ranges,
        };
        can_be_compared && is_filled
    }

    /// The codes that the scan reads: those named, or the first in the order of preference.
    fn codes(&self) -> Option<&'a Column> {
        let shape = self.shape;
        if let Some(name) = &shape.quantized {
            let named = self.named(name, &CODES, "quantized");
            if let Some(precision) = shape.corpus_precision
                && !named.kind.is_of(precision)
            {
                raise(
                    Code::ERRCODE_INVALID_PARAMETER_VALUE,
                    format!(
                        "corpus_precision is \"{}\", but column \"{name}\" is of type {}",
                        precision.name(),
                        named.kind.name()
                    ),
                );
            }
            return Some(named);
        }
        if shape.corpus_precision == Some(Precision::Float32) {
            return None;
        }
        let best = self
            .candidates()
            .min_by(|a, b| self.prefer(a, b))
            .filter(|best| {
                // Floats that were made for such queries go before codes that were not.
                shape.corpus_precision.is_some()
                    || self.fits(best)
                    || !self
                        .of(&FLOATS)
                        .any(|floats| floats.dimensions.is_some() && self.fits(floats))
            });
        if let (None, Some(precision)) = (best, shape.corpus_precision) {
            raise_with_hint(
                Code::ERRCODE_UNDEFINED_COLUMN,
                format!(
                    "relation \"{}\" has no column of {} codes",
                    self.relation.name,
                    precision.name()
                ),
                "Make one by CALL quantize_column, or search the floats by corpus_precision => 'float32'.",
            );
        }
        best
    }

    fn candidates(&self) -> impl Iterator<Item = &'a Column> {
        let shape = self.shape;
        let floats = self.of(&FLOATS).count();
        self.of(&CODES).filter(move |column| {
            let of_embedding = match (&shape.embedding, column.source()) {
                (None, _) => true,
                (Some(embedding), Some(source)) => embedding == source,
                (Some(_), None) => floats == 1,
            };
            of_embedding
                && shape.refine.as_ref() != Some(&column.name)
                && shape
                    .corpus_precision
                    .is_none_or(|precision| column.kind.is_of(precision))
                && (shape.metric != Metric::Hamming || column.kind == Kind::Binary)
        })
    }

    /// Which of two columns that nobody named comes first: one that can be used, that fits the query, that an index
    /// serves, that is recorded, the one that was recorded first, the one that is first in the table.
    fn prefer(&self, a: &Column, b: &Column) -> Ordering {
        let rank = |column: &Column| {
            (
                !self.is_usable(column),
                !self.fits(column),
                self.shape.exact || !has_index_for(column, self.shape.metric),
                column.record.is_none(),
            )
        };
        let created = |column: &Column| column.record.as_ref().map_or(0.0, |r| r.created_at);
        rank(a)
            .cmp(&rank(b))
            .then(created(a).total_cmp(&created(b)))
            .then(a.number.cmp(&b.number))
    }

    /// Whether the declared dimensions are those of the query, as far as they are known.
    fn fits(&self, column: &Column) -> bool {
        match (column.dimensions, self.shape.dimensions) {
            (Some(declared), Some(query)) => {
                let needed = column.dimensions_of(query);
                declared == needed && needed <= query
            }
            _ => true,
        }
    }

    /// The floats when none are named: those that the codes were made from, or the only ones there are, or the only ones
    /// of the query's dimensions, or those that were quantized first, or the only ones with an index.
    fn floats(&self, source: Option<&str>) -> Option<&'a Column> {
        let all: Vec<&Column> = match source {
            Some(source) => self
                .of(&FLOATS)
                .filter(|column| column.name == source)
                .collect(),
            None => self.of(&FLOATS).collect(),
        };
        if all.len() <= 1 {
            return all.first().copied();
        }
        let fitting: Vec<&Column> = all
            .iter()
            .copied()
            .filter(|column| self.fits(column))
            .collect();
        let mut records: Vec<_> = self
            .of(&CODES)
            .filter_map(|column| column.record.as_ref())
            .collect();
        records.sort_by(|a, b| a.created_at.total_cmp(&b.created_at));
        let quantized = records.iter().find_map(|record| {
            all.iter()
                .find(|column| record.source.as_ref() == Some(&column.name))
        });
        let indexed: Vec<&Column> = all
            .iter()
            .copied()
            .filter(|column| has_index_for(column, self.shape.metric))
            .collect();
        match (&fitting[..], quantized, &indexed[..]) {
            ([one], _, _) => Some(one),
            (_, Some(one), _) => Some(one),
            (_, None, [one]) => Some(one),
            _ => self.several_floats(&all),
        }
    }

    /// The floats beside codes that are searched alone: of use where there is no doubt about them.
    fn only_floats(&self) -> Option<&'a Column> {
        let mut all = self.of(&FLOATS);
        let first = all.next()?;
        (all.next().is_none() && self.fits(first)).then_some(first)
    }

    fn of(&self, kinds: &'static [Kind]) -> impl Iterator<Item = &'a Column> {
        self.relation
            .columns
            .iter()
            .filter(move |column| kinds.contains(&column.kind))
    }

    /// The column of this name, which must be of one of these kinds.
    fn named(&self, name: &str, kinds: &'static [Kind], parameter: &str) -> &'a Column {
        if let Some(column) = self.of(kinds).find(|column| column.name == name) {
            return column;
        }
        let Some(attribute) = self.relation.attributes.iter().find(|a| a.name == name) else {
            raise(
                Code::ERRCODE_UNDEFINED_COLUMN,
                format!(
                    "column \"{name}\" of relation \"{}\" does not exist",
                    self.relation.name
                ),
            );
        };
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        raise_with_hint(
            Code::ERRCODE_DATATYPE_MISMATCH,
            format!(
                "column \"{name}\" cannot be \"{parameter}\": it is of type {}",
                type_name(attribute.type_oid)
            ),
            format!("The types are {}.", kinds.join(", ")),
        )
    }

    fn several_floats(&self, columns: &[&Column]) -> ! {
        let names: Vec<_> = columns
            .iter()
            .map(|column| format!("\"{}\" ({})", column.name, column.kind.name()))
            .collect();
        raise_with_hint(
            Code::ERRCODE_AMBIGUOUS_COLUMN,
            format!(
                "relation \"{}\" has several embedding columns: {}",
                self.relation.name,
                names.join(", ")
            ),
            format!(
                "Name one of them, as in embedding => '{}'.",
                columns[0].name.replace('\'', "''")
            ),
        )
    }

    fn no_floats(&self, has_codes: bool) -> ! {
        raise_with_detail(
            Code::ERRCODE_UNDEFINED_COLUMN,
            format!(
                "relation \"{}\" has no embedding column",
                self.relation.name
            ),
            "An embedding column is of type real[], or vector or halfvec of pgvector.",
            if has_codes {
                "To search the codes alone, pass rescore => false."
            } else {
                "Name a table or view that has one."
            },
        )
    }

    /// Raises an error unless the query and the calibration fit the columns.
    fn check(&self, stages: &Stages<'_>) {
        for column in [stages.embedding, stages.quantized, stages.refine]
            .into_iter()
            .flatten()
        {
            self.check_dimensions(column);
            if INTEGER_CODES.contains(&column.kind)
                && column.ranges.is_none()
                && !self.shape.has_ranges
            {
                raise_with_hint(
                    Code::ERRCODE_INVALID_PARAMETER_VALUE,
                    format!(
                        "the ranges of column \"{}\" of relation \"{}\" are not known",
                        column.name, self.relation.name
                    ),
                    "Pass those that its codes were made with, as ranges => …. \
                     Of columns that quantize_column makes they are recorded.",
                );
            }
        }
        if let (Metric::Hamming, Some(quantized)) = (self.shape.metric, stages.quantized)
            && quantized.kind != Kind::Binary
        {
            raise(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                format!(
                    "metric \"hamming\" needs sign bits, but column \"{}\" is of type {}",
                    quantized.name,
                    quantized.kind.name()
                ),
            );
        }
    }

    fn check_dimensions(&self, column: &Column) {
        let Some(query) = self.shape.dimensions else {
            return;
        };
        let too_short = column
            .truncate_dim
            .is_some_and(|truncate_dim| truncate_dim > query);
        if self.fits(column) && !too_short {
            return;
        }
        let declared = column
            .dimensions
            .or(column.truncate_dim)
            .unwrap_or_default();
        raise_with_hint(
            Code::ERRCODE_DATA_EXCEPTION,
            format!(
                "query has {query} dimensions, but column \"{}\" has {declared}",
                column.name
            ),
            "A query must come from the model that made the embeddings, with the same number of dimensions.",
        )
    }
}
