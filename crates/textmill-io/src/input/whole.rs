//! Files that are one document each: text and HTML.

use std::io::Read as _;

use super::cut::{Cutter, Filling, Found};
use super::source::Source;
use crate::limits::{Limits, Most};

/// Cuts nothing: the file is the document.
pub(super) struct Whole {
    source: Source,
    most: Most,
}

impl Whole {
    pub(super) fn new(source: Source, limits: &Limits) -> Self {
        Self { source, most: limits.document() }
    }
}

impl Cutter for Whole {
    fn cut(&mut self, filling: &mut Filling<'_>) -> bool {
        let read = self.source.by_ref().take(self.most.bytes.saturating_add(1)).read_to_end(filling.data());
        match read {
            Err(error) => filling.take_broken(&error, Found::default()),
            Ok(_) if filling.pending().len() as u64 > self.most.bytes => {
                filling.keep_start();
                let failure = self.most.failure("the file has").of_start();
                filling.take(Found { failure: Some(failure), ..Found::default() });
            }
            Ok(_) => filling.take(Found::default()),
        }
        false
    }
}
