//! Files that are one document each: text and HTML.

use super::cut::{Cutter, Filling, Found, explain};
use super::source::Source;

/// Cuts nothing: the file is the document.
pub(super) struct Whole {
    source: Source,
}

impl Whole {
    pub(super) fn new(source: Source) -> Self {
        Self { source }
    }
}

impl Cutter for Whole {
    fn cut(&mut self, filling: &mut Filling<'_>) -> bool {
        let failure = self.source.read_to_end(filling.data()).err();
        filling.take(Found { failure: failure.as_ref().map(explain), ..Found::default() });
        false
    }
}
