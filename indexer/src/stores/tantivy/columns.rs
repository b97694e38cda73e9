//! The fast columns of one segment, and which of its documents a window, a list of services and a grant let through.

use std::sync::Arc;

use evidence::TimeWindow;
use tantivy::columnar::{ColumnValues, StrColumn};
use tantivy::{DocId, SegmentReader};

use super::allowed::Pass;

pub(super) type Numbers = Arc<dyn ColumnValues<u64>>;

#[derive(Clone)]
pub(super) struct Columns {
    pub(super) time: Arc<dyn ColumnValues<i64>>,
    pub(super) seq: Numbers,
    pub(super) level: Numbers,
    pub(super) template: Numbers,
    pub(super) redacted: Numbers,
    pub(super) source: Numbers,
    pub(super) trace: Numbers,
    pub(super) span: Numbers,
    pub(super) service: Names,
    pub(super) host: Names,
    pub(super) version: Names,
}

/// A column of names: a number per document, and what the numbers stand for.
#[derive(Clone)]
pub(super) struct Names {
    pub(super) ords: Numbers,
    pub(super) names: Arc<Vec<String>>,
}

impl Columns {
    pub(super) fn open(segment: &SegmentReader) -> tantivy::Result<Columns> {
        let fast = segment.fast_fields();
        let numbers = |name: &str| Ok::<_, tantivy::TantivyError>(fast.u64(name)?.first_or_default_col(0));
        let names = |name: &str| {
            let column: Option<StrColumn> = fast.str(name)?;
            Names::open(column)
        };
        Ok(Columns {
            time: fast.i64("time")?.first_or_default_col(0),
            seq: numbers("seq")?,
            level: numbers("level")?,
            template: numbers("template")?,
            redacted: numbers("redacted")?,
            source: numbers("source")?,
            trace: numbers("trace_hash")?,
            span: numbers("span_hash")?,
            service: names("service")?,
            host: names("host")?,
            version: names("version")?,
        })
    }

    /// Whether the window holds all, none or some of the documents.
    pub(super) fn overlap(&self, window: TimeWindow) -> Overlap {
        let (first, last) = (self.time.min_value(), self.time.max_value());
        if last < window.from().0 || first >= window.to().0 {
            Overlap::Nothing
        } else if first >= window.from().0 && last < window.to().0 {
            Overlap::All
        } else {
            Overlap::Some
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlap {
    Nothing,
    Some,
    All,
}

impl Names {
    fn open(column: Option<StrColumn>) -> tantivy::Result<Names> {
        let mut names = Vec::new();
        let Some(column) = column else {
            return Ok(Names { ords: Arc::new(Zero), names: Arc::new(vec![String::new()]) });
        };
        for ord in 0..column.num_terms() as u64 {
            let mut name = String::new();
            column.ord_to_str(ord, &mut name)?;
            names.push(name);
        }
        Ok(Names { ords: column.ords().clone().first_or_default_col(0), names: Arc::new(names) })
    }

    /// Which numbers are among `wanted`; `None` lets all through.
    pub(super) fn allowed(&self, wanted: Option<&[String]>) -> Option<Vec<bool>> {
        let wanted = wanted?;
        Some(self.names.iter().map(|name| wanted.contains(name)).collect())
    }
}

/// What lets a document through.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) window: TimeWindow,
    time: Arc<dyn ColumnValues<i64>>,
    service: Numbers,
    allowed: Option<Vec<bool>>,
    pass: Pass,
    overlap: Overlap,
}

impl Gate {
    pub(super) fn new(columns: &Columns, window: TimeWindow, services: Option<&[String]>, pass: &Pass) -> Gate {
        Gate {
            window,
            time: columns.time.clone(),
            service: columns.service.ords.clone(),
            allowed: columns.service.allowed(services),
            pass: pass.clone(),
            overlap: columns.overlap(window),
        }
    }

    pub(super) fn is_shut(&self) -> bool {
        let has_no_service = self.allowed.as_ref().is_some_and(|allowed| !allowed.contains(&true));
        self.overlap == Overlap::Nothing || has_no_service || self.pass.is_shut()
    }

    pub(super) fn is_open(&self) -> bool {
        self.overlap == Overlap::All && self.allowed.is_none() && self.pass.is_open()
    }

    pub(super) fn lets(&self, doc: DocId) -> bool {
        let in_window = match self.overlap {
            Overlap::All => true,
            Overlap::Nothing => false,
            Overlap::Some => self.window.contains(evidence::Time(self.time.get_val(doc))),
        };
        let is_allowed =
            |allowed: &Vec<bool>| allowed.get(self.service.get_val(doc) as usize).copied().unwrap_or(false);
        in_window && self.allowed.as_ref().is_none_or(is_allowed) && self.pass.lets(doc)
    }
}

#[derive(Debug)]
struct Zero;

impl ColumnValues<u64> for Zero {
    fn get_val(&self, _: u32) -> u64 {
        0
    }

    fn min_value(&self) -> u64 {
        0
    }

    fn max_value(&self) -> u64 {
        0
    }

    fn num_vals(&self) -> u32 {
        u32::MAX
    }
}
