//! What a search knows about a relation.

use std::cell::Cell;

use pgrx::pg_sys;

use super::column::{Column, Kind, Record};
use crate::spi::{Attribute, Row, attributes, pop_snapshot, push_latest_snapshot, select};

/// A relation and its columns.
#[derive(Debug, PartialEq)]
pub struct Relation {
    /// Its name without the schema, for messages.
    pub name: String,
    /// Its name with the schema, and its own name, as SQL text.
    pub sql: String,
    pub alias: String,
    /// The schema of the extension, as SQL text.
    pub extension: String,
    /// Whether rows can be told by `ctid` alone.
    pub has_ctid: bool,
    /// About as many rows; none where nothing tells.
    pub rows: Option<f64>,
    /// It, those that it inherits from, and its partitions if they are searched one by one: a change of any is a change of this.
    pub family: Vec<pg_sys::Oid>,
    /// Partitions to search one by one, as SQL text: where some are on other servers and the role may read each of them.
    pub partitions: Vec<String>,
    /// All of its columns.
    pub attributes: Vec<Attribute>,
    /// Those that can take part, in the relation's order.
    pub columns: Vec<Column>,
    /// Set when something has changed.
    pub is_stale: Cell<bool>,
}

/// The look-up, and whether it may be kept: not when a newer snapshot shows something else than the one that the query
/// runs under.
pub fn look_up(relation: pg_sys::Oid) -> (Relation, bool) {
    let found = look_up_once(relation);
    push_latest_snapshot();
    let latest = look_up_once(relation);
    pop_snapshot();
    let may_be_kept = found == latest;
    (found, may_be_kept)
}

fn look_up_once(oid: pg_sys::Oid) -> Relation {
    let attributes = attributes(oid);
    let query = c"SELECT * FROM quantize.search_relation($1)";
    let found = select(query, oid, |row| Relation {
        name: row.text(1).unwrap_or_default(),
        sql: row.text(2).unwrap_or_default(),
        alias: row.text(3).unwrap_or_default(),
        extension: row.text(4).unwrap_or_default(),
        has_ctid: row.get(5).unwrap_or(false),
        rows: row.get::<f64>(6).filter(|&rows| rows >= 0.0),
        family: row.get(7).unwrap_or_default(),
        partitions: row.text(8).map_or_else(Vec::new, |names| {
            names.split('\0').map(str::to_owned).collect()
        }),
        attributes: Vec::new(),
        columns: Vec::new(),
        is_stale: Cell::new(false),
    });
    let Some(mut relation) = found.into_iter().next() else {
        unreachable!("the function returns one row");
    };
    // The snapshot may show a column that is gone by now.
    let is_there = |column: &Column| {
        attributes
            .iter()
            .any(|a| a.number == column.number && a.name == column.name)
    };
    let columns = select(c"SELECT * FROM quantize.search_columns($1)", oid, column);
    relation.columns = columns.into_iter().flatten().filter(is_there).collect();
    relation.attributes = attributes;
    relation
}

fn column(row: &Row) -> Option<Column> {
    let kind = Kind::from_type_name(&row.get::<String>(4)?)?;
    let mut column = Column::new(
        row.get(1)?,
        row.text(2)?,
        row.text(3)?,
        kind,
        row.get(5)?,
        row.text(6)?,
        row.text(7)?,
    );
    let dimensions = |number| row.get::<i32>(number).map(|n| n.max(0) as usize);
    column.dimensions = dimensions(8);
    column.is_filled = row.get(9)?;
    column.indexed_by = row.get(10)?;
    column.has_index = row.get(11)?;
    column.record = row.get::<f64>(12).map(|created_at| Record {
        created_at,
        source: row.text(13),
        is_complete: row.get(14).unwrap_or(false),
        unit_length: row.get(15),
    });
    column.ranges = row.get(16);
    column.thresholds = row.get(17);
    column.truncate_dim = dimensions(18);
    Some(column)
}
