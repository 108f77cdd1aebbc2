//! Statements that a function runs for its caller through SPI: kept plans, analysis, locks and snapshots.
//!
//! All of the `unsafe` that this takes is in here; what to run is decided in `search`.

mod call;
mod driver;
mod lookup;
mod parameters;
mod placeholders;
mod plan;
mod planner;
mod relation;
mod watch;

pub use call::{Call, scalar_datum, text_datum, to_server};
pub use driver::{Step, Steps, run};
pub use lookup::{Row, select};
pub use parameters::{Parameters, Receiver};
pub use placeholders::{Placeholders, Shape};
pub use plan::{NewPlan, Plan, PlanText};
pub use planner::{Expectation, answer};
pub use relation::{
    Attribute, Locked, attributes, current_role, in_one_snapshot, lock_for_reading, may_read,
    pop_snapshot, push_latest_snapshot, qualified_type_name, relation_of_type, search_path,
    type_name,
};
pub use watch::{Change, announce, generation, watch};
