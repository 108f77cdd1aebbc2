//! The statement that a search runs.
//!
//! It is one SELECT in stages, each the nearest rows of the stage before by a better distance: the scan of the relation,
//! which an index may serve; optionally the integer codes; last the distance that becomes the score. Between stages only
//! the rows' addresses travel (ctid) where the relation has them, so that the scan's sort does not copy documents and
//! floats that it will not need. Views, foreign and partitioned tables carry their columns instead, and so do scans that an
//! index may serve: they need no sort, and Postgres loses the ctid of a row that it reorders after an index. Partitions on
//! other servers are scanned one by one, so that each server sends the nearest of its own rows and no others.
//!
//! The statement runs with the caller's search_path, which the filter needs, so every name in it is qualified.

use super::arguments::{Metric, Shape};
use super::choice::{Stages, operator, ranks_by_inner_product};
use super::column::{Column, Kind};
use super::relation::Relation;

/// A value that the statement is given: a parameter, or SQL text where it is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The query.
    Query,
    /// The query as the codes of a stage were made: cut, less the thresholds.
    QueryFor(Stage),
    /// That, times the step widths of the scanned codes.
    ScaledQuery,
    /// The query as a stage's integer codes of any length are compared with it.
    RangedQuery(Stage),
    /// The sign bits of the query.
    QueryBits,
    /// The ranges of a stage's codes.
    Ranges(Stage),
    /// The code of an embedding of zeros.
    ZeroCode,
    /// The query's number in its batch.
    QueryNumber,
    MinScore,
}

/// A stage that reads codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Scan,
    Refine,
}

/// Whether bits are compared with the query less the thresholds. Of an inner product the thresholds' own share is the same
/// for every row.
pub fn is_centered(column: &Column, metric: Metric) -> bool {
    column.kind == Kind::Binary
        && column.thresholds.is_some()
        && matches!(metric, Metric::Cosine | Metric::L2)
}

/// Builds the statement; `argument` gives the text of each value.
pub fn build(
    relation: &Relation,
    stages: &Stages<'_>,
    shape: &Shape,
    argument: &mut dyn FnMut(Argument) -> String,
) -> String {
    let mut distance = "distance".to_owned();
    while relation
        .attributes
        .iter()
        .any(|attribute| attribute.name == distance)
    {
        distance.push('_');
    }
    let by_ctid = relation.has_ctid && (shape.exact || !stages.scanned().has_index);
    Builder {
        relation,
        stages,
        shape,
        argument,
        distance,
        by_ctid,
    }
    .statement()
}

struct Builder<'a> {
    relation: &'a Relation,
    stages: &'a Stages<'a>,
    shape: &'a Shape,
    argument: &'a mut dyn FnMut(Argument) -> String,
    /// A name that no column has.
    distance: String,
    /// Whether rows go from stage to stage by their address; otherwise by all their columns.
    by_ctid: bool,
}

impl Builder<'_> {
    fn statement(mut self) -> String {
        let stages = self.stages;
        let (scanned, last) = (stages.scanned(), stages.last(self.shape));
        let rows = i64::from(self.shape.top_k) + i64::from(self.shape.offset);
        let candidates = if last.name == scanned.name {
            rows
        } else {
            self.shape.candidates
        };
        let alias = &self.relation.alias;
        let output = if self.by_ctid {
            format!("{alias}.ctid")
        } else {
            format!("{alias}.*")
        };
        let condition = self.scan_condition(scanned, last);
        let distance = self.scan_distance(scanned);
        // No index matches a sum, nor one that is created after the statement was prepared.
        let distance = if self.shape.exact || self.by_ctid {
            format!("({distance}) OPERATOR(pg_catalog.+) 0")
        } else {
            distance
        };
        let mut nearest = if self.relation.partitions.is_empty() {
            let scan = format!("{}\nWHERE {condition}", self.relation.sql);
            select(&output, &scan, &distance, candidates)
        } else {
            self.nearest_of_partitions(&condition, &distance, candidates)
        };
        if let Some(refine) = stages.refine.filter(|refine| refine.name != last.name) {
            let from = format!("(\n{nearest}{}", self.again());
            let distance = self.refining_distance(refine);
            nearest = select(&output, &from, &distance, candidates.min(2 * rows));
        }
        let from = format!("(\n{nearest}{}", self.again());
        let name = self.distance.clone();
        let output = format!("{alias}.*, {} AS {name}", self.final_distance(last));
        nearest = select(&output, &from, &name, i64::from(self.shape.top_k));
        if self.shape.offset > 0 {
            nearest.push_str(&format!("\nOFFSET {}", self.shape.offset));
        }
        self.result(last, &nearest)
    }

    /// The nearest rows of each partition, then of all. Postgres sends no LIMIT to the servers of a partitioned table, and asks
    /// one server after the other when it merges what they have sorted: hence the distance as a column, and the sum.
    fn nearest_of_partitions(&self, condition: &str, distance: &str, candidates: i64) -> String {
        let (relation, name) = (self.relation, &self.distance);
        let alias = &relation.alias;
        let columns = relation
            .attributes
            .iter()
            .map(|a| format!("{alias}.{}", a.sql));
        let columns = columns.collect::<Vec<_>>().join(", ");
        let output = format!("{columns}, {distance} AS {name}");
        let each = relation.partitions.iter().map(|partition| {
            let scan = format!("{partition} AS {alias}\nWHERE {condition}");
            format!("(\n{}\n)", select(&output, &scan, name, candidates))
        });
        let each = each.collect::<Vec<_>>().join("\nUNION ALL\n");
        let distance = format!("{alias}.{name} OPERATOR(pg_catalog.+) 0");
        select(
            &columns,
            &format!("(\n{each}\n) AS {alias}"),
            &distance,
            candidates,
        )
    }

    /// WHERE of the scan. Rows without a code, or without the floats to rescore them, are not found. An embedding
    /// of zeros has no direction, but its code has one: it must not take a candidate's place.
    fn scan_condition(&mut self, scanned: &Column, last: &Column) -> String {
        let relation = self.relation;
        let mut names = Vec::new();
        for column in [Some(scanned), self.stages.refine, Some(last)]
            .into_iter()
            .flatten()
        {
            let condition = format!("{}.{} IS NOT NULL", relation.alias, column.sql);
            if !names.contains(&condition) {
                names.push(condition);
            }
        }
        names.sort();
        let mut condition = names.join(" AND ");
        if let Some(guard) = self.guard_against_zeros(scanned) {
            condition.push_str(&format!(" AND ({guard})"));
        }
        if let Some(filter) = &self.shape.filter {
            condition.push_str(&format!(" AND (\n{filter}\n)"));
        }
        condition
    }

    fn guard_against_zeros(&mut self, scanned: &Column) -> Option<String> {
        let floats = self.stages.embedding?;
        let by_direction = matches!(self.shape.metric, Metric::Cosine | Metric::Hamming);
        if !by_direction || scanned.kind.is_float() || self.dimensions(scanned).is_none() {
            return None;
        }
        let (relation, zero) = (self.relation, (self.argument)(Argument::ZeroCode));
        let (alias, extension) = (&relation.alias, &relation.extension);
        let embedding = format!("{alias}.{}::pg_catalog.float4[]", floats.sql);
        Some(format!(
            "{alias}.{} OPERATOR({extension}.<>) {zero} \
             OR {embedding} OPERATOR({extension}.<#>) {embedding} OPERATOR(pg_catalog.<>) 0",
            scanned.sql
        ))
    }

    fn dimensions(&self, column: &Column) -> Option<usize> {
        dimensions(column, self.shape)
    }

    /// The rows of the stage before, by their names.
    fn again(&self) -> String {
        let relation = self.relation;
        if !self.by_ctid {
            return format!("\n) AS {}", relation.alias);
        }
        let nearest = if relation.alias == "nearest" {
            "nearer"
        } else {
            "nearest"
        };
        format!(
            "\n) AS {nearest} JOIN {} ON {}.ctid OPERATOR(pg_catalog.=) {nearest}.ctid",
            relation.sql, relation.alias
        )
    }

    /// The distance that the scan orders by: of a form that an index on the column can serve, where there is one.
    ///
    /// Sign bits know directions only, so their inner product with the query serves every metric.
    fn scan_distance(&mut self, column: &Column) -> String {
        let metric = self.shape.metric;
        let extension = &self.relation.extension;
        let code = self.qualified(column);
        match column.kind {
            Kind::Real | Kind::Vector | Kind::HalfVector => {
                let (query, operator) = ((self.argument)(Argument::Query), operator(metric));
                let schema = if column.kind == Kind::Real {
                    extension
                } else {
                    &column.schema_sql
                };
                let query = match column.kind {
                    Kind::Real => query,
                    _ => format!("{query}::{}", column.type_sql),
                };
                format!("{code} OPERATOR({schema}.{operator}) {query}")
            }
            Kind::Binary if metric == Metric::Hamming => self.hamming_distance(column),
            Kind::Binary => {
                let query = self.query_for(column, Stage::Scan);
                format!("{code} OPERATOR({extension}.<#>) {query}")
            }
            Kind::Int8 | Kind::Uint8 if ranks_by_inner_product(column, metric) => {
                let query = (self.argument)(Argument::ScaledQuery);
                format!("{code} OPERATOR({extension}.<#>) {query}")
            }
            Kind::Int8 | Kind::Uint8 => self.ranged_distance(column, Stage::Scan),
        }
    }

    /// The distance of integer codes, whatever the lengths of what they stand for: to rank by, not to be a score.
    fn ranged_distance(&mut self, column: &Column, stage: Stage) -> String {
        let query = (self.argument)(Argument::RangedQuery(stage));
        format!(
            "quantize.ranged_distance({}, {query})",
            self.qualified(column)
        )
    }

    fn refining_distance(&mut self, refine: &Column) -> String {
        match self.shape.metric {
            Metric::InnerProduct => self.dequantized_distance(refine, Stage::Refine),
            _ => self.ranged_distance(refine, Stage::Refine),
        }
    }

    /// A code's distance to the query, through the embedding that it stands for.
    fn dequantized_distance(&mut self, column: &Column, stage: Stage) -> String {
        let code = self.qualified(column);
        let extension = self.relation.extension.clone();
        let ranges = match column.kind {
            Kind::Binary => String::new(),
            _ => format!(", {}", (self.argument)(Argument::Ranges(stage))),
        };
        let query = self.query_for(column, stage);
        format!(
            "{extension}.dequantize_embeddings({code}{ranges}) OPERATOR({extension}.{}) {query}",
            operator(self.shape.metric)
        )
    }

    fn hamming_distance(&mut self, column: &Column) -> String {
        let bits = (self.argument)(Argument::QueryBits);
        format!(
            "{} OPERATOR({}.<~>) {bits}",
            self.qualified(column),
            self.relation.extension
        )
    }

    /// The distance that becomes the score: to the embedding where it is read, else to what the codes stand for.
    fn final_distance(&mut self, last: &Column) -> String {
        let metric = self.shape.metric;
        let refines = self
            .stages
            .refine
            .is_some_and(|refine| refine.name == last.name);
        match last.kind {
            Kind::Real | Kind::Vector | Kind::HalfVector => format!(
                "{}::pg_catalog.float4[] OPERATOR({}.{}) {}",
                self.qualified(last),
                self.relation.extension,
                operator(metric),
                (self.argument)(Argument::Query)
            ),
            Kind::Binary if metric == Metric::Hamming => self.hamming_distance(last),
            _ if refines => self.dequantized_distance(last, Stage::Refine),
            _ => self.dequantized_distance(last, Stage::Scan),
        }
    }

    fn query_for(&mut self, column: &Column, stage: Stage) -> String {
        let as_it_is = column.truncate_dim.is_none() && !is_centered(column, self.shape.metric);
        (self.argument)(if as_it_is {
            Argument::Query
        } else {
            Argument::QueryFor(stage)
        })
    }

    fn qualified(&self, column: &Column) -> String {
        format!("{}.{}", self.relation.alias, column.sql)
    }

    /// The statement around the stages: the distance becomes the score, higher the better, and the columns become a row
    /// again. A distance that is not a number is that of a row which is like nothing.
    fn result(&mut self, last: &Column, nearest: &str) -> String {
        let metric = self.shape.metric;
        let one =
            metric == Metric::Cosine || metric == Metric::Hamming && last.kind != Kind::Binary;
        let distance = format!("found.{}", self.distance);
        let score = format!("{} OPERATOR(pg_catalog.-) {distance}", u8::from(one));
        let columns: Vec<_> = self
            .relation
            .attributes
            .iter()
            .map(|a| format!("found.{}", a.sql))
            .collect();
        let number = (self.argument)(Argument::QueryNumber);
        let mut condition =
            format!("{distance} OPERATOR(pg_catalog.<) 'Infinity'::pg_catalog.float8");
        if metric == Metric::InnerProduct {
            let least = "'-Infinity'::pg_catalog.float8";
            condition.push_str(&format!(" AND {distance} OPERATOR(pg_catalog.>) {least}"));
        }
        if self.shape.has_min_score {
            let least = (self.argument)(Argument::MinScore);
            condition.push_str(&format!(" AND ({score}) OPERATOR(pg_catalog.>=) {least}"));
        }
        format!(
            "SELECT {number} AS query_no, ROW({})::{} AS doc, {score} AS score\n\
             FROM (\n{nearest}\n) AS found\nWHERE {condition}\nORDER BY {distance}",
            columns.join(", "),
            self.relation.sql
        )
    }
}

/// The dimensions of a column's codes, as far as they are known.
pub fn dimensions(column: &Column, shape: &Shape) -> Option<usize> {
    column
        .dimensions
        .or(column.truncate_dim)
        .or(column.ranges.as_ref().map(|ranges| ranges.len() / 2))
        .or(shape.dimensions)
}

/// One stage: the nearest rows of those that `from` (FROM and WHERE) yields.
fn select(output: &str, from: &str, distance: &str, limit: i64) -> String {
    format!("SELECT {output}\nFROM {from}\nORDER BY {distance}\nLIMIT {limit}")
}
