//! The stage `split-sentences` as a library to load at run time.
textmill_stage::export!(textmill_split_sentences::SplitSentences);
