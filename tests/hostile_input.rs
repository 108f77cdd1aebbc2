//! Random and malformed input of every type, as text, as binary parameters and through COPY: an error with a proper
//! SQLSTATE, or a value that prints and reads back. Never a crash, and the session lives on.

use std::cell::RefCell;
use std::error::Error as StdError;
use std::io::{Read, Write};

use anyhow::{Context, Result};
use bytes::BytesMut;
use postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Error};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use server_tests::start_default;

const TYPES: [&str; 4] = ["binvec", "int8vec", "uint8vec", "quantized"];

/// What bad input may be answered with: data exceptions and the limit of dimensions.
const ALLOWED: [&str; 6] = ["22000", "22003", "22023", "22P02", "22P03", "54000"];

/// Bytes for a parameter of any type, in its binary format.
#[derive(Debug)]
struct Raw(Vec<u8>);

impl ToSql for Raw {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    fn encode_format(&self, _: &Type) -> Format {
        Format::Binary
    }
    to_sql_checked!();
}

/// An error must come from the server, with one of the codes above and a message without a trace of the program.
fn check_refusal(error: &Error) -> Result<(), TestCaseError> {
    let Some(refusal) = error.as_db_error() else {
        return Err(TestCaseError::fail(format!("not an answer: {error}")));
    };
    let (code, message) = (refusal.code().code(), refusal.message());
    prop_assert!(ALLOWED.contains(&code), "{code}: {message}");
    prop_assert!(
        !message.contains("panicked") && !message.contains(".rs"),
        "{message}"
    );
    prop_assert!(message.len() < 300, "{message}");
    Ok(())
}

/// Runs `check` on many inputs over one connection, and sees that it is still the same server process at the end.
fn with_each<T: std::fmt::Debug>(
    strategy: impl Strategy<Value = T>,
    check: impl Fn(&mut Client, &T) -> Result<(), TestCaseError>,
) -> Result<()> {
    let (_cluster, client) = start_default()?;
    let client = RefCell::new(client);
    let backend = |client: &mut Client| -> Result<i32> {
        Ok(client.query_one("SELECT pg_backend_pid()", &[])?.get(0))
    };
    let before = backend(&mut client.borrow_mut())?;
    let mut config = ProptestConfig::with_cases(1500);
    config.failure_persistence = None;
    config.max_shrink_iters = 500;
    let outcome =
        TestRunner::new(config).run(&strategy, |input| check(&mut client.borrow_mut(), &input));
    if let Err(failure) = outcome {
        anyhow::bail!("{failure}");
    }
    assert_eq!(
        backend(&mut client.borrow_mut())?,
        before,
        "the session was lost"
    );
    Ok(())
}

/// Anything, and things that are nearly right.
fn texts() -> impl Strategy<Value = String> {
    let anything = any::<String>();
    let bits = "[ 01]{0,40}[0-9a-f]?";
    let list = "[ \t]?\\[?([+-]?[0-9]{1,3} ?, ?){0,12}[+-]?[0-9.eE]{0,4}\\]?.?";
    let tagged = "(float32|int8|uint8|binary|ubinary|int4|)[ ]?\\[(-?[0-9]{1,2}(\\.[0-9]|e[0-9]{2})?,){0,6}([01]{0,9}|nan|inf|-0|9e99)\\]{0,2}";
    let long = (65_530usize..65_540, any::<bool>()).prop_map(|(n, bits)| match bits {
        true => "1".repeat(n),
        false => format!("[{}1]", "1,".repeat(n - 1)),
    });
    prop_oneof![4 => anything, 4 => bits, 6 => list, 6 => tagged, 1 => long]
        .prop_map(|text| text.replace('\0', ""))
}

#[test]
fn text_is_refused_or_reads_back() -> Result<()> {
    with_each((0..TYPES.len(), texts()), |client, (which, text)| {
        let name = TYPES[*which];
        let statement = format!(
            "SELECT v::text::{name} = v AND v::text = v::text::{name}::text, vector_dims(v) BETWEEN 1 AND 65535 FROM (SELECT $1::text::{name} AS v OFFSET 0) AS t"
        );
        match client.query_one(&statement, &[text]) {
            Ok(row) => prop_assert!(row.get(0) && row.get(1), "{name} of {text:?}"),
            Err(error) => check_refusal(&error)?,
        }
        Ok(())
    })
}

/// Any bytes, and headers with about the right length behind them.
fn wire_bytes() -> impl Strategy<Value = Vec<u8>> {
    let anything = prop::collection::vec(any::<u8>(), 0..80);
    let headed = (
        0u8..6,
        any::<bool>(),
        0u16..70,
        0usize..3,
        prop::collection::vec(any::<u8>(), 300),
    )
        .prop_map(|(tag, tagged, dimensions, excess, filler)| {
            let mut bytes = if tagged { vec![tag] } else { vec![] };
            bytes.extend(dimensions.to_le_bytes());
            let len = match tag {
                0 if tagged => usize::from(dimensions) * 4,
                1 | 2 => dimensions.into(),
                _ => usize::from(dimensions).div_ceil(8),
            };
            bytes.extend(&filler[..(len + excess).saturating_sub(1).min(filler.len())]);
            bytes
        });
    // Lengths that nothing backs.
    let bold = (any::<u8>(), prop::collection::vec(any::<u8>(), 0..4)).prop_map(|(tag, rest)| {
        let mut bytes = vec![tag % 5, 0xff, 0xff];
        bytes.extend(rest);
        bytes
    });
    prop_oneof![2 => anything, 6 => headed, 1 => bold]
}

#[test]
fn wire_bytes_are_refused_or_read_back() -> Result<()> {
    with_each((0..TYPES.len(), wire_bytes()), |client, (which, bytes)| {
        let name = TYPES[*which];
        let statement = format!(
            "SELECT quantize.{name}_send(v), v::text::{name} = v FROM (SELECT $1::{name} AS v OFFSET 0) AS t"
        );
        match client.query_one(&statement, &[&Raw(bytes.clone())]) {
            Ok(row) => {
                prop_assert_eq!(&row.get::<_, Vec<u8>>(0), bytes);
                prop_assert!(
                    row.get::<_, bool>(1),
                    "{} {:02x?} prints as something else",
                    name,
                    bytes
                );
            }
            Err(error) => check_refusal(&error)?,
        }
        Ok(())
    })
}

#[test]
fn bytea_is_refused_or_reads_back() -> Result<()> {
    let bytes = prop::collection::vec(any::<u8>(), 0..70);
    with_each(
        (0..3usize, 0u16..80, bytes),
        |client, (which, dimensions, bytes)| {
            let name = TYPES[*which];
            let modifier = if *dimensions == 0 {
                String::new()
            } else {
                format!("({dimensions})")
            };
            let statement = format!(
                "SELECT v::bytea, v::text::{name} = v FROM (SELECT $1::bytea::{name}{modifier} AS v OFFSET 0) AS t"
            );
            match client.query_one(&statement, &[bytes]) {
                Ok(row) => {
                    prop_assert_eq!(&row.get::<_, Vec<u8>>(0), bytes);
                    prop_assert!(row.get::<_, bool>(1));
                }
                Err(error) => check_refusal(&error)?,
            }
            Ok(())
        },
    )
}

#[test]
fn a_damaged_copy_is_refused_or_loads_valid_values() -> Result<()> {
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    with_each(damage, |client, damage| {
        let outcome =
            damaged_copy(client, damage).map_err(|e| TestCaseError::fail(format!("{e:?}")))?;
        let Err(error) = outcome else { return Ok(()) };
        let code = error.code().map(|code| code.code().to_owned());
        // The file's own frame may be damaged too; that is for COPY to notice.
        let framing = ["22P04", "08P01", "22P03"];
        let known = code
            .as_deref()
            .is_some_and(|code| ALLOWED.contains(&code) || framing.contains(&code));
        prop_assert!(known, "{error:?}");
        Ok(())
    })
}

/// Copies a valid table, with some bytes overwritten, into another one, and prints what arrives there.
fn damaged_copy(
    client: &mut Client,
    damage: &[(prop::sample::Index, u8)],
) -> Result<Result<(), Error>> {
    let prepare = "CREATE TEMP TABLE IF NOT EXISTS damaged (b binvec, i int8vec, u uint8vec, q quantized); TRUNCATE damaged";
    client.batch_execute(prepare)?;
    let source = "COPY (SELECT binvec '101010101', int8vec '[1,-2,3]', uint8vec '[4,5]', quantized 'float32[0.5,1]' UNION ALL
        SELECT '1', '[1]', '[1]', 'binary[11]') TO STDOUT (FORMAT binary)";
    let mut data = Vec::new();
    client.copy_out(source)?.read_to_end(&mut data)?;
    // Not the header and its flags: those are COPY's.
    let body = data.get_mut(19..).context("a copy without a body")?;
    for (at, byte) in damage {
        body[at.index(body.len())] = *byte;
    }
    let mut writer = client.copy_in("COPY damaged FROM STDIN (FORMAT binary)")?;
    writer.write_all(&data)?;
    if let Err(error) = writer.finish() {
        return Ok(Err(error));
    }
    let check = "SELECT count(*) FROM damaged WHERE b::text::binvec <> b OR i::text::int8vec <> i OR u::text::uint8vec <> u OR q::text::quantized <> q";
    let wrong: i64 = client.query_one(check, &[])?.get(0);
    anyhow::ensure!(wrong == 0, "{wrong} values print as something else");
    Ok(Ok(()))
}
