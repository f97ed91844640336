//! How somebody looks on while documents pass the stages.

use textmill_io::Document;

use crate::plugin::Answer;

/// Looks on while documents pass the stages.
pub(crate) trait Observer {
    /// Stage number `stage` has answered; its answer is about to take effect.
    fn see(&mut self, stage: usize, document: &Document<'_>, answer: &Answer);
}

/// Sees nothing.
#[derive(Debug)]
pub(crate) struct Blind;

impl Observer for Blind {
    fn see(&mut self, _: usize, _: &Document<'_>, _: &Answer) {}
}
