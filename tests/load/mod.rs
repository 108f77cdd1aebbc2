//! A mixed load on tables with every kind of index, under a server that dies, and the proof that nothing was lost.
//!
//! Every writer owns the rows whose number leaves its own remainder, so it knows what each of them must hold: [`ledger`]. A
//! statement that the server's death interrupts leaves its rows *in doubt*: after the recovery they may hold either state.
//! [`statements`] says what is sent, [`proof`] what must hold after each recovery.

mod ledger;
mod proof;
mod random;
mod statements;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{ScopedJoinHandle, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use cluster::{Cluster, Options, Shutdown};
use postgres::{Client, NoTls};

use crate::{DATABASE, available, kill_session, start};
pub use ledger::Ledger;
pub use random::Random;
use statements::{Outcome, keeper_step, writer_step};

/// Sessions that write rows of their own.
const WRITERS: usize = 3;

/// Rows at the start.
const ROWS: i32 = 600;

/// A cluster under load, and what its tables must hold.
pub struct Load {
    cluster: Cluster,
    ledgers: Vec<Ledger>,
    random: Random,
    /// Statements that took effect.
    pub statements: u64,
    /// Deaths survived, by kind.
    pub deaths: [u32; 4],
}

impl Load {
    /// Starts a cluster with these settings beside those of the load, and fills its tables.
    pub fn start(seed: u64, options: Options) -> Result<Self> {
        let options = options
            .set("max_prepared_transactions", "20")
            .set("autovacuum_naptime", "1s")
            .set("autovacuum_vacuum_threshold", "50")
            .set("autovacuum_vacuum_scale_factor", "0.05")
            .set("autovacuum_vacuum_insert_threshold", "100")
            .set("restart_after_crash", "on");
        let cluster = start(options)?;
        let mut client = cluster.connect(DATABASE)?;
        let with_vector = available("vector")?;
        statements::create(&mut client, with_vector)?;
        let ledgers = (0..WRITERS).map(|w| Ledger::new(w, WRITERS)).collect();
        let mut load = Self {
            cluster,
            ledgers,
            random: Random::new(seed),
            statements: 0,
            deaths: [0; 4],
        };
        for ledger in &mut load.ledgers {
            let rows = ledger.fresh(ROWS as usize / WRITERS);
            statements::insert(&mut client, &rows)?;
            ledger.holds(&rows);
        }
        Ok(load)
    }

    /// Lets all sessions work until a random moment, kills something, waits for the recovery and proves that all is there.
    pub fn round(&mut self) -> Result<()> {
        let stop = AtomicBool::new(false);
        let until = Duration::from_millis(300 + self.random.below(900));
        let kind = self.random.below(4) as usize;
        let seeds: Vec<u64> = (0..=WRITERS).map(|_| self.random.next()).collect();
        let (cluster, ledgers, random) = (&self.cluster, &mut self.ledgers, &mut self.random);
        let done = std::thread::scope(|scope| {
            let mut sessions: Vec<ScopedJoinHandle<'_, Result<u64>>> = Vec::new();
            for (ledger, seed) in ledgers.iter_mut().zip(&seeds) {
                let stop = &stop;
                sessions.push(scope.spawn(move || write(cluster, ledger, *seed, stop)));
            }
            let (stop_keeper, keeper_seed) = (&stop, seeds[WRITERS]);
            sessions.push(scope.spawn(move || keep_house(cluster, keeper_seed, stop_keeper)));
            sleep(until);
            let killed = die(cluster, kind, random);
            stop.store(true, Ordering::Relaxed);
            let mut done = 0;
            for session in sessions {
                let ended = session.join().map_err(|_| anyhow!("a session panicked"))?;
                done += ended?;
            }
            killed.map(|()| done)
        })?;
        self.statements += done;
        self.deaths[kind] += 1;
        let mut client = reconnect(&self.cluster)?;
        proof::settle(&mut client)?;
        proof::everything_is_there(&mut client, &mut self.ledgers, &mut self.random).with_context(
            || {
                format!(
                    "after death {kind}; the log ends\n{}",
                    self.cluster.log_tail(30)
                )
            },
        )
    }

    /// A vacuum of everything, after which nothing dead may be left either.
    pub fn finish(mut self) -> Result<()> {
        let mut client = reconnect(&self.cluster)?;
        client.batch_execute("VACUUM")?;
        proof::everything_is_there(&mut client, &mut self.ledgers, &mut self.random)
    }
}

/// One writer's session, until it is told to stop or the server is gone.
fn write(cluster: &Cluster, ledger: &mut Ledger, seed: u64, stop: &AtomicBool) -> Result<u64> {
    let mut random = Random::new(seed);
    let Ok(mut client) = cluster.config(DATABASE).connect(NoTls) else {
        return Ok(0);
    };
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        match writer_step(&mut client, ledger, &mut random)? {
            Outcome::Done => done += 1,
            Outcome::Refused => {}
            Outcome::Gone => break,
        }
    }
    Ok(done)
}

/// The session that vacuums, builds and drops.
fn keep_house(cluster: &Cluster, seed: u64, stop: &AtomicBool) -> Result<u64> {
    let mut random = Random::new(seed);
    let Ok(mut client) = cluster.config(DATABASE).connect(NoTls) else {
        return Ok(0);
    };
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        match keeper_step(&mut client, &mut random)? {
            Outcome::Done => done += 1,
            Outcome::Refused => {}
            Outcome::Gone => break,
        }
    }
    Ok(done)
}

/// Ends the server, or one of its processes, at once.
fn die(cluster: &Cluster, kind: usize, random: &mut Random) -> Result<()> {
    match kind {
        0 => cluster.restart(Shutdown::Immediate),
        1 => {
            cluster.kill()?;
            cluster.start()
        }
        2 => kill_one(cluster, "client backend", random),
        _ => kill_one(cluster, "autovacuum worker", random),
    }
}

/// Kills one process of a kind; where there is none, any client's. The postmaster then restarts all others.
fn kill_one(cluster: &Cluster, kind: &str, random: &mut Random) -> Result<()> {
    let mut client = cluster.connect(DATABASE)?;
    let of = "SELECT pid FROM pg_stat_activity WHERE backend_type = $1 AND pid <> pg_backend_pid() ORDER BY pid";
    let mut pids = client.query(of, &[&kind])?;
    if pids.is_empty() {
        pids = client.query(of, &[&"client backend"])?;
    }
    if pids.is_empty() {
        return Ok(());
    }
    let pid: i32 = pids[random.below(pids.len() as u64) as usize].get(0);
    // It may have ended by itself since.
    if kill_session(pid).is_ok() {
        // The postmaster ends this session too, as soon as it notices.
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end && client.simple_query("SELECT pg_sleep(0.05)").is_ok() {}
    }
    Ok(())
}

/// Waits until the server has recovered.
fn reconnect(cluster: &Cluster) -> Result<Client> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Ok(mut client) = cluster.config(DATABASE).connect(NoTls)
            && client.simple_query("SELECT 1").is_ok()
        {
            return Ok(client);
        }
        ensure!(
            Instant::now() < end,
            "the server did not come back:\n{}",
            cluster.log_tail(20)
        );
        sleep(Duration::from_millis(50));
    }
}
