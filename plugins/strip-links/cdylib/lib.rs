//! The stage `strip-links` as a library to load at run time.
textmill_stage::export!(textmill_strip_links::StripLinks);
