//! Counts all matches exactly and keeps the best few, newest or most relevant first; or counts them by time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::ColumnValues;
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader};

use evidence::Time;

use super::columns::{Columns, Gate, Numbers};
use crate::Order;
use crate::search::Buckets;

/// Sorts by score (always zero when ordered by time), then time, then the order of ingestion.
type Rank = (u32, i64, u64);

pub(super) struct Best {
    pub(super) segments: Arc<Vec<Columns>>,
    pub(super) gates: Vec<Gate>,
    pub(super) limit: usize,
    pub(super) order: Order,
}

pub(super) struct Found {
    pub(super) total: u64,
    /// Best first.
    pub(super) docs: Vec<DocAddress>,
}

pub(super) struct SegmentBest {
    segment: SegmentOrdinal,
    gate: Gate,
    time: Arc<dyn ColumnValues<i64>>,
    seq: Numbers,
    limit: usize,
    by_score: bool,
    total: u64,
    heap: BinaryHeap<Reverse<(Rank, DocId)>>,
}

impl Collector for Best {
    type Fruit = Found;
    type Child = SegmentBest;

    fn for_segment(&self, segment: SegmentOrdinal, _: &SegmentReader) -> tantivy::Result<SegmentBest> {
        let columns = &self.segments[segment as usize];
        Ok(SegmentBest {
            segment,
            gate: self.gates[segment as usize].clone(),
            time: columns.time.clone(),
            seq: columns.seq.clone(),
            limit: self.limit,
            by_score: self.requires_scoring(),
            total: 0,
            heap: BinaryHeap::with_capacity(self.limit.min(1_000) + 1),
        })
    }

    fn requires_scoring(&self) -> bool {
        self.order == Order::Relevance
    }

    fn merge_fruits(&self, fruits: Vec<(u64, Vec<(Rank, DocAddress)>)>) -> tantivy::Result<Found> {
        let total = fruits.iter().map(|(total, _)| total).sum();
        let mut docs: Vec<(Rank, DocAddress)> = fruits.into_iter().flat_map(|(_, docs)| docs).collect();
        docs.sort_unstable_by_key(|(rank, _)| Reverse(*rank));
        docs.truncate(self.limit);
        Ok(Found { total, docs: docs.into_iter().map(|(_, doc)| doc).collect() })
    }
}

impl SegmentCollector for SegmentBest {
    type Fruit = (u64, Vec<(Rank, DocAddress)>);

    fn collect(&mut self, doc: DocId, score: Score) {
        if !self.gate.lets(doc) {
            return;
        }
        self.total += 1;
        if self.limit == 0 {
            return;
        }
        // The bits of a float that is not negative sort like the float.
        let score = if self.by_score { score.max(0.0).to_bits() } else { 0 };
        let time = self.time.get_val(doc);
        let is_full = self.heap.len() == self.limit;
        if is_full && self.heap.peek().is_some_and(|worst| (score, time) < (worst.0.0.0, worst.0.0.1)) {
            return;
        }
        self.heap.push(Reverse(((score, time, self.seq.get_val(doc)), doc)));
        if self.heap.len() > self.limit {
            self.heap.pop();
        }
    }

    fn harvest(self) -> Self::Fruit {
        let segment = self.segment;
        let docs = self.heap.into_iter().map(|Reverse((rank, doc))| (rank, DocAddress::new(segment, doc)));
        (self.total, docs.collect())
    }
}

pub(super) struct ByTime {
    pub(super) segments: Arc<Vec<Columns>>,
    pub(super) gates: Vec<Gate>,
    pub(super) buckets: Buckets,
}

pub(super) struct SegmentByTime {
    gate: Gate,
    time: Arc<dyn ColumnValues<i64>>,
    buckets: Buckets,
    counts: Vec<u64>,
}

impl Collector for ByTime {
    type Fruit = Vec<u64>;
    type Child = SegmentByTime;

    fn for_segment(&self, segment: SegmentOrdinal, _: &SegmentReader) -> tantivy::Result<SegmentByTime> {
        let time = self.segments[segment as usize].time.clone();
        let (gate, counts) = (self.gates[segment as usize].clone(), self.buckets.empty());
        Ok(SegmentByTime { gate, time, buckets: self.buckets, counts })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, fruits: Vec<Vec<u64>>) -> tantivy::Result<Vec<u64>> {
        let mut all = self.buckets.empty();
        for counts in fruits {
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        }
        Ok(all)
    }
}

impl SegmentCollector for SegmentByTime {
    type Fruit = Vec<u64>;

    fn collect(&mut self, doc: DocId, _: Score) {
        if self.gate.lets(doc) {
            self.buckets.count(&mut self.counts, Time(self.time.get_val(doc)));
        }
    }

    fn harvest(self) -> Vec<u64> {
        self.counts
    }
}
