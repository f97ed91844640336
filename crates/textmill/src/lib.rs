//! Textmill as a library: the built-in stages, open a pipeline, process documents
