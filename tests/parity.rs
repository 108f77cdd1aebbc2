//! Parity with sentence-transformers: every golden case of `tests/parity`, through SQL, as values and as bytes.
//!
//! The expected bytes are what `quantize_embeddings` of the version named in the file returned; a row must come out
//! the same as `bytea`, as the numbers of a numpy array, and from the typed functions that schemas use.

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde::Deserialize;
use serde_json::Value;
use server_tests::start_default;

const GOLDEN: &str = include_str!("parity/quantize_embeddings.json");

/// Cases in the file: a loss of cases must not go unnoticed.
const CASES: usize = 80;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

/// One call of `quantize_embeddings` with a batch of embeddings; numbers are kept as JSON.
#[derive(Deserialize)]
struct Case {
    name: String,
    precision: String,
    embeddings: Vec<Value>,
    ranges: Option<Value>,
    calibration_embeddings: Option<Value>,
    expected_dtype: String,
    expected_hex: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Dtype {
    Float32,
    Int8,
    Uint8,
}

impl Case {
    fn dtype(&self) -> Result<Dtype> {
        Ok(match self.expected_dtype.as_str() {
            "float32" => Dtype::Float32,
            "int8" => Dtype::Int8,
            "uint8" => Dtype::Uint8,
            other => anyhow::bail!("unknown dtype {other}"),
        })
    }

    fn is_binary(&self) -> bool {
        self.precision.ends_with("binary")
    }

    /// Ranges or calibration embeddings as SQL arrays.
    fn parameters(&self) -> [Option<String>; 2] {
        [&self.ranges, &self.calibration_embeddings].map(|matrix| matrix.as_ref().map(array))
    }
}

/// JSON lists and SQL array literals differ in their brackets only; the decimals stay as they are.
fn array(json: &Value) -> String {
    json.to_string().replace('[', "{").replace(']', "}")
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    ensure!(hex.len().is_multiple_of(2), "odd number of digits");
    let pairs = (0..hex.len()).step_by(2).map(|i| &hex[i..i + 2]);
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).context("not hexadecimal"))
        .collect()
}

/// The numbers of the numpy array with these bytes.
fn numbers(bytes: &[u8], dtype: Dtype) -> Vec<f32> {
    match dtype {
        Dtype::Int8 => bytes.iter().map(|&b| f32::from(b as i8)).collect(),
        Dtype::Uint8 => bytes.iter().map(|&b| f32::from(b)).collect(),
        Dtype::Float32 => {
            let (floats, _) = bytes.as_chunks();
            floats.iter().map(|b| f32::from_le_bytes(*b)).collect()
        }
    }
}

/// The bits of `binary` (bytes less 128) or `ubinary`, as `binvec` prints them.
fn bits(bytes: &[u8], dtype: Dtype, dimensions: usize) -> String {
    let flip = if dtype == Dtype::Int8 { 0x80 } else { 0 };
    let all: String = bytes.iter().map(|b| format!("{:08b}", b ^ flip)).collect();
    all[..dimensions].to_owned()
}

fn golden() -> Result<Vec<Case>> {
    let golden: Golden = serde_json::from_str(GOLDEN)?;
    ensure!(golden.cases.len() == CASES, "{} cases", golden.cases.len());
    Ok(golden.cases)
}

/// Calls `check` for every row of every case, and counts the rows.
fn each_row(
    mut check: impl FnMut(&mut Client, &Case, &str, Vec<u8>) -> Result<()>,
) -> Result<usize> {
    let (_cluster, mut client) = start_default()?;
    let mut rows = 0;
    for case in golden()? {
        ensure!(case.embeddings.len() == case.expected_hex.len());
        for (i, (embedding, hex)) in case.embeddings.iter().zip(&case.expected_hex).enumerate() {
            check(&mut client, &case, &array(embedding), bytes(hex)?)
                .with_context(|| format!("{} {}, row {i}", case.name, case.precision))?;
            rows += 1;
        }
    }
    Ok(rows)
}

#[test]
fn bytes_are_those_of_sentence_transformers() -> Result<()> {
    let call = "SELECT quantize_embeddings($1::text::real[], $2, $3::text::real[], $4::text::real[])::bytea";
    let rows = each_row(|client, case, embedding, expected| {
        let [ranges, rows] = case.parameters();
        let row = client.query_one(call, &[&embedding, &case.precision, &ranges, &rows])?;
        let got: Vec<u8> = row.get(0);
        ensure!(got == expected, "got {got:02x?}, expected {expected:02x?}");
        Ok(())
    })?;
    assert!(rows > CASES);
    Ok(())
}

#[test]
fn values_are_those_of_sentence_transformers() -> Result<()> {
    let call = "SELECT q::real[], CASE WHEN $2 LIKE '%binary' THEN q::binvec::text END, quantized_precision(q), vector_dims(q)
        FROM quantize_embeddings($1::text::real[], $2, $3::text::real[], $4::text::real[]) AS q";
    each_row(|client, case, embedding, expected| {
        let [ranges, rows] = case.parameters();
        let row = client.query_one(call, &[&embedding, &case.precision, &ranges, &rows])?;
        let (floats, text): (Vec<f32>, Option<String>) = (row.get(0), row.get(1));
        ensure!(row.get::<_, String>(2) == case.precision);
        ensure!(row.get::<_, i32>(3) as usize == floats.len());
        if case.is_binary() {
            let expected = bits(&expected, case.dtype()?, floats.len());
            ensure!(
                text.as_ref() == Some(&expected),
                "got {text:?}, expected {expected}"
            );
        } else {
            let expected = numbers(&expected, case.dtype()?);
            ensure!(floats == expected, "got {floats:?}, expected {expected:?}");
        }
        Ok(())
    })?;
    Ok(())
}

#[test]
fn typed_functions_return_the_same() -> Result<()> {
    // What a migration does: ranges given or from the aggregate, and a typed function.
    each_row(|client, case, embedding, expected| {
        let ranges = match (&case.ranges, &case.calibration_embeddings) {
            (Some(ranges), _) => Some(array(ranges)),
            (None, Some(rows)) => Some(calibrated(client, rows)?),
            (None, None) => None,
        };
        let call = match case.precision.as_str() {
            "int8" => "SELECT quantize_int8($1::text::real[], $2::text::real[])::bytea",
            "uint8" => "SELECT quantize_uint8($1::text::real[], $2::text::real[])::bytea",
            "binary" | "ubinary" => {
                "SELECT quantize_binary($1::text::real[])::bytea FROM (SELECT $2::text) AS unused"
            }
            _ => return Ok(()),
        };
        let mut got: Vec<u8> = client.query_one(call, &[&embedding, &ranges])?.get(0);
        if case.precision == "binary" {
            got.iter_mut().for_each(|byte| *byte ^= 0x80);
        }
        ensure!(got == expected, "got {got:02x?}, expected {expected:02x?}");
        Ok(())
    })?;
    Ok(())
}

/// The ranges of these rows, by the aggregate.
fn calibrated(client: &mut Client, rows: &Value) -> Result<String> {
    let rows: Vec<String> = rows
        .as_array()
        .context("not a list")?
        .iter()
        .map(array)
        .collect();
    let statement = "SELECT calibrate_ranges(row::real[])::text FROM unnest($1::text[]) AS row";
    Ok(client.query_one(statement, &[&rows])?.get(0))
}
