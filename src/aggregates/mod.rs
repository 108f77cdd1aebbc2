//! Aggregates over embeddings. Transition types are plain arrays, never `internal`: they are parallel, and Citus can
//! push them down. States are updated in place; `quantize::calibration` says what is in them.

/// Declares the transition functions of an aggregate over embeddings, one for each type that an embedding comes in: `real[]`,
/// and pgvector's `vector` and `halfvec`, read where they lie. `$transition` is written once, over slices.
macro_rules! transitions {
    ($transition:ident, State<$element:ident>, ($($more:ident: $type:ty)?), $array:ident $vector:ident $halfvec:ident) => {
        transitions!(@ $array, FloatArray<'_>, $transition, $element, ($($more: $type)?));
        transitions!(@ $vector, PgVector<'_>, $transition, $element, ($($more: $type)?));
        transitions!(@ $halfvec, HalfVector, $transition, $element, ($($more: $type)?));
    };
    (@ $name:ident, $embedding:ty, $transition:ident, $element:ident, ($($more:ident: $type:ty)?)) => {
        #[pg_extern(sql = false)]
        fn $name(
            state: Option<State<'_, $element>>,
            embedding: Option<$embedding>,
            $($more: Option<$type>,)?
            call: Call<'_>,
        ) -> Option<NewArray<$element>> {
            $transition(state, embedding.as_deref(), $($more,)? call)
        }
    };
}

mod clipping;
mod quantile;
mod ranges;
mod thresholds;
