//! How somebody looks on while documents pass the stages.

use textmill_io::Document;

use crate::plugin::{Answer, DocumentKey};

/// Looks on while documents pass the stages.
pub(crate) trait Observer {
    /// Stage number `stage` has answered; its answer is about to take effect.
    fn see(&mut self, stage: usize, key: DocumentKey, document: &Document<'_>, answer: &Answer);

    /// Stage number `stage` has no answer for a document, because it cannot be used, or the document not be decoded.
    fn fail(&mut self, _stage: usize, _key: DocumentKey, _message: &str) {}

    /// Stage number `stage` has emitted a document for the one with the id `parent`.
    fn emit(&mut self, _stage: usize, _key: DocumentKey, _child: &Document<'_>, _parent: &str) {}
}

/// Sees nothing.
#[derive(Debug)]
pub(crate) struct Blind;

impl Observer for Blind {
    fn see(&mut self, _: usize, _: DocumentKey, _: &Document<'_>, _: &Answer) {}
}
