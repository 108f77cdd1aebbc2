//! A throw-away Postgres cluster, started from a `pg_config`.
//!
//! [`Installation`] says what a `pg_config` leads to; [`Cluster`] is a data directory of its own
//! with a server on it, in one temporary directory that also holds the socket and the log.
//!
//! Invariants
//! - Nothing outside the temporary directory is written, and no environment of the caller
//!   (`PGHOST`, `PGPORT`, …) reaches the server or its clients.
//! - Dropping a [`Cluster`] stops the server and removes the directory, unless [`Cluster::keep`]
//!   was called; so does the end of the process that made it, however it comes (see [`Guard`]).
//! - A server refuses to run as root, so root runs it as another user (see [`Account`]); an
//!   ordinary user runs it directly.

#![deny(unsafe_code)]

mod account;
mod guard;
mod installation;
mod process;
mod server;
mod settings;

pub use account::Account;
pub use guard::Guard;
pub use installation::Installation;
pub use server::{Cluster, Shutdown};
pub use settings::{Options, SUPERUSER};
