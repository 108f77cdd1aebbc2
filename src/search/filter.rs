//! A filter: one condition on the columns of the relation, with parameters, that cannot write.

use std::ffi::CString;

use pgrx::{PgSqlErrorCode as Code, pg_sys};

use super::relation::Relation;
use crate::errors::{raise, raise_with_hint};
use crate::spi::{self, Placeholders, Step, qualified_type_name, to_server};

/// A filter that Postgres analyses by itself, so that its errors show it and not a statement that the user never wrote.
pub struct Filter {
    filter: String,
    /// The length of what stands before the filter.
    before: usize,
    text: CString,
    values: Option<usize>,
    placeholders: Placeholders,
}

impl Filter {
    /// `values`: how many are passed for its parameters.
    pub fn new(relation: &Relation, filter: &str, values: Option<usize>) -> Self {
        let before = format!("SELECT FROM {}\nWHERE (\n", relation.sql);
        Self {
            filter: filter.to_owned(),
            before: before.len(),
            text: c_string(&format!("{before}{filter}\n)")),
            values,
            placeholders: Placeholders::new(values.unwrap_or(0)),
        }
    }

    /// Analysing it. It stays where it is until then.
    pub fn analyse(&mut self) -> Step {
        Step::analyse(&self.text, &mut self.placeholders)
    }

    /// Raises an error unless it is a condition that only reads, with a value for each parameter.
    pub fn judge(&self, shape: &spi::Shape) {
        match shape {
            spi::Shape::Condition { volatile: false } => self.check_values(),
            spi::Shape::Condition { volatile: true } => raise_with_hint(
                Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                "filter must not call a volatile function",
                "A filter only reads. Declare functions of your own STABLE or IMMUTABLE if they do.",
            ),
            spi::Shape::Other => raise_with_hint(
                Code::ERRCODE_SYNTAX_ERROR,
                "filter must be one condition",
                "It is what would stand behind WHERE, without ORDER BY, LIMIT or a second statement.",
            ),
        }
    }

    fn check_values(&self) {
        let (used, passed) = (self.placeholders.highest(), self.values.unwrap_or(0));
        if used > passed {
            let problem = match self.values {
                None => "there are no filter_params".to_owned(),
                Some(1) => "filter_params has 1 value".to_owned(),
                Some(passed) => format!("filter_params has {passed} values"),
            };
            raise_with_hint(
                Code::ERRCODE_UNDEFINED_PARAMETER,
                format!("filter uses ${used}, but {problem}"),
                "Pass the values as text, whatever their types: \
                 filter => 'lang = $1 AND price < $2', filter_params => ARRAY['de', '9.99'].",
            );
        } else if used < passed {
            raise(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                match used {
                    0 => format!("filter uses no parameter, but filter_params has {passed}"),
                    used => format!(
                        "filter uses no parameter beyond ${used}, but filter_params has {passed}"
                    ),
                },
            );
        }
    }

    /// The types that its parameters have.
    pub fn types(&self) -> Vec<pg_sys::Oid> {
        self.placeholders.types(self.values.unwrap_or(0))
    }

    /// The filter with its parameters written out.
    pub fn with_values(&self, values: &[Option<String>]) -> String {
        let types = self.types();
        let mut written = String::new();
        let mut done = 0;
        for (location, number) in self.placeholders.found() {
            let start = location.saturating_sub(self.before);
            let (Some(before), Some(value), Some(&type_oid)) = (
                self.filter.get(done..start),
                values.get(number.wrapping_sub(1)),
                types.get(number - 1),
            ) else {
                continue;
            };
            written.push_str(before);
            let literal = value.as_deref().map_or("NULL".to_owned(), quote_literal);
            written.push_str(&format!("{literal}::{}", qualified_type_name(type_oid)));
            let digits = self.filter[start + 1..]
                .bytes()
                .take_while(u8::is_ascii_digit)
                .count();
            done = start + 1 + digits;
        }
        written.push_str(self.filter.get(done..).unwrap_or_default());
        written
    }
}

/// A statement as the server has it. A zero byte cannot be in it: no value of Postgres holds one.
pub fn c_string(text: &str) -> CString {
    CString::new(to_server(text)).unwrap_or_default()
}

/// A literal of SQL, as `quote_literal` writes it.
pub fn quote_literal(value: &str) -> String {
    let escape = if value.contains('\\') { "E" } else { "" };
    format!(
        "{escape}'{}'",
        value.replace('\\', "\\\\").replace('\'', "''")
    )
}

#[cfg(test)]
mod tests {
    use super::quote_literal;

    #[test]
    fn literals_are_quoted() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\'b"), "E'a\\\\''b'");
    }
}
