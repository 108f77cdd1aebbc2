//! Counting tests: what cargo's harness prints, and our own.

use std::ops::AddAssign;

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
}

impl Tally {
    /// Sums every `test result: ok. 3 passed; 0 failed; …` line of a log.
    pub fn of_log(log: &str) -> Self {
        let mut sum = Self::default();
        log.lines()
            .filter_map(result_line)
            .for_each(|tally| sum += tally);
        sum
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

fn result_line(line: &str) -> Option<Tally> {
    let (_, counts) = line.split_once("test result: ")?.1.split_once(". ")?;
    let count = |name: &str| {
        let item = counts
            .split(';')
            .find_map(|item| item.trim().strip_suffix(name))?;
        item.trim().parse().ok()
    };
    Some(Tally {
        passed: count("passed")?,
        failed: count("failed")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_result_lines_and_nothing_else() {
        let log = "running 4 tests\n\
            test a ... ok\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            99 passed; 99 failed\n\
            test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(
            Tally::of_log(log),
            Tally {
                passed: 13,
                failed: 2
            }
        );
        assert_eq!(Tally::of_log("error: could not compile"), Tally::default());
    }
}
