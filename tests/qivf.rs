//! What the tests of the index start from: a database of their own, rows to index, and the sequential scan as oracle.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options};
use postgres::Client;

use crate::{create_extension, start};

/// The cluster that a test binary's tests share; it goes when the last of them that runs is done.
static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// `embedding(d, seed)` is the same everywhere, and rows whose seeds are equal modulo 40 lie near each other.
const GENERATOR: &str = "
CREATE FUNCTION embedding(d int, seed int) RETURNS real[] IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
    SELECT array_agg((sin((seed % 40 + 1) * i) + 0.6 * sin(seed * 12.9898 + i * i * 78.233))::real ORDER BY i)
    FROM generate_series(1, d) AS i $$;";

/// A fresh database with the extension and `embedding(d, seed)`, on a cluster shared with the other tests of this process.
pub fn database() -> Result<(Arc<Cluster>, Client)> {
    let mut shared = match SHARED.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    };
    let cluster = match shared.upgrade() {
        Some(cluster) => cluster,
        None => Arc::new(start(Options::default())?),
    };
    *shared = Arc::downgrade(&cluster);
    drop(shared);
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    cluster.create_database(&name)?;
    create_extension(&cluster, &name)?;
    let mut client = cluster.connect(&name)?;
    client.batch_execute(GENERATOR)?;
    Ok((cluster, client))
}

/// Creates `embedding(d, seed)` in the client's database.
pub fn create_generator(client: &mut Client) -> Result<()> {
    Ok(client.batch_execute(GENERATOR)?)
}

/// A search: `SELECT … FROM from ORDER BY distance LIMIT limit`; `from` may end in a WHERE clause.
///
/// The rows have a unique integer `id` (`ctid` won't do: the executor forgets it when it reorders rows).
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// What stands after FROM.
    pub from: &'a str,
    /// The distance to order by.
    pub distance: &'a str,
    /// How many rows.
    pub limit: usize,
}

impl Search<'_> {
    fn sql(&self) -> String {
        let Self {
            from,
            distance,
            limit,
        } = self;
        // The executor computes the distance in the target list itself, whatever the index thinks.
        format!("SELECT ({distance})::float8, id FROM {from} ORDER BY {distance} LIMIT {limit}")
    }

    /// Distances in the order in which an index scan hands out rows, at the session's settings. No row may come twice.
    pub fn by_index(&self, client: &mut Client) -> Result<Vec<Option<f64>>> {
        let mut transaction = client.transaction()?;
        transaction.batch_execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off",
        )?;
        let rows = transaction.query(&format!("EXPLAIN (COSTS OFF) {}", self.sql()), &[])?;
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        ensure!(plan.contains("Order By: "), "no index scan in\n{plan}");
        let rows = transaction.query(&self.sql(), &[])?;
        transaction.rollback()?;
        let mut ids: Vec<i32> = rows.iter().map(|row| row.get(1)).collect();
        ids.sort();
        let count = ids.len();
        ids.dedup();
        ensure!(ids.len() == count, "{} rows came twice", count - ids.len());
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Distances in the order of a sequential scan and a sort.
    pub fn by_sort(&self, client: &mut Client) -> Result<Vec<Option<f64>>> {
        let mut transaction = client.transaction()?;
        transaction.batch_execute("SET LOCAL enable_indexscan = off")?;
        let rows = transaction.query(&self.sql(), &[])?;
        transaction.rollback()?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Fails unless, at `qivf.target_recall = 1`, the index gives the distances of the sequential scan, in order.
    pub fn is_exact(&self, client: &mut Client) -> Result<()> {
        client.batch_execute("SET qivf.target_recall = 1")?;
        let found = self.by_index(client).with_context(|| format!("{self:?}"))?;
        client.batch_execute("RESET qivf.target_recall")?;
        let expected = self.by_sort(client)?;
        ensure!(
            found.len() == expected.len(),
            "{} rows instead of {}: {self:?}",
            found.len(),
            expected.len()
        );
        let differs = |pair: &(&Option<f64>, &Option<f64>)| !same(*pair.0, *pair.1);
        if let Some(at) = found.iter().zip(&expected).position(|pair| differs(&pair)) {
            anyhow::bail!(
                "row {at} has distance {:?} instead of {:?}: {self:?}",
                found[at],
                expected[at]
            );
        }
        Ok(())
    }
}

/// Whether two distances are the same to Postgres, where NaN equals NaN.
fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || (a.is_nan() && b.is_nan()),
        _ => a.is_none() && b.is_none(),
    }
}

/// Fails unless `qivf_check` finds nothing wrong with the index.
pub fn is_sound(client: &mut Client, index: &str) -> Result<()> {
    let rows = client.query("SELECT qivf_check($1::text::regclass)", &[&index])?;
    let problems: Vec<String> = rows.iter().take(5).map(|row| row.get(0)).collect();
    ensure!(
        problems.is_empty(),
        "index {index} has {} problems: {problems:?}",
        rows.len()
    );
    Ok(())
}

/// A query's first value.
pub fn value<T: for<'a> postgres::types::FromSql<'a>>(
    client: &mut Client,
    query: &str,
) -> Result<T> {
    let row = client
        .query_one(query, &[])
        .with_context(|| query.to_owned())?;
    Ok(row.try_get(0)?)
}

/// The error message of a statement that must fail.
pub fn refused(client: &mut Client, statement: &str) -> Result<String> {
    let Err(error) = client.batch_execute(statement) else {
        anyhow::bail!("accepted: {statement}");
    };
    let error = error.as_db_error().context("the connection broke")?;
    Ok(error.message().to_owned())
}
