//! Errors that SQL raises: message, detail and hint, without the context that PL/pgSQL adds.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Raises an error for a function written in PL/pgSQL, whose own RAISE would tell the user which internal function stood
/// at which line. An empty detail or hint is none, as PL/pgSQL's GET STACKED DIAGNOSTICS has it. `condition` is the name of a condition as PL/pgSQL knows it, of those used here, or an SQLSTATE.
#[pg_extern(sql = false)]
fn refuse(condition: &str, message: &str, detail: Option<&str>, hint: Option<&str>) {
    let mut report = ErrorReport::new(sqlstate(condition), message.to_owned(), "pg_quantize");
    if let Some(detail) = detail.filter(|text| !text.is_empty()) {
        report = report.set_detail(detail);
    }
    if let Some(hint) = hint.filter(|text| !text.is_empty()) {
        report = report.set_hint(hint);
    }
    // SAFETY: the stack is a list that errors walk to collect their context. The error below is raised without coming
    // back here, and whoever catches it puts the list back that it found (PG_TRY, or the main loop, which starts empty).
    unsafe { pg_sys::error_context_stack = std::ptr::null_mut() };
    report.report(PgLogLevel::ERROR);
}

/// The code of a condition.
fn sqlstate(condition: &str) -> PgSqlErrorCode {
    use PgSqlErrorCode as Code;
    match condition {
        "active_sql_transaction" => Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
        "datatype_mismatch" => Code::ERRCODE_DATATYPE_MISMATCH,
        "dependent_objects_still_exist" => Code::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
        "duplicate_column" => Code::ERRCODE_DUPLICATE_COLUMN,
        "feature_not_supported" => Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        "insufficient_privilege" => Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
        "invalid_parameter_value" => Code::ERRCODE_INVALID_PARAMETER_VALUE,
        "lock_not_available" => Code::ERRCODE_LOCK_NOT_AVAILABLE,
        "no_data_found" => Code::ERRCODE_NO_DATA_FOUND,
        "null_value_not_allowed" => Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        "object_in_use" => Code::ERRCODE_OBJECT_IN_USE,
        "object_not_in_prerequisite_state" => Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        "triggered_action_exception" => Code::ERRCODE_TRIGGERED_ACTION_EXCEPTION,
        "undefined_column" => Code::ERRCODE_UNDEFINED_COLUMN,
        "undefined_object" => Code::ERRCODE_UNDEFINED_OBJECT,
        "undefined_table" => Code::ERRCODE_UNDEFINED_TABLE,
        "wrong_object_type" => Code::ERRCODE_WRONG_OBJECT_TYPE,
        code => packed(code).map_or(Code::ERRCODE_INTERNAL_ERROR, Code::from),
    }
}

/// The five characters of an SQLSTATE as Postgres packs them, six bits each.
fn packed(code: &str) -> Option<i32> {
    let characters = <[u8; 5]>::try_from(code.as_bytes()).ok()?;
    let six_bits = |character: u8| i32::from(character.wrapping_sub(b'0') & 0x3f);
    Some((0..5).map(|i| six_bits(characters[i]) << (6 * i)).sum())
}
