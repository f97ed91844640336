//! From a pipeline file to what can run, with the place of every mistake
