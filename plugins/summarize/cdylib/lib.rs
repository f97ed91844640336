//! The stage `summarize` as a library to load at run time.
textmill_stage::export!(textmill_summarize::Summarize);
