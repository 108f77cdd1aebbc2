//! A data directory and the server on it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::{Client, Config, NoTls};
use rustix::process::Pid;
use tempfile::TempDir;

use crate::settings::configuration;
use crate::{Account, Guard, Installation, Options, SUPERUSER, process};

/// A Unix socket's path holds 107 bytes; the file name `/.s.PGSQL.65535.lock` takes 20 of them.
const MAX_SOCKET_DIR: usize = 107 - 20;

/// The port in the socket's file name when nothing listens on TCP.
const SOCKET_PORT: u16 = 5432;

/// How a server is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Disconnects clients, writes a checkpoint.
    Fast,
    /// Ends at once; the next start replays the log.
    Immediate,
}

/// A cluster in a temporary directory; see the crate's invariants.
#[derive(Debug)]
pub struct Cluster {
    installation: Installation,
    account: Account,
    options: Options,
    port: u16,
    /// `None` once it is kept.
    home: Option<TempDir>,
    /// `None` once it is kept. Behind `home`, so that it is dropped after it and finds nothing left to do.
    guard: Option<Guard>,
    path: PathBuf,
}

impl Cluster {
    /// Creates a cluster (`initdb`) and starts its server.
    pub fn start_new(installation: &Installation, options: Options) -> Result<Self> {
        let cluster = Self::create(installation, options)?;
        cluster.start()?;
        Ok(cluster)
    }

    /// Creates a cluster (`initdb`) and leaves it stopped.
    pub fn create(installation: &Installation, options: Options) -> Result<Self> {
        let cluster = Self::prepare(installation, options)?;
        let mut initdb = cluster.command("initdb");
        initdb.arg("-D").arg(cluster.data_dir());
        initdb.args([
            "-U",
            SUPERUSER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        process::run(&mut initdb)?;
        cluster.configure()?;
        Ok(cluster)
    }

    /// Copies the running `primary` (`pg_basebackup`) into a streaming standby and starts it.
    pub fn standby_of(primary: &Cluster, options: Options) -> Result<Self> {
        let standby = Self::prepare(&primary.installation, options)?;
        let mut backup = standby.command("pg_basebackup");
        backup.arg("-d").arg(primary.connection_string("postgres"));
        backup.arg("-D").arg(standby.data_dir());
        backup.args(["-R", "-X", "stream", "-c", "fast", "--no-sync"]);
        process::run(&mut backup)?;
        standby.configure()?;
        standby.start()?;
        Ok(standby)
    }

    /// Waits until this standby has replayed everything that `primary` has written so far.
    pub fn wait_for(&self, primary: &Cluster) -> Result<()> {
        let position = "SELECT pg_current_wal_flush_lsn()::text";
        let target: String = primary
            .connect("postgres")?
            .query_one(position, &[])?
            .get(0);
        let mut client = self.connect("postgres")?;
        let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{target}'::pg_lsn");
        let end = Instant::now() + self.options.timeout;
        while !client.query_one(&replayed, &[])?.get::<_, bool>(0) {
            ensure!(
                Instant::now() < end,
                "the standby did not reach {target} in time"
            );
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The directory, owned by who runs the server, and nothing in it yet.
    fn prepare(installation: &Installation, options: Options) -> Result<Self> {
        let account = Account::detect()?;
        let home = temporary_directory()?;
        let guard = Guard::new(home.path())?;
        account.give(home.path())?;
        let port = if options.tcp {
            free_port()?
        } else {
            SOCKET_PORT
        };
        let path = home.path().to_owned();
        let installation = installation.clone();
        Ok(Self {
            installation,
            account,
            options,
            port,
            home: Some(home),
            guard: Some(guard),
            path,
        })
    }

    /// Appends this cluster's settings; later lines win, also over those of a copied primary.
    fn configure(&self) -> Result<()> {
        self.append_settings(&configuration(&self.options, &self.path, self.port))
    }

    /// Appends lines to `postgresql.conf`; they hold from the next start or reload.
    pub fn append_settings(&self, lines: &str) -> Result<()> {
        let path = self.data_dir().join("postgresql.conf");
        let mut file = OpenOptions::new().append(true).open(&path)?;
        writeln!(file, "{}", lines.trim_end())
            .with_context(|| format!("could not write {}", path.display()))
    }

    /// Starts the server and waits until it accepts connections.
    pub fn start(&self) -> Result<()> {
        let mut command = self.pg_ctl("start");
        command.arg("-l").arg(self.log_path());
        // The server inherits these; a pipe would keep whoever reads it waiting.
        let status = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = status.status().context("could not run pg_ctl")?;
        ensure!(
            status.success(),
            "the server did not start; its log ends\n{}",
            self.log_tail(20)
        );
        Ok(())
    }

    /// Stops the server and waits for its end.
    pub fn stop(&self, how: Shutdown) -> Result<()> {
        let mode = match how {
            Shutdown::Fast => "fast",
            Shutdown::Immediate => "immediate",
        };
        process::run(self.pg_ctl("stop").args(["-m", mode])).map(drop)
    }

    /// Stops and starts it again.
    pub fn restart(&self, how: Shutdown) -> Result<()> {
        self.stop(how)?;
        self.start()
    }

    /// Kills the server and all its processes with SIGKILL and waits until they are gone.
    pub fn kill(&self) -> Result<()> {
        let postmaster = self.postmaster_pid().context("the server does not run")?;
        let mut all = process::children(postmaster);
        // The postmaster first: it would start a recovery when it saw its children die.
        process::kill(postmaster);
        all.iter().for_each(|pid| process::kill(*pid));
        all.push(postmaster);
        process::wait_gone(&all, self.options.timeout)?;
        // Where nobody reaps orphans the dead server keeps its process id, and the next one would
        // take its lock files for those of a living server.
        let socket_lock = self.path.join(format!(".s.PGSQL.{}.lock", self.port));
        fs::remove_file(socket_lock).context("no lock file of the socket")?;
        fs::remove_file(self.data_dir().join("postmaster.pid")).context("no lock file")
    }

    /// Whether a server process runs on the data directory.
    pub fn is_running(&self) -> bool {
        self.postmaster_pid().is_some_and(process::is_alive)
    }

    /// The process id in `postmaster.pid`.
    fn postmaster_pid(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.data_dir().join("postmaster.pid")).ok()?;
        Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
    }

    fn pg_ctl(&self, action: &str) -> Command {
        let mut command = self.command("pg_ctl");
        command.arg("-D").arg(self.data_dir()).arg(action).arg("-w");
        command
            .arg("-t")
            .arg(self.options.timeout.as_secs().max(1).to_string());
        command
    }

    /// One of the installation's programs, run as the server's account in the cluster's directory
    /// with a clean environment and no connection parameters.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.installation.program(program));
        process::clean_environment(&mut command);
        command.current_dir(&self.path).env("HOME", &self.path);
        self.account.apply(&mut command);
        command
    }

    /// A client program (`psql`, `pg_dump`, `vacuumdb`, …) run as the caller, with connection
    /// parameters in its environment.
    pub fn client_command(&self, program: &str, database: &str) -> Command {
        let mut command = Command::new(self.installation.program(program));
        process::clean_environment(&mut command);
        command
            .env("PGHOST", &self.path)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", SUPERUSER)
            .env("PGDATABASE", database);
        command
    }

    /// `psql -X` on `database`.
    pub fn psql(&self, database: &str) -> Command {
        let mut command = self.client_command("psql", database);
        command.arg("-X");
        command
    }

    /// Connection parameters for the `postgres` crate.
    pub fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(&self.path)
            .port(self.port)
            .user(SUPERUSER)
            .dbname(database)
            .connect_timeout(Duration::from_secs(20));
        config
    }

    /// A connection as superuser.
    pub fn connect(&self, database: &str) -> Result<Client> {
        self.config(database)
            .connect(NoTls)
            .with_context(|| format!("could not connect to database {database}"))
    }

    /// `host=… port=… user=… dbname=…`, as libpq reads it.
    pub fn connection_string(&self, database: &str) -> String {
        let host = self.path.display();
        format!(
            "host={host} port={} user={SUPERUSER} dbname={database}",
            self.port
        )
    }

    /// Creates an empty database.
    pub fn create_database(&self, name: &str) -> Result<()> {
        let statement = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
        self.connect("postgres")?
            .batch_execute(&statement)
            .with_context(|| format!("could not create database {name}"))
    }

    /// The installation that it runs.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The temporary directory: socket, log and data directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.path.join("data")
    }

    /// The server's log.
    pub fn log_path(&self) -> PathBuf {
        self.path.join("server.log")
    }

    /// The last `lines` of the log.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = fs::read(self.log_path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// The port of the socket, and of 127.0.0.1 with [`Options::tcp`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Leaves the server running and the directory in place when this value goes; returns the
    /// directory.
    pub fn keep(&mut self) -> &Path {
        if let Some(home) = self.home.take() {
            // Giving up the guard is what keeps the directory.
            let _ = home.keep();
        }
        if let Some(guard) = self.guard.take() {
            guard.release();
        }
        &self.path
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.home.is_some() && self.postmaster_pid().is_some() {
            // Nothing is left to save; a failure leaves only a directory under /tmp.
            let _ = self.stop(Shutdown::Immediate);
        }
    }
}

/// A directory whose path is short enough for a socket, mode 0700.
fn temporary_directory() -> Result<TempDir> {
    let build = |parent: &Path| {
        tempfile::Builder::new()
            .prefix("pgq-")
            .tempdir_in(parent)
            .with_context(|| format!("could not create a directory in {}", parent.display()))
    };
    let home = build(&std::env::temp_dir())?;
    if home.path().as_os_str().len() <= MAX_SOCKET_DIR {
        return Ok(home);
    }
    build(Path::new("/tmp"))
}

/// A TCP port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_directories_fit_a_socket_path() {
        let home = temporary_directory().unwrap();
        assert!(home.path().as_os_str().len() <= MAX_SOCKET_DIR);
    }

    /// Mostly: another program may take one first.
    #[test]
    fn free_ports_can_be_bound() {
        let bind = || TcpListener::bind(("127.0.0.1", free_port().unwrap()));
        assert!((0..10).any(|_| bind().is_ok()));
    }
}
