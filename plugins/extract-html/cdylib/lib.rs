//! The stage `extract-html` as a library to load at run time.
textmill_stage::export!(textmill_extract_html::ExtractHtml);
