//! The stage `dedup-title` as a library to load at run time.
textmill_stage::export!(textmill_dedup_title::DedupTitle);
