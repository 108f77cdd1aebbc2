//! The cluster that the other tests stand on: what is committed survives each way to stop it, and nothing of it survives
//! the end of its owner.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cluster::{Cluster, Options, Shutdown};
use server_tests::installation;

/// Rows of `t`, over a new connection.
fn rows(cluster: &Cluster) -> Result<i64> {
    let row = cluster
        .connect("postgres")?
        .query_one("SELECT count(*) FROM t", &[])?;
    Ok(row.get(0))
}

#[test]
fn committed_rows_survive_stop_and_kill() -> Result<()> {
    let cluster = Cluster::start_new(&installation()?, Options::default())?;
    let fill = "CREATE TABLE t AS SELECT generate_series(1, 1000) AS i";
    cluster.connect("postgres")?.batch_execute(fill)?;
    for how in [Shutdown::Fast, Shutdown::Immediate] {
        cluster.restart(how)?;
        assert_eq!(rows(&cluster)?, 1000, "after {how:?}");
    }
    cluster
        .connect("postgres")?
        .batch_execute("INSERT INTO t VALUES (0)")?;
    cluster.kill()?;
    assert!(!cluster.is_running());
    cluster.start()?;
    assert_eq!(rows(&cluster)?, 1001);
    assert!(
        cluster
            .log_tail(50)
            .contains("automatic recovery in progress")
    );
    Ok(())
}

#[test]
fn a_standby_replays_its_primary() -> Result<()> {
    let primary = Cluster::start_new(&installation()?, Options::default())?;
    let standby = Cluster::standby_of(&primary, Options::default())?;
    let mut client = primary.connect("postgres")?;
    client.batch_execute("CREATE TABLE t AS SELECT generate_series(1, 10) AS i")?;
    standby.wait_for(&primary)?;
    assert_eq!(rows(&standby)?, 10);
    let error = standby
        .connect("postgres")?
        .batch_execute("INSERT INTO t VALUES (0)");
    assert!(error.is_err(), "a standby must be read-only");
    Ok(())
}

#[test]
fn settings_and_tcp_reach_the_server() -> Result<()> {
    let options = Options::default().set("work_mem", "5MB").with_tcp();
    let cluster = Cluster::start_new(&installation()?, options)?;
    let row = cluster
        .connect("postgres")?
        .query_one("SHOW work_mem", &[])?;
    assert_eq!(row.get::<_, String>(0), "5MB");
    std::net::TcpStream::connect(("127.0.0.1", cluster.port()))?;
    let output = cluster
        .psql("postgres")
        .args(["-Atc", "SELECT 6 * 7"])
        .output()?;
    assert_eq!(output.stdout, b"42\n");
    Ok(())
}

#[test]
fn dropping_a_cluster_leaves_nothing() -> Result<()> {
    let cluster = Cluster::start_new(&installation()?, Options::default())?;
    let path = cluster.path().to_owned();
    assert!(path.exists());
    drop(cluster);
    assert!(!path.exists());
    Ok(())
}

/// Set in the process that [`no_server_outlives_its_owner`] starts and kills.
const OWNER: &str = "PG_QUANTIZE_TEST_OWNER";

#[test]
fn no_server_outlives_its_owner() -> Result<()> {
    if std::env::var_os(OWNER).is_some() {
        let cluster = Cluster::start_new(&installation()?, Options::default())?;
        println!("\nat {}", cluster.path().display());
        std::thread::sleep(Duration::from_secs(600));
        return Ok(());
    }
    let mut owner = Command::new(std::env::current_exe()?)
        .args(["--exact", "no_server_outlives_its_owner", "--nocapture"])
        .env(OWNER, "1")
        .stdout(Stdio::piped())
        .spawn()?;
    let output = BufReader::new(owner.stdout.take().context("no output")?);
    let home = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| Some(line.strip_prefix("at ")?.to_owned()))
        .context("the owner ended early")?;
    let home = Path::new(&home);
    assert!(home.join("data/postmaster.pid").exists());
    // No destructor and no handler runs.
    owner.kill()?;
    owner.wait()?;
    let end = Instant::now() + Duration::from_secs(60);
    while home.exists() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!home.exists(), "{} is left", home.display());
    Ok(())
}
