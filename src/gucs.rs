//! Settings. The statics are private; everything else reads them through the typed accessors.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use qivf::scan::Order;

use crate::versions;

static TARGET_RECALL: GucSetting<f64> = GucSetting::<f64>::new(0.95);
static MAX_SCAN_TUPLES: GucSetting<i32> = GucSetting::<i32>::new(0);
static ORDER: GucSetting<OrderSetting> = GucSetting::<OrderSetting>::new(OrderSetting::Relaxed);

#[derive(Clone, Copy, PostgresGucEnum)]
#[allow(missing_docs)]
pub enum OrderSetting {
    #[name = c"relaxed"]
    Relaxed,
    #[name = c"strict"]
    Strict,
}

/// Registers the settings; called once, when the library is loaded.
pub fn register() {
    GucRegistry::define_float_guc(
        c"qivf.target_recall",
        c"Share of the true nearest neighbours that a qivf index scan is to find.",
        c"1 opens every list and is exact.",
        &TARGET_RECALL,
        0.5,
        1.0,
        GucContext::Userset,
        GucFlags::EXPLAIN,
    );
    GucRegistry::define_int_guc(
        c"qivf.max_scan_tuples",
        c"Number of rows after which a qivf index scan stops looking further.",
        c"0 means no limit: a scan goes on until the query has enough rows.",
        &MAX_SCAN_TUPLES,
        0,
        i32::MAX,
        GucContext::Userset,
        GucFlags::EXPLAIN,
    );
    GucRegistry::define_enum_guc(
        c"qivf.scan_order",
        c"What becomes of a row that a qivf index scan finds after rows beyond it were returned.",
        c"relaxed returns it late, strict drops it.",
        &ORDER,
        GucContext::Userset,
        GucFlags::EXPLAIN,
    );
    // A misspelt setting must not be taken silently. The second prefix holds no settings yet.
    versions::reserve_settings(c"qivf");
    versions::reserve_settings(c"pg_quantize");
}

/// `qivf.target_recall`, 0.5 to 1.
pub fn target_recall() -> f32 {
    TARGET_RECALL.get() as f32
}

/// `qivf.max_scan_tuples`; 0 = no limit.
pub fn max_scan_tuples() -> u64 {
    MAX_SCAN_TUPLES.get().max(0) as u64
}

/// `qivf.scan_order`.
pub fn order() -> Order {
    match ORDER.get() {
        OrderSetting::Relaxed => Order::Relaxed,
        OrderSetting::Strict => Order::Strict,
    }
}
