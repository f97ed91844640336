//! The stage `clean` as a library to load at run time.
textmill_stage::export!(textmill_clean::Clean);
