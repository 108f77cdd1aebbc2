//! Nothing committed is lost, and nothing else appears, however the server ends in the middle of a mixed load.
//!
//! Twenty rounds here; `cargo xtask soak --minutes N` goes on for N minutes. A failure prints the seed, and
//! `PG_QUANTIZE_SEED` repeats it (as far as the timing of processes lets itself be repeated).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use cluster::Options;
use server_tests::load::Load;

/// Rounds under each of the settings, when no time is given.
const ROUNDS: u32 = 5;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Rounds under these settings until the count or the time is used up.
fn rounds(settings: &[(&str, &str)]) -> Result<()> {
    let seed = variable("PG_QUANTIZE_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(1, |since| since.as_nanos() as u64)
    });
    let end = variable("PG_QUANTIZE_SOAK_MINUTES")
        .map(|minutes| Instant::now() + Duration::from_secs(60 * minutes) / 4);
    let mut options = Options::default();
    for (name, value) in settings {
        options = options.set(name, value);
    }
    let mut load = Load::start(seed, options)?;
    let mut round = 0;
    while end.map_or(round < ROUNDS, |end| Instant::now() < end) {
        round += 1;
        load.round()
            .with_context(|| format!("round {round}, seed {seed}, {settings:?}"))?;
    }
    println!(
        "{round} rounds, {} statements, deaths {:?}, seed {seed}, {settings:?}",
        load.statements, load.deaths
    );
    load.finish()
        .with_context(|| format!("at the end, seed {seed}, {settings:?}"))
}

#[test]
fn nothing_is_lost_with_replicas_allowed() -> Result<()> {
    rounds(&[("wal_level", "replica")])
}

#[test]
fn nothing_is_lost_with_minimal_logging() -> Result<()> {
    rounds(&[
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("wal_skip_threshold", "0"),
    ])
}

#[test]
fn nothing_is_lost_with_logical_logging_and_little_memory() -> Result<()> {
    rounds(&[
        ("wal_level", "logical"),
        ("shared_buffers", "1MB"),
        ("work_mem", "64kB"),
        ("maintenance_work_mem", "1MB"),
        ("max_parallel_maintenance_workers", "0"),
    ])
}

#[test]
fn nothing_is_lost_without_full_page_writes() -> Result<()> {
    rounds(&[
        ("full_page_writes", "off"),
        ("checkpoint_timeout", "30s"),
        ("wal_compression", "on"),
    ])
}
