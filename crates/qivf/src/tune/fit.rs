//! Logistic regression: which lists hold one of the rows that a search looks for.

use crate::opening::{Rule, TERMS};

/// Features: those of the rule, and one for whether all rows were looked at or a sample.
const FEATURES: usize = TERMS + 1;

/// Newton's steps.
const STEPS: usize = 15;
/// Keeps terms small that nothing speaks for, as a share of the examples.
const RIDGE: f64 = 1e-5;

/// A list and whether it holds a row within `reach`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Example {
    pub d: f32,
    pub r: f32,
    pub reach: f32,
    pub holds: bool,
    /// Whether only a sample of its rows was looked at.
    pub sampled: bool,
    pub weight: f32,
}

impl Example {
    fn features(&self, unit: f64) -> [f64; FEATURES] {
        let of = |v: f32| f64::from(v) / unit;
        let terms = Rule::features(of(self.d), of(self.r), of(self.reach));
        let mut features = [0.0; FEATURES];
        features[..TERMS].copy_from_slice(&terms);
        features[TERMS] = f64::from(u8::from(self.sampled));
        features
    }
}

/// The rule that tells the examples apart best, lengths counted in `unit`; `None` when they do not say.
pub(super) fn rule(examples: &[Example], unit: f32) -> Option<Rule> {
    if examples.len() < 20 * FEATURES || !unit.is_normal() || unit <= 0.0 {
        return None;
    }
    let scale = Scale::of(examples, f64::from(unit))?;
    let mut weights = [0.0; FEATURES];
    for _ in 0..STEPS {
        let step = newton(examples, f64::from(unit), &scale, &weights)?;
        for (weight, step) in weights.iter_mut().zip(step) {
            *weight += step.clamp(-10.0, 10.0);
        }
    }
    let raw = scale.undo(weights);
    let mut terms = [0.0; TERMS];
    for (term, raw) in terms.iter_mut().zip(raw) {
        *term = raw as f32;
    }
    let rule = Rule { unit, terms };
    rule.is_sound().then_some(rule)
}

/// Mean and spread of every feature; those of the constant are 0 and 1.
struct Scale {
    mean: [f64; FEATURES],
    spread: [f64; FEATURES],
}

impl Scale {
    fn of(examples: &[Example], unit: f64) -> Option<Self> {
        let (mut mean, mut square, mut all) = ([0.0; FEATURES], [0.0; FEATURES], 0.0);
        for example in examples {
            let weight = f64::from(example.weight);
            all += weight;
            for (i, v) in example.features(unit).into_iter().enumerate() {
                mean[i] += weight * v;
                square[i] += weight * v * v;
            }
        }
        let mut spread = [1.0; FEATURES];
        for i in 0..FEATURES {
            mean[i] /= all;
            spread[i] = (square[i] / all - mean[i] * mean[i])
                .max(0.0)
                .sqrt()
                .max(1e-9);
        }
        (mean[0], spread[0]) = (0.0, 1.0);
        mean.iter()
            .all(|m| m.is_finite())
            .then_some(Self { mean, spread })
    }

    fn apply(&self, features: [f64; FEATURES]) -> [f64; FEATURES] {
        std::array::from_fn(|i| (features[i] - self.mean[i]) / self.spread[i])
    }

    fn undo(&self, weights: [f64; FEATURES]) -> [f64; FEATURES] {
        let mut raw: [f64; FEATURES] = std::array::from_fn(|i| weights[i] / self.spread[i]);
        raw[0] -= (1..FEATURES).map(|i| raw[i] * self.mean[i]).sum::<f64>();
        raw
    }
}

/// The step that Newton's method takes.
#[allow(clippy::needless_range_loop)] // over rows and columns
fn newton(
    examples: &[Example],
    unit: f64,
    scale: &Scale,
    weights: &[f64; FEATURES],
) -> Option<[f64; FEATURES]> {
    let mut gradient = [0.0; FEATURES];
    let mut hessian = [[0.0; FEATURES]; FEATURES];
    let mut all = 0.0;
    for example in examples {
        let x = scale.apply(example.features(unit));
        let score: f64 = x.iter().zip(weights).map(|(x, w)| x * w).sum();
        let chance = 1.0 / (1.0 + (-score).clamp(-40.0, 40.0).exp());
        let weight = f64::from(example.weight);
        let error = weight * (f64::from(u8::from(example.holds)) - chance);
        let curve = weight * chance * (1.0 - chance);
        all += weight;
        for i in 0..FEATURES {
            gradient[i] += error * x[i];
            for j in 0..=i {
                hessian[i][j] += curve * x[i] * x[j];
            }
        }
    }
    for i in 0..FEATURES {
        gradient[i] -= RIDGE * all * weights[i];
        hessian[i][i] += RIDGE * all;
        for j in 0..i {
            hessian[j][i] = hessian[i][j];
        }
    }
    solve(hessian, gradient)
}

/// Solves `a·x = b` by elimination.
#[allow(clippy::needless_range_loop)] // over rows and columns
fn solve(mut a: [[f64; FEATURES]; FEATURES], mut b: [f64; FEATURES]) -> Option<[f64; FEATURES]> {
    for i in 0..FEATURES {
        let pivot = (i..FEATURES).max_by(|x, y| a[*x][i].abs().total_cmp(&a[*y][i].abs()))?;
        a.swap(i, pivot);
        b.swap(i, pivot);
        if a[i][i].abs() < 1e-300 || !a[i][i].is_finite() {
            return None;
        }
        for row in i + 1..FEATURES {
            let factor = a[row][i] / a[i][i];
            for column in i..FEATURES {
                a[row][column] -= factor * a[i][column];
            }
            b[row] -= factor * b[i];
        }
    }
    for i in (0..FEATURES).rev() {
        for column in i + 1..FEATURES {
            b[i] -= a[i][column] * b[column];
        }
        b[i] /= a[i][i];
    }
    b.iter().all(|x| x.is_finite()).then_some(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quantize::rotation::SplitMix64;

    /// What was made by a rule orders lists as that rule does.
    #[test]
    fn finds_the_rule_that_made_the_examples() {
        let made = Rule {
            unit: 0.5,
            terms: [0.5, -6.0, 0.5, 1.0, 2.0, -1.0, -0.5],
        };
        let mut generator = SplitMix64::new(1);
        let mut draw = |most: f32| generator.below(1 << 20) as f32 / (1 << 20) as f32 * most;
        let mut examples = Vec::new();
        for _ in 0..20_000 {
            let (d, r, reach) = (draw(2.0), 0.1 + draw(0.5), draw(1.5));
            let of = |v: f32| f64::from(v) / 0.5;
            let features = Rule::features(of(d), of(r), of(reach));
            let score = features
                .iter()
                .zip(made.terms)
                .map(|(x, t)| x * f64::from(t));
            let chance = 1.0 / (1.0 + (-score.sum::<f64>()).exp());
            examples.push(Example {
                d,
                r,
                reach,
                holds: f64::from(draw(1.0)) < chance,
                sampled: false,
                weight: 1.0,
            });
        }
        let found = rule(&examples, 0.5).unwrap();
        let score = |rule: &Rule, d: f64, r: f64, reach: f64| -> f64 {
            let features = Rule::features(d, r, reach);
            features
                .iter()
                .zip(rule.terms)
                .map(|(x, t)| x * f64::from(t))
                .sum()
        };
        for (d, r, reach) in [
            (1.0, 0.5, 1.0),
            (2.0, 0.5, 1.0),
            (1.5, 1.0, 2.0),
            (3.0, 0.4, 2.5),
        ] {
            let (a, b) = (score(&made, d, r, reach), score(&found, d, r, reach));
            assert!((a - b).abs() < 0.15 * (1.0 + a.abs()), "{a} {b}");
        }
        assert!(rule(&examples[..50], 0.5).is_none());
        assert!(rule(&examples, 0.0).is_none());
    }
}
