//! The outputs that are tried.

use super::input::Inputs;

/// An output, as a pipeline file describes it.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// The inside of `[output]`.
    output: &'static str,
    /// Other tables.
    others: &'static str,
}

/// Their names, for the command line.
pub(super) const NAMES: [&str; 8] =
    ["plain", "gzip", "zstd", "parts", "values", "shards", "parquet", "texts"];

/// All of them.
pub(super) const SHAPES: [Shape; 8] = [
    shape(NAMES[0], "uri = 'o/out.jsonl'", "[dropped]\nuri = 'o/dropped.jsonl'\n"),
    shape(NAMES[1], "uri = 'o/out.jsonl.gz'", ""),
    shape(NAMES[2], "uri = 'o/out.jsonl.zst'", "[ledger]\nuri = 'o/ledger.jsonl.zst'\n"),
    shape(NAMES[3], "uri = 'o/out/'\nmax-bytes = '10KiB'", "[failed]\nuri = 'o/out/failed.jsonl'\n"),
    shape(NAMES[4], "uri = 'o/out/{lang}/{stem}.jsonl.zst'", ""),
    shape(NAMES[5], "uri = 'o/out/{shard}.csv'", ""),
    shape(NAMES[6], "uri = 'o/out.parquet'", ""),
    shape(NAMES[7], "uri = 'o/texts/'\nformat = 'txt'", ""),
];

const fn shape(name: &'static str, output: &'static str, others: &'static str) -> Shape {
    Shape { name, output, others }
}

impl Shape {
    /// The pipeline file: its old version, or the new one.
    pub(super) fn pipeline(&self, inputs: &Inputs, is_new: bool) -> String {
        let (input, sentences) = if is_new { (&inputs.new, 2) } else { (&inputs.old, 1) };
        format!(
            "version = 1\n[input]\nuri = '{}'\n[output]\n{}\n{}[run]\nresume-after = '0s'\nmax-errors = '100%'\nshard-bytes = '8KiB'\n\
             [[stage]]\nuses = 'strip-links'\n[[stage]]\nuses = 'summarize'\nwith = {{ sentences = {sentences} }}\n",
            input.display(),
            self.output,
            self.others
        )
    }
}
