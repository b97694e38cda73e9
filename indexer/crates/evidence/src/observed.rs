//! What a store saw in a window and its baseline, as plain columns, so that every analysis is a pure function over them.

use crate::{RecordId, Severity, Template, Time, TimeWindow};

/// All records of a window and of its baseline, reduced to what analyses count.
///
/// Invariant: `rows` are sorted by `(time, id)`; indexes in rows are valid in the lists beside them; index `0` of
/// `hosts` and `versions` is the empty string, for records that name none.
#[derive(Clone, Debug)]
pub struct Observed {
    pub window: TimeWindow,
    /// What the window is compared with; may lie before or after it; they never overlap.
    pub baseline: Option<TimeWindow>,
    pub rows: Vec<Row>,
    /// The families that rows point at ([`Template::family`] is its own id here).
    pub templates: Vec<Template>,
    pub services: Vec<String>,
    pub hosts: Vec<String>,
    pub versions: Vec<String>,
    /// Time of the earliest and latest record in the whole index; `None` when it is empty.
    pub reach: Option<(Time, Time)>,
    /// Values that were redacted in the records of the window.
    pub redacted: u64,
}

/// One record in the columns of [`Observed`]. 48 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub time: Time,
    pub id: RecordId,
    /// A hash of the trace id; `0` when the record names none.
    pub trace: u64,
    /// A hash of the span id; `0` when the record names none.
    pub span: u64,
    /// Index into [`Observed::templates`].
    pub template: u32,
    /// Index into [`Observed::services`].
    pub service: u16,
    /// Index into [`Observed::hosts`].
    pub host: u16,
    /// Index into [`Observed::versions`].
    pub version: u16,
    /// `None` when the record names no level.
    pub severity: Option<Severity>,
}

impl Observed {
    /// The rows of the window itself.
    pub fn window_rows(&self) -> &[Row] {
        self.rows_of(self.window)
    }

    /// The rows of the baseline; empty when there is none.
    pub fn baseline_rows(&self) -> &[Row] {
        self.baseline.map_or(&[], |baseline| self.rows_of(baseline))
    }

    fn rows_of(&self, window: TimeWindow) -> &[Row] {
        let from = self.rows.partition_point(|row| row.time < window.from());
        let to = self.rows.partition_point(|row| row.time < window.to());
        &self.rows[from..to]
    }
}
