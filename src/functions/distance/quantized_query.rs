//! `quantized` with a float query, on either side: as the typed vector of its precision, or as floats.

use std::cell::OnceCell;

use pgrx::prelude::*;
use quantize::Precision;
use quantize::distance::{self, BinaryQuery, norm_squared_f32};

use super::{check, cosine_distance};
use crate::types::{AnyVarlena, Call, FloatArray, Quantized, as_signed};

/// What a call site keeps of its query.
struct Query {
    norm_squared: f64,
    /// Made when the first binary code comes.
    bits: OnceCell<BinaryQuery>,
}

/// A value and a query of the same dimensions.
struct Pair<'a> {
    value: Quantized<'a>,
    floats: &'a [f32],
    query: &'a Query,
}

impl<'a> Pair<'a> {
    /// `argument` is where the query stands, counted from 0.
    fn of(
        stored: &'a AnyVarlena<'_>,
        query: &'a FloatArray<'_>,
        call: Call<'a>,
        argument: usize,
    ) -> Self {
        let value = Quantized::of(stored);
        check(value.dimensions, query.len());
        let prepare = || Query {
            norm_squared: norm_squared_f32(query),
            bits: OnceCell::new(),
        };
        Self {
            value,
            floats: query,
            query: call.cached(argument, query.bytes(), prepare),
        }
    }

    fn bits(&self) -> &BinaryQuery {
        let bits = &self.query.bits;
        bits.get_or_init(|| BinaryQuery::new(self.floats))
    }

    fn inner_product(&self) -> f64 {
        let payload = self.value.payload;
        match self.value.precision {
            Precision::Float32 => {
                let stored: Vec<f32> = self.value.floats().collect();
                distance::dot_f32(&stored, self.floats)
            }
            Precision::Int8 => distance::dot_f32_i8(self.floats, as_signed(payload)),
            Precision::Uint8 => distance::dot_f32_u8(self.floats, payload),
            Precision::Binary | Precision::Ubinary => self.bits().dot(payload),
        }
    }

    fn cosine(&self) -> f64 {
        let payload = self.value.payload;
        let query = self.query.norm_squared;
        let (query, value) = match self.value.precision {
            Precision::Float32 => {
                let stored: Vec<f32> = self.value.floats().collect();
                (query, norm_squared_f32(&stored))
            }
            Precision::Int8 => {
                let codes = as_signed(payload);
                (query, distance::dot_i8(codes, codes).into())
            }
            Precision::Uint8 => (query, distance::dot_u8(payload, payload).into()),
            // Exactly as for binvec.
            Precision::Binary | Precision::Ubinary => {
                let norm = self.bits().norm();
                (norm * norm, self.value.dimensions as f64)
            }
        };
        cosine_distance(self.inner_product(), query, value)
    }
}

macro_rules! distances {
    ($($right:ident $left:ident: $result:expr;)*) => { $(
        #[pg_extern(sql = false)]
        fn $right(value: AnyVarlena<'_>, query: FloatArray<'_>, call: Call<'_>) -> f64 {
            let result: fn(&Pair<'_>) -> f64 = $result;
            result(&Pair::of(&value, &query, call, 1))
        }
        #[pg_extern(sql = false)]
        fn $left(query: FloatArray<'_>, value: AnyVarlena<'_>, call: Call<'_>) -> f64 {
            let result: fn(&Pair<'_>) -> f64 = $result;
            result(&Pair::of(&value, &query, call, 0))
        }
    )* };
}

distances! {
    quantized_float4_inner_product float4_quantized_inner_product: |p| p.inner_product();
    quantized_float4_negative_inner_product float4_quantized_negative_inner_product: |p| -p.inner_product();
    quantized_float4_cosine float4_quantized_cosine: |p| p.cosine();
}
