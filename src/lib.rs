//! pg_quantize
