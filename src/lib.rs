//! The Postgres face of embedding quantization: types, functions, aggregates and operators.
//!
//! No algorithm lives here: codecs, calibration and distances are in the `quantize` crate. The SQL
//! surface is written by hand in `sql/`; a function `f` below is the C symbol `f_wrapper` there.

#![deny(unsafe_code)]

use pgrx::prelude::*;

mod aggregates;
mod errors;
mod functions;
#[allow(unsafe_code)]
mod types;

pgrx::pg_module_magic!(name, version);

extension_sql_file!("../sql/types.sql", name = "types");
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
    "../sql/operator_classes.sql",
    name = "operator_classes",
    requires = ["operators"]
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
