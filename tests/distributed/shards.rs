//! A coordinator and three shards with the demo's documents over them, by postgres_fdw.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options};
use half::f16;
use postgres::Client;
use server_tests::{DATABASE, available, installation};

/// How many servers hold rows.
pub const SHARDS: usize = 3;

/// How many documents are loaded.
pub const DOCUMENTS: usize = 1200;

/// Length of an embedding.
pub const DIMENSIONS: usize = 384;

/// Who is asked, and who holds the rows. The coordinator's table `docs` is partitioned over the shards' tables `docs`; its table
/// `everything` has all rows, as one server would.
pub struct Distributed {
    pub coordinator: Cluster,
    pub shards: Vec<Cluster>,
}

impl Distributed {
    /// Starts all, unless postgres_fdw is missing.
    pub fn start() -> Result<Option<Self>> {
        if !available("postgres_fdw")? {
            return Ok(None);
        }
        let installation = installation()?;
        let start = || Cluster::start_new(&installation, Options::default());
        let distributed = Self {
            coordinator: start()?,
            shards: (0..SHARDS).map(|_| start()).collect::<Result<_>>()?,
        };
        for shard in &distributed.shards {
            run(
                &mut shard.connect(DATABASE)?,
                "CREATE EXTENSION pg_quantize; CREATE TABLE docs (id int PRIMARY KEY, lang text, embedding real[])",
            )?;
        }
        distributed.create_parent()?;
        distributed.load()?;
        Ok(Some(distributed))
    }

    /// A connection to the coordinator.
    pub fn connect(&self) -> Result<Client> {
        self.coordinator.connect(DATABASE)
    }

    /// As docs/distributed.md shows it.
    fn create_parent(&self) -> Result<()> {
        let mut client = self.connect()?;
        run(
            &mut client,
            "CREATE EXTENSION pg_quantize; CREATE EXTENSION postgres_fdw; \
             CREATE TABLE docs (id int, lang text, embedding real[]) PARTITION BY HASH (id)",
        )?;
        for (i, shard) in self.shards.iter().enumerate() {
            run(
                &mut client,
                &format!(
                    "CREATE SERVER shard_{i} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{}', port '{}', dbname '{DATABASE}', \
                     extensions 'pg_quantize', async_capable 'true', batch_size '100', use_remote_estimate 'true'); \
                     CREATE USER MAPPING FOR PUBLIC SERVER shard_{i} OPTIONS (user 'postgres', password_required 'false'); \
                     CREATE FOREIGN TABLE docs_{i} PARTITION OF docs FOR VALUES WITH (MODULUS {SHARDS}, REMAINDER {i}) \
                     SERVER shard_{i} OPTIONS (table_name 'docs')",
                    shard.path().display(),
                    shard.port()
                ),
            )?;
        }
        Ok(())
    }

    /// The rows reach their shards through the parent.
    fn load(&self) -> Result<()> {
        let mut client = self.connect()?;
        run(
            &mut client,
            "CREATE TABLE everything (id int PRIMARY KEY, lang text, embedding real[])",
        )?;
        let embeddings = embeddings("documents")?;
        ensure!(embeddings.len() >= 4 * DOCUMENTS, "too few documents");
        let mut copy = client.copy_in("COPY everything FROM STDIN")?;
        // Neighbours are near each other in the file: every fourth one.
        for (id, embedding) in embeddings.iter().step_by(4).take(DOCUMENTS).enumerate() {
            let lang = ["de", "en", "fr", "it"][id % 4];
            writeln!(copy, "{id}\t{lang}\t{}", array(embedding))?;
        }
        copy.finish()?;
        run(
            &mut client,
            "INSERT INTO docs SELECT * FROM everything; ANALYZE everything",
        )?;
        for shard in &self.shards {
            run(&mut shard.connect(DATABASE)?, "ANALYZE docs")?;
        }
        Ok(())
    }

    /// Runs statements on every shard.
    pub fn on_shards(&self, sql: &str) -> Result<()> {
        for shard in &self.shards {
            run(&mut shard.connect(DATABASE)?, sql)?;
        }
        Ok(())
    }

    /// Settings of the sessions that the coordinator opens on the shards.
    pub fn set_on_shards(&self, settings: &str) -> Result<()> {
        let mut client = self.connect()?;
        for i in 0..SHARDS {
            let known = "SELECT FROM pg_foreign_server WHERE srvname = $1 AND srvoptions::text LIKE '%\"options=%'";
            let verb = match client.query_opt(known, &[&format!("shard_{i}")])? {
                Some(_) => "SET",
                None => "ADD",
            };
            run(
                &mut client,
                &format!("ALTER SERVER shard_{i} OPTIONS ({verb} options '{settings}')"),
            )?;
        }
        Ok(())
    }

    /// The plans of what a statement sends to each shard, by the shards themselves.
    pub fn remote_plans(&self, plan: &str) -> Result<Vec<String>> {
        let mut plans = Vec::new();
        let mut partition = None;
        for line in plan.lines().map(str::trim) {
            if let Some(scan) = line.find("Foreign Scan") {
                let scanned = line[scan..].split("docs_").nth(1);
                partition = scanned.and_then(|rest| rest[..1].parse::<usize>().ok());
            } else if line.starts_with("Relations: ") {
                let scanned = line.split("docs_").nth(1);
                partition = scanned.and_then(|rest| rest[..1].parse::<usize>().ok());
            } else if let Some(sql) = line.strip_prefix("Remote SQL: ") {
                let shard = &self.shards[partition.context("no partition before its statement")?];
                plans.push(explain(&mut shard.connect(DATABASE)?, sql, "COSTS OFF")?);
            }
        }
        Ok(plans)
    }
}

/// Runs statements.
pub fn run(client: &mut Client, sql: &str) -> Result<()> {
    client.batch_execute(sql).with_context(|| sql.to_owned())
}

/// What EXPLAIN prints.
pub fn explain(client: &mut Client, sql: &str, options: &str) -> Result<String> {
    let rows = client
        .query(&format!("EXPLAIN ({options}) {sql}"), &[])
        .with_context(|| sql.to_owned())?;
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    Ok(lines.join("\n"))
}

/// An embedding as the text of an array.
pub fn array(embedding: &[f32]) -> String {
    let values: Vec<String> = embedding.iter().map(f32::to_string).collect();
    format!("{{{}}}", values.join(","))
}

/// The embeddings of the demo's documents or queries: a NumPy file of float16, 384 a row.
pub fn embeddings(name: &str) -> Result<Vec<Vec<f32>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../demo/{name}.f16.npy"));
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let values: Vec<f32> = bytes[header..]
        .chunks_exact(2)
        .map(|pair| f16::from_le_bytes([pair[0], pair[1]]).to_f32())
        .collect();
    Ok(values
        .chunks_exact(DIMENSIONS)
        .map(<[f32]>::to_vec)
        .collect())
}
