//! The statement of a search to be read, or prepared, by people: with literals where the search itself has parameters.

use super::arguments::{Arguments, Metric};
use super::choice::Stages;
use super::column::{Column, Kind};
use super::query::{GivenRanges, ZeroCode};
use super::relation::Relation;
use super::statement::{Argument, Stage, build, dimensions, is_centered};

/// The statement for the first query; without a query, one that has `$1` in its place.
pub fn statement(
    relation: &Relation,
    stages: &Stages<'_>,
    arguments: &Arguments,
    ranges: Option<&GivenRanges>,
) -> String {
    let query = arguments.queries().next();
    let texts = Texts {
        relation,
        stages,
        arguments,
        ranges,
        query: query.map_or("$1::pg_catalog.float4[]".to_owned(), float_array),
        is_prepared: query.is_none(),
    };
    build(relation, stages, &arguments.shape, &mut |argument| {
        texts.of(argument)
    })
}

struct Texts<'a> {
    relation: &'a Relation,
    stages: &'a Stages<'a>,
    arguments: &'a Arguments,
    ranges: Option<&'a GivenRanges>,
    query: String,
    /// Whether the query comes later: then what is made from it is to be made once, not for every row.
    is_prepared: bool,
}

impl Texts<'_> {
    fn of(&self, argument: Argument) -> String {
        let (scanned, extension) = (self.stages.scanned(), &self.relation.extension);
        match argument {
            Argument::Query => self.query.clone(),
            Argument::QueryFor(Stage::Scan) => self.once(self.query_for(scanned)),
            Argument::QueryFor(Stage::Refine) => self.once(
                self.stages
                    .refine
                    .map_or(String::new(), |refine| self.query_for(refine)),
            ),
            Argument::ScaledQuery => {
                let (query, ranges) = (self.cut(scanned), self.ranges_of(scanned));
                self.once(format!("{extension}.scale_query({query}, {ranges})"))
            }
            Argument::RangedQuery(Stage::Scan) => self.once(self.ranged_query(scanned)),
            Argument::RangedQuery(Stage::Refine) => self.once(
                self.stages
                    .refine
                    .map_or(String::new(), |refine| self.ranged_query(refine)),
            ),
            Argument::QueryBits => {
                let thresholds = scanned.thresholds.as_ref();
                let thresholds =
                    thresholds.map_or(String::new(), |t| format!(", {}", float_array(t)));
                let query = self.cut(scanned);
                self.once(format!("{extension}.quantize_binary({query}{thresholds})"))
            }
            Argument::Ranges(Stage::Scan) => self.ranges_of(scanned),
            Argument::Ranges(Stage::Refine) => self
                .stages
                .refine
                .map_or(String::new(), |refine| self.ranges_of(refine)),
            Argument::ZeroCode => {
                let dimensions = dimensions(scanned, &self.arguments.shape).unwrap_or(1);
                let code = ZeroCode::new(scanned, dimensions, self.ranges).text();
                format!("'{code}'::{}", scanned.type_sql)
            }
            Argument::QueryNumber => "0".to_owned(),
            Argument::MinScore => {
                let least = self.arguments.min_score.unwrap_or(f32::NEG_INFINITY);
                format!("'{}'::pg_catalog.float4", float(least))
            }
        }
    }

    fn once(&self, expression: String) -> String {
        if self.is_prepared {
            format!("(SELECT {expression})")
        } else {
            expression
        }
    }

    /// The query cut to a column's dimensions.
    fn cut(&self, column: &Column) -> String {
        match column.truncate_dim {
            None => self.query.clone(),
            Some(length) => {
                format!(
                    "{}.truncate_embeddings({}, {length})",
                    self.relation.extension, self.query
                )
            }
        }
    }

    fn query_for(&self, column: &Column) -> String {
        let (metric, query) = (self.arguments.shape.metric, self.cut(column));
        match &column.thresholds {
            Some(thresholds) if is_centered(column, metric) => format!(
                "{}.center_query({query}, {}{})",
                self.relation.extension,
                float_array(thresholds),
                if metric == Metric::L2 { ", 'l2'" } else { "" }
            ),
            _ => query,
        }
    }

    fn ranged_query(&self, column: &Column) -> String {
        let (query, ranges) = (self.cut(column), self.ranges_of(column));
        let metric = if self.arguments.shape.metric == Metric::L2 {
            "l2"
        } else {
            "cosine"
        };
        let signed = column.kind == Kind::Int8;
        format!("quantize.ranged_query({query}, {ranges}, '{metric}', {signed})")
    }

    fn ranges_of(&self, column: &Column) -> String {
        let rows = match self.ranges {
            Some(given) => &given.rows,
            None => column
                .ranges
                .as_ref()
                .expect("checked when the column was chosen"),
        };
        let (minima, maxima) = rows.split_at(rows.len() / 2);
        format!(
            "'{{{},{}}}'::pg_catalog.float4[]",
            list(minima),
            list(maxima)
        )
    }
}

fn float_array(values: &[f32]) -> String {
    format!("'{}'::pg_catalog.float4[]", list(values))
}

fn list(values: &[f32]) -> String {
    let values: Vec<_> = values.iter().map(|&value| float(value)).collect();
    format!("{{{}}}", values.join(","))
}

/// The shortest text that reads as the same number, of the form that Postgres writes.
fn float(value: f32) -> String {
    match value.abs() {
        0.0 | 1e-4..1e6 => value.to_string(),
        _ if value.is_infinite() => if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        _ => format!("{value:e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::float;

    #[test]
    fn numbers_read_as_they_were() {
        let values = [
            0.0,
            -0.5,
            0.1,
            1e-5,
            1.234_567_8e-20,
            999_999.9,
            1e6,
            f32::MAX,
            f32::MIN_POSITIVE,
        ];
        for value in values {
            assert_eq!(float(value).parse::<f32>().unwrap(), value);
        }
        assert_eq!(float(0.5), "0.5");
        assert_eq!(float(1e-5), "1e-5");
    }
}
