//! `cargo xtask generate-sql`: the companion's script, from the tables below.
//!
//! Two types by six kinds of array by four operators are too many statements to type. The script is checked in, so that it can be
//! read and compared; a test fails when it is not what the tables say.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace;

/// The schema of what people don't call themselves, with the dot.
const INTERNAL: &str = "quantize.";

/// pgvector's types that get the index and the aggregates.
const TYPES: [&str; 2] = ["vector", "halfvec"];

/// Operator classes: the metric as its name says it, the operator, whether it is the default, as for pgvector's ivfflat.
const CLASSES: [(&str, &str, bool); 3] = [
    ("cosine", "<=>", false),
    ("ip", "<#>", false),
    ("l2", "<->", true),
];

/// Operators that take other arguments than pgvector's own: symbol and what it means.
const OPERATORS: [(&str, &str); 4] = [
    ("<=>", "cosine distance"),
    ("<#>", "negative inner product"),
    ("<->", "l2 distance"),
    ("<+>", "l1 distance"),
];

/// Element types of arrays that may be queries, and the casts on the way where pgvector has none from that array.
const ELEMENTS: [(&str, &str); 6] = [
    ("real", ""),
    ("float8", ""),
    ("numeric", ""),
    ("smallint", "::real[]"),
    ("integer", ""),
    ("bigint", "::real[]"),
];

/// An aggregate of pg_quantize for pgvector's types; it shares states, combine and final functions with that on `real[]`.
struct Aggregate {
    name: &'static str,
    /// Further arguments, as they are declared, and their types.
    arguments: &'static str,
    argument_types: &'static str,
    transition: &'static str,
    state: &'static str,
    combine: &'static str,
    finish: Option<&'static str>,
    space: u32,
    comment: &'static str,
}

const AGGREGATES: [Aggregate; 4] = [
    Aggregate {
        name: "calibrate_ranges",
        arguments: "",
        argument_types: "",
        transition: "calibrate_ranges",
        state: "real[]",
        combine: "merge_ranges_transition",
        finish: None,
        space: 8192,
        comment: "minimum and maximum of each dimension, as quantize_embeddings takes them",
    },
    Aggregate {
        name: "calibrate_ranges",
        arguments: ", quantile float8",
        argument_types: ", float8",
        transition: "calibrate_quantile",
        state: "integer[]",
        combine: "calibrate_quantile_combine",
        finish: Some("calibrate_quantile_final"),
        space: 8_000_000,
        comment: "ranges that cut 1 - quantile of the values at each end",
    },
    Aggregate {
        name: "calibrate_thresholds",
        arguments: "",
        argument_types: "",
        transition: "calibrate_thresholds",
        state: "float8[]",
        combine: "calibrate_thresholds_combine",
        finish: Some("calibrate_thresholds_final"),
        space: 8192,
        comment: "mean of each dimension, as quantize_binary takes thresholds",
    },
    Aggregate {
        name: "clipping_report",
        arguments: ", ranges real[]",
        argument_types: ", real[]",
        transition: "clipping_report",
        state: "bigint[]",
        combine: "clipping_report_combine",
        finish: Some("clipping_report_final"),
        space: 16384,
        comment: "share of values outside ranges, in all and in the worst dimensions",
    },
];

const HEADER: &str = "\
-- Written by `cargo xtask generate-sql`; change xtask/src/generate_sql.rs, not this file.
--
-- qivf and calibration on pgvector's own types and operators: replace USING hnsw with USING qivf and change no query.
--
-- The script runs with the schemas of vector and pg_quantize on its search_path, so names need no schema here; what they
-- resolve to is fixed now. No function has a name of pgvector's: overloads would make untyped arguments there ambiguous.
";

const ARRAYS: &str = "
-- Arrays as queries. Without these, vector <=> real[] would be taken by pg_quantize's own operator on real[], through pgvector's
-- implicit cast, past the user's index. All six element types, since with fewer a literal such as ARRAY[1,2] is ambiguous. The
-- bodies are inlined, so the plan sees pgvector's operator.
";

const HALFVEC_WITH_VECTOR: &str = "
-- halfvec with vector, as pgvector takes it: the vector is cast. Declared, since with operators for halfvec and real[] it would be
-- ambiguous: a vector can be cast to real[] as well.
";

const CALIBRATION: &str = "
-- Calibration of columns of these types, read where they lie: the aggregates of pg_quantize, which share states, combine and
-- final functions. A vector would do as a real[] through pgvector's cast, but beside a halfvec alone, to which vectors are cast as
-- well, it would be ambiguous.
";

const QUERIES: &str = "
-- Columns gathered by array_agg are matrices: for qivf_tune, recall_report and whatever else takes real[] with a row for each
-- vector. Casts and no overloads, which would make an untyped literal ambiguous.
";

/// `generate-sql`
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    if let Some(argument) = parser.next()? {
        return Err(argument.unexpected().into());
    }
    let path = path();
    fs::write(&path, companion()).with_context(|| format!("could not write {}", path.display()))
}

fn path() -> PathBuf {
    workspace::root().join("companion/pg_quantize_vector--0.1.0.sql")
}

/// The companion's script.
fn companion() -> String {
    let mut sql = HEADER.to_owned();
    for type_name in TYPES {
        operator_classes(&mut sql, type_name);
    }
    sql += ARRAYS;
    for type_name in TYPES {
        for (element, via) in ELEMENTS {
            let array = format!("{element}[]");
            operators(&mut sql, type_name, &array, "array", via);
        }
    }
    sql += HALFVEC_WITH_VECTOR;
    operators(&mut sql, "halfvec", "vector", "vector", "");
    sql += CALIBRATION;
    for type_name in TYPES {
        for aggregate in &AGGREGATES {
            aggregate.write(&mut sql, type_name);
        }
    }
    sql += QUERIES;
    for type_name in TYPES {
        matrix(&mut sql, type_name);
    }
    sql
}

/// The cast of many vectors to a matrix.
fn matrix(sql: &mut String, type_name: &str) {
    *sql += &format!(
        "CREATE FUNCTION {INTERNAL}matrix({type_name}[]) RETURNS real[] IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql\n    \
         RETURN coalesce((SELECT array_agg(v::real[] ORDER BY n) FROM unnest($1) WITH ORDINALITY AS u (v, n)), '{{}}'::real[]);\n\
         CREATE CAST ({type_name}[] AS real[]) WITH FUNCTION {INTERNAL}matrix({type_name}[]) AS IMPLICIT;\n\
         COMMENT ON CAST ({type_name}[] AS real[]) IS 'a row for each {type_name}';\n"
    );
}

/// The classes of a type, named as those of pgvector's index methods.
fn operator_classes(sql: &mut String, type_name: &str) {
    *sql += &format!(
        "\n-- {type_name}: the classes' names are those of pgvector's own index methods.\n"
    );
    for (metric, operator, is_default) in CLASSES {
        let (class, support) = (
            format!("{type_name}_{metric}_ops"),
            format!("qivf_{type_name}_{metric}"),
        );
        let default = if is_default { " DEFAULT" } else { "" };
        *sql += &format!(
            "CREATE FUNCTION {INTERNAL}{support}() RETURNS integer\n    \
             IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', '{support}_wrapper';\n\
             CREATE OPERATOR CLASS {class}{default} FOR TYPE {type_name} USING qivf AS\n    \
             OPERATOR 1 {operator} FOR ORDER BY float_ops,\n    FUNCTION 1 {INTERNAL}{support}();\n\
             COMMENT ON OPERATOR CLASS {class} USING qivf IS 'nearest {type_name} by {operator}';\n"
        );
    }
}

/// The four operators between a type and another one, which is cast to it.
fn operators(sql: &mut String, left: &str, right: &str, right_word: &str, via: &str) {
    for (operator, meaning) in OPERATORS {
        let function = format!(
            "{INTERNAL}{left}_{right_word}_{}",
            meaning.replace(' ', "_")
        );
        *sql += &format!(
            "CREATE FUNCTION {function}(a {left}, b {right}) RETURNS float8\n    \
             IMMUTABLE PARALLEL SAFE LANGUAGE sql RETURN $1 {operator} $2{via}::{left};\n\
             CREATE OPERATOR {operator} (LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = {function});\n\
             COMMENT ON OPERATOR {operator} ({left}, {right}) IS '{meaning}';\n"
        );
    }
}

impl Aggregate {
    fn write(&self, sql: &mut String, type_name: &str) {
        let Self {
            name,
            arguments,
            argument_types,
            transition,
            state,
            combine,
            space,
            comment,
            ..
        } = self;
        let finish = self.finish.map_or(String::new(), |finish| {
            format!("\n    FINALFUNC = {INTERNAL}{finish}, FINALFUNC_MODIFY = read_only,")
        });
        *sql += &format!(
            "CREATE FUNCTION {INTERNAL}{transition}_transition({state}, {type_name}{argument_types}) RETURNS {state}\n    \
             IMMUTABLE PARALLEL SAFE COST 10 LANGUAGE c AS 'MODULE_PATHNAME', '{transition}_{type_name}_transition_wrapper';\n\
             CREATE AGGREGATE {name}(embedding {type_name}{arguments}) (\n    \
             SFUNC = {INTERNAL}{transition}_transition, STYPE = {state}, COMBINEFUNC = {INTERNAL}{combine},{finish}\n    \
             SSPACE = {space}, PARALLEL = safe\n);\n\
             COMMENT ON AGGREGATE {name}({type_name}{argument_types}) IS '{comment}';\n"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_what_the_tables_say() {
        let checked_in = fs::read_to_string(path()).unwrap();
        assert!(
            checked_in == companion(),
            "run `cargo xtask generate-sql` and look at the difference"
        );
    }
}
