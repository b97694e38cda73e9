//! Rows as they come from the driver, into entries.
//! A value of the wrong type or sign is reported by name, because somebody may have edited the table.

use evidence::Time;
use incident::journal::{Entry, Head, Tip};
use sqlx::Row;
use sqlx::any::AnyRow;

pub(super) fn entry_of(row: &AnyRow) -> Result<Entry, String> {
    Ok(Entry {
        position: number(row, "position")?,
        stream: text(row, "stream")?,
        seq: number(row, "seq")?,
        at: time(row, "at")?,
        actor: text(row, "actor")?,
        event: text(row, "event")?,
        prev_hash: text(row, "prev_hash")?,
        hash: text(row, "hash")?,
    })
}

pub(super) fn head(row: &AnyRow) -> Result<Head, String> {
    Ok(Head { stream: text(row, "stream")?, seq: number(row, "seq")?, hash: text(row, "hash")? })
}

pub(super) fn tip(row: &AnyRow) -> Result<Tip, String> {
    Ok(Tip { seq: number(row, "seq")?, hash: text(row, "hash")? })
}

pub(crate) fn text(row: &AnyRow, column: &'static str) -> Result<String, String> {
    row.try_get(column).map_err(|error| format!("`{column}`: {error}"))
}

pub(crate) fn time(row: &AnyRow, column: &'static str) -> Result<Time, String> {
    row.try_get(column).map(Time).map_err(|error| format!("`{column}`: {error}"))
}

pub(super) fn number(row: &AnyRow, column: &'static str) -> Result<u64, String> {
    let signed: i64 = row.try_get(column).map_err(|error| format!("`{column}`: {error}"))?;
    u64::try_from(signed).map_err(|_| format!("`{column}` is {signed}"))
}

/// Larger numbers name nothing that can exist, so the largest stands for them.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
