//! `semantic_search`: which columns to read, the statement that reads them, running it.
//!
//! A session keeps what it knows about a relation, and the plans of its searches, until Postgres says that something has
//! changed. The relation is locked first and looked at then, as a query does.

mod arguments;
mod cache;
mod choice;
mod column;
#[allow(unsafe_code)]
mod entry;
mod filter;
mod query;
mod relation;
mod run;
mod statement;
mod text;
