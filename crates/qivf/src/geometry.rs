//! Distances between working vectors and centroids, and which list complements another.

/// ‖x − c‖.
pub(crate) fn distance(x: &[f32], c: &[f32]) -> f64 {
    let squares = x
        .iter()
        .zip(c)
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    squares.sum::<f64>().sqrt()
}

/// ⟨a, b⟩ in sixteen independent sums, which the compiler keeps in vector registers.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let (a_chunks, a_tail) = a.as_chunks::<16>();
    let (b_chunks, b_tail) = b.as_chunks::<16>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..16 {
            sums[i] += a[i] * b[i];
        }
    }
    let tail: f32 = a_tail.iter().zip(b_tail).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + tail
}

/// The list of a row's second home (SOAR, arXiv 2404.00774): among `candidates` (residuals of one row to further centroids)
/// the one that minimises ‖r₂‖² + (r₂·r₁/‖r₁‖)²: near, and off in another direction than the first.
pub(crate) fn second_home<'a>(
    first: &[f32],
    candidates: impl Iterator<Item = &'a [f32]>,
) -> Option<usize> {
    let norm_squared = dot(first, first);
    let mut best = (f32::INFINITY, None);
    for (i, second) in candidates.enumerate() {
        let (own, common) = (dot(second, second), dot(second, first));
        let parallel = if norm_squared > 0.0 {
            common * common / norm_squared
        } else {
            0.0
        };
        if own + parallel < best.0 {
            best = (own + parallel, Some(i));
        }
    }
    best.1
}
