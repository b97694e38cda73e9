//! Everything that a query does not match, worked out as a bit per document.
//!
//! The engine's own exclusion asks phrase scorers to go backwards, which they do not support (an assertion in its
//! debug builds), so no query of ours uses it.

use tantivy::query::{BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{BitSet, DocId, Score, SegmentReader};

#[derive(Debug)]
pub(super) struct Complement(pub(super) Box<dyn Query>);

struct ComplementWeight(Box<dyn Weight>);

impl Clone for Complement {
    fn clone(&self) -> Complement {
        Complement(self.0.box_clone())
    }
}

impl Query for Complement {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let without_scores = match scoring.searcher() {
            Some(searcher) => EnableScoring::disabled_from_searcher(searcher),
            None => EnableScoring::disabled_from_schema(scoring.schema()),
        };
        Ok(Box::new(ComplementWeight(self.0.weight(without_scores)?)))
    }
}

impl Weight for ComplementWeight {
    fn scorer(&self, reader: &SegmentReader, _: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut others = BitSet::with_max_value_and_full(reader.max_doc());
        self.0.for_each_no_score(reader, &mut |docs| {
            for doc in docs {
                others.remove(*doc);
            }
        })?;
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(others), 0.0)))
    }

    fn explain(&self, _: &SegmentReader, _: DocId) -> tantivy::Result<Explanation> {
        Ok(Explanation::new("not excluded", 0.0))
    }
}
