//! Runs the steps of a test session: a line each, a log each, and the sum at the end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{fs, io};

use anyhow::{Result, bail};

use super::tally::Tally;
use crate::{run, workspace};

/// A sequence of steps. Unless told to keep going, the first failing step is the last.
pub struct Session {
    keep_going: bool,
    logs: PathBuf,
    steps: usize,
    sum: Tally,
    failed: Vec<String>,
    left_out: Vec<String>,
    started: Instant,
}

impl Session {
    /// A session without steps.
    pub fn new(keep_going: bool) -> Self {
        Self {
            keep_going,
            logs: workspace::target().join("test-logs"),
            steps: 0,
            sum: Tally::default(),
            failed: Vec::new(),
            left_out: Vec::new(),
            started: Instant::now(),
        }
    }

    /// A command that passes or fails as a whole.
    pub fn check(&mut self, name: &str, command: &mut Command) -> Result<()> {
        self.step(name, |log| {
            run::logged(command, log).map(|()| Tally::default())
        })
    }

    /// A command that prints results as cargo's test harness does.
    pub fn tests(&mut self, name: &str, command: &mut Command) -> Result<()> {
        self.step(name, |log| {
            let outcome = run::logged(command, log);
            let tally = Tally::of_log(&fs::read_to_string(log)?);
            match outcome {
                // The log shows which; the tally counts them.
                Err(error) if tally.failed > 0 => eprintln!("\n{error:#}"),
                other => other?,
            }
            Ok(tally)
        })
    }

    /// Runs one step; `body` gets the path of its log. A step that fails without a count of
    /// failed tests counts as one failure.
    pub fn step(&mut self, name: &str, body: impl FnOnce(&Path) -> Result<Tally>) -> Result<()> {
        self.steps += 1;
        let log = self
            .logs
            .join(format!("{:02}-{}.log", self.steps, name.replace(' ', "-")));
        print!("  {name:<18} ");
        io::stdout().flush()?;
        let start = Instant::now();
        let tally = body(&log).unwrap_or_else(|error| {
            eprintln!("\n{error:#}");
            Tally {
                passed: 0,
                failed: 1,
            }
        });
        let seconds = start.elapsed().as_secs_f64();
        let word = if tally.failed == 0 { "ok" } else { "FAILED" };
        let counts = match (tally.passed, tally.failed) {
            (0, 0) => String::new(),
            (passed, 0) => format!("  {passed} tests"),
            (passed, failed) => format!("  {passed} passed, {failed} failed"),
        };
        println!("{word:<6} {seconds:7.1} s{counts}");
        self.sum += tally;
        if tally.failed > 0 {
            self.failed.push(name.to_owned());
            if !self.keep_going {
                return self.verdict();
            }
        }
        Ok(())
    }

    /// What can't be run here, to be said at the end.
    pub fn left_out(&mut self, lines: &[String]) {
        for line in lines {
            if !self.left_out.contains(line) {
                self.left_out.push(line.clone());
            }
        }
    }

    /// An error that names the failed steps, if there are any.
    pub fn verdict(&self) -> Result<()> {
        if self.failed.is_empty() {
            return Ok(());
        }
        bail!(
            "failed: {} (logs in {})",
            self.failed.join(", "),
            self.logs.display()
        )
    }

    /// Prints the closing lines. An error that no step counted counts as one failure.
    pub fn finish(mut self, outcome: Result<()>) -> Result<()> {
        if outcome.is_err() && self.failed.is_empty() {
            self.sum.failed += 1;
        }
        println!(
            "{} steps in {:.0} s",
            self.steps,
            self.started.elapsed().as_secs_f64()
        );
        for line in &self.left_out {
            println!("not run: {line}");
        }
        println!("{} passed, {} failed", self.sum.passed, self.sum.failed);
        outcome
    }
}
