//! How errors reach the user: SQLSTATE, message, hint. Never a panic's text.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode};
use quantize::Error;
use quantize::room::OutOfMemory;

use crate::place;

/// Raises an error. Does not return.
#[track_caller]
pub fn raise(code: PgSqlErrorCode, message: impl Into<String>) -> ! {
    report(ErrorReport::new(code, message.into(), "pg_quantize"))
}

/// Raises an error with a hint. Does not return.
#[track_caller]
pub fn raise_with_hint(
    code: PgSqlErrorCode,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> ! {
    report(ErrorReport::new(code, message.into(), "pg_quantize").set_hint(hint))
}

/// Raises an error, whose detail names the index and the row that the backend is at work on.
fn report(report: ErrorReport) -> ! {
    let report = match place::names() {
        Some(names) => report.set_detail(names.sentence()),
        None => report,
    };
    report.report(PgLogLevel::ERROR);
    unreachable!("an error does not return")
}

/// Raises an error with a detail and a hint. Does not return.
#[track_caller]
pub fn raise_with_detail(
    code: PgSqlErrorCode,
    message: impl Into<String>,
    detail: impl Into<String>,
    hint: impl Into<String>,
) -> ! {
    ErrorReport::new(code, message.into(), "pg_quantize")
        .set_detail(detail)
        .set_hint(hint)
        .report(PgLogLevel::ERROR);
    unreachable!("an error does not return")
}

/// Unwraps, or raises the error to the user.
pub trait OrRaise<T> {
    /// The value, or an SQL error.
    fn or_raise(self) -> T;
}

impl<T> OrRaise<T> for Result<T, Error> {
    #[track_caller]
    fn or_raise(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => match error.hint() {
                Some(hint) => raise_with_hint(sqlstate(&error), error.to_string(), hint),
                None => raise(sqlstate(&error), error.to_string()),
            },
        }
    }
}

impl<T> OrRaise<T> for Result<T, OutOfMemory> {
    #[track_caller]
    fn or_raise(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => raise(PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY, error.to_string()),
        }
    }
}

fn sqlstate(error: &Error) -> PgSqlErrorCode {
    use PgSqlErrorCode as Code;
    match error {
        Error::NoDimensions
        | Error::DifferentDimensions { .. }
        | Error::RangesDimensions { .. }
        | Error::ThresholdsDimensions { .. } => Code::ERRCODE_DATA_EXCEPTION,
        Error::TooManyDimensions { .. } | Error::TooManyRows => {
            Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED
        }
        Error::NotFinite { .. } | Error::RangeNotFinite { .. } | Error::RangeTooWide { .. } => {
            Code::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE
        }
        Error::InvalidText { .. } => Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
        Error::InvalidBinary { .. } | Error::CorruptState(_) => {
            Code::ERRCODE_INVALID_BINARY_REPRESENTATION
        }
        _ => Code::ERRCODE_INVALID_PARAMETER_VALUE,
    }
}
