//! Kernels for x86-64, one file per level of the instruction set.

use super::Kernels;

mod avx2;
mod avx512;

/// The tables that this CPU can run, the best last.
///
/// Each check names exactly the features that the functions of its file enable.
pub(super) fn available() -> Vec<&'static Kernels> {
    let mut tables = Vec::new();
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("popcnt")
    {
        tables.push(&avx2::KERNELS);
    }
    if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni")
        && is_x86_feature_detected!("avx512vpopcntdq")
    {
        tables.push(&avx512::KERNELS);
    }
    tables
}

/// The bytes of signed codes.
#[inline]
fn as_bytes(codes: &[i8]) -> &[u8] {
    // SAFETY: same size, alignment and lifetime, and every byte is a valid u8.
    unsafe { std::slice::from_raw_parts(codes.as_ptr().cast(), codes.len()) }
}
