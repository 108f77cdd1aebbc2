//! sqlx: what a query may look like in Rust, statement by statement.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Encode, Error, Postgres, Row, Type};

/// sqlx prepares every statement on the server; a generic plan comes after five executions.
const RUNS: usize = 12;

struct Statement {
    written: String,
    runs: String,
    explains: String,
    index: String,
    ids: Vec<i32>,
}

async fn statements(connection: &mut PgConnection) -> Result<Vec<Statement>, Error> {
    let rows = sqlx::query("SELECT * FROM statements ORDER BY position")
        .fetch_all(connection)
        .await?;
    let statement = |row: &sqlx::postgres::PgRow| Statement {
        written: row.get("written"),
        runs: row.get("runs"),
        explains: row.get("explains"),
        index: row.get("index_name"),
        ids: row.get("ids"),
    };
    Ok(rows.iter().map(statement).collect())
}

async fn outcome<T>(
    connection: &mut PgConnection,
    form: &T,
    statement: &Statement,
) -> Result<&'static str, Error>
where
    T: Clone + Send + for<'q> Encode<'q, Postgres> + Type<Postgres> + 'static,
{
    for _ in 0..RUNS {
        let found = sqlx::query(&statement.runs)
            .bind(form.clone())
            .fetch_all(&mut *connection)
            .await?;
        let ids: Vec<i32> = found.iter().map(|row| row.get(0)).collect();
        if ids != statement.ids {
            return Ok("other rows");
        }
    }
    let plan = sqlx::query(&statement.explains)
        .bind(form.clone())
        .fetch_all(&mut *connection)
        .await?;
    let by_index = |row: &sqlx::postgres::PgRow| row.get::<&str, _>(0).contains(&statement.index);
    Ok(if plan.iter().any(by_index) {
        "index"
    } else {
        "no index"
    })
}

async fn connect() -> Result<PgConnection, Error> {
    // Takes host, port, user and database from the environment.
    PgConnection::connect_with(&PgConnectOptions::new()).await
}

/// On a connection of its own: sqlx keeps a prepared statement by its text alone, with the parameter types of its first use.
async fn report<T>(name: &str, form: &T) -> Result<(), Error>
where
    T: Clone + Send + for<'q> Encode<'q, Postgres> + Type<Postgres> + 'static,
{
    let mut connection = connect().await?;
    for statement in &statements(&mut connection).await? {
        let result = match outcome(&mut connection, form, statement).await {
            Ok(result) => result.to_owned(),
            Err(Error::Database(error)) => format!("error {}", error.code().unwrap_or_default()),
            Err(_) => "refused by the driver".to_owned(),
        };
        println!("{name:<16} {:<32} {result}", statement.written);
    }
    Ok(())
}

async fn all() -> Result<(), Error> {
    let embedding: Vec<f32> = sqlx::query("SELECT f FROM items WHERE id = 42")
        .fetch_one(&mut connect().await?)
        .await?
        .get(0);
    let doubles: Vec<f64> = embedding.iter().map(|&x| x.into()).collect();
    let elements: Vec<String> = embedding.iter().map(f32::to_string).collect();
    let elements = elements.join(",");
    report("Vec<f32>", &embedding).await?;
    report("Vec<f64>", &doubles).await?;
    report("String '[…]'", &format!("[{elements}]")).await?;
    report("String '{…}'", &format!("{{{elements}}}")).await
}

fn main() -> Result<(), Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(all())
}
