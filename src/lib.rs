//! The Postgres face of embedding quantization: types, functions, aggregates and operators.
//!
//! No algorithm lives here: codecs, calibration and distances are in the `quantize` crate. The SQL
//! surface is written by hand in `sql/`; a function `f` below is the C symbol `f_wrapper` there.

#![deny(unsafe_code)]

use pgrx::prelude::*;

mod aggregates;
#[allow(unsafe_code)]
mod allocation;
#[allow(unsafe_code)]
mod am;
mod errors;
mod functions;
mod gucs;
#[allow(unsafe_code)]
mod messages;
#[allow(unsafe_code)]
mod place;
mod search;
#[allow(unsafe_code)]
mod spi;
#[allow(unsafe_code)]
mod storage;
#[cfg(any(test, feature = "pg_test"))]
#[allow(unsafe_code)]
mod tests;
#[allow(unsafe_code)]
mod types;
#[allow(unsafe_code)]
mod versions;

pgrx::pg_module_magic!(name, version);

/// Called when a backend loads the library.
#[pg_guard]
#[allow(non_snake_case)]
pub extern "C-unwind" fn _PG_init() {
    allocation::register();
    gucs::register();
    am::register();
}

extension_sql_file!("../sql/schema.sql", name = "schema");
extension_sql_file!("../sql/types.sql", name = "types", requires = ["schema"]);
extension_sql_file!("../sql/casts.sql", name = "casts", requires = ["types"]);
extension_sql_file!(
    "../sql/functions.sql",
    name = "functions",
    requires = ["casts"]
);
extension_sql_file!(
    "../sql/aggregates.sql",
    name = "aggregates",
    requires = ["functions"]
);
extension_sql_file!(
    "../sql/distances.sql",
    name = "distances",
    requires = ["aggregates"]
);
extension_sql_file!(
    "../sql/operators.sql",
    name = "operators",
    requires = ["distances"]
);
extension_sql_file!(
    "../sql/bit_literals.sql",
    name = "bit_literals",
    requires = ["operators"]
);
extension_sql_file!(
    "../sql/operator_classes.sql",
    name = "operator_classes",
    requires = ["bit_literals"]
);
extension_sql_file!(
    "../sql/qivf.sql",
    name = "qivf",
    requires = ["operator_classes"]
);
extension_sql_file!(
    "../sql/migration/catalog.sql",
    name = "migration_catalog",
    requires = ["qivf"]
);
extension_sql_file!(
    "../sql/migration/statements.sql",
    name = "migration_statements",
    requires = ["migration_catalog"]
);
extension_sql_file!(
    "../sql/migration/lengths.sql",
    name = "migration_lengths",
    requires = ["migration_statements"]
);
extension_sql_file!(
    "../sql/migration/checks.sql",
    name = "migration_checks",
    requires = ["migration_lengths"]
);
extension_sql_file!(
    "../sql/migration/calibration.sql",
    name = "migration_calibration",
    requires = ["migration_checks"]
);
extension_sql_file!(
    "../sql/migration/backfill.sql",
    name = "migration_backfill",
    requires = ["migration_calibration"]
);
extension_sql_file!(
    "../sql/migration/quantize.sql",
    name = "migration_quantize",
    requires = ["migration_backfill"]
);
extension_sql_file!(
    "../sql/migration/requantize.sql",
    name = "migration_requantize",
    requires = ["migration_quantize"]
);
extension_sql_file!(
    "../sql/migration/drop.sql",
    name = "migration_drop",
    requires = ["migration_requantize"]
);
extension_sql_file!(
    "../sql/migration/status.sql",
    name = "migration_status",
    requires = ["migration_drop"]
);
extension_sql_file!(
    "../sql/migration/follow.sql",
    name = "migration_follow",
    requires = ["migration_status"]
);
extension_sql_file!(
    "../sql/migration/query.sql",
    name = "migration_query",
    requires = ["migration_follow"]
);
extension_sql_file!(
    "../sql/migration/views.sql",
    name = "migration_views",
    requires = ["migration_query"]
);
extension_sql_file!(
    "../sql/search/columns.sql",
    name = "search_columns",
    requires = ["migration_views"]
);
extension_sql_file!(
    "../sql/search/search.sql",
    name = "semantic_search",
    requires = ["search_columns"]
);
extension_sql_file!(
    "../sql/search/rescore.sql",
    name = "rescore",
    requires = ["semantic_search"]
);

extension_sql_file!(
    "../sql/distributed.sql",
    name = "distributed",
    requires = ["rescore"]
);
extension_sql_file!(
    "../sql/comments.sql",
    name = "comments",
    requires = ["distributed"]
);

/// What `cargo pgrx test` needs to know.
#[cfg(test)]
pub mod pg_test {
    /// Nothing to prepare.
    pub fn setup(_options: Vec<&str>) {}

    /// No settings beyond Postgres's own.
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}
