//! `textmill schema`

use std::io::Write as _;

use super::open;
use crate::args::SchemaArgs;
use crate::exit::{Done, Outcome};

pub(crate) fn run(args: &SchemaArgs) -> Outcome {
    let schema = if args.run {
        textmill_report::Run::schema().to_value()
    } else {
        textmill::schema(&open::registry(args.pipeline.as_deref(), &args.plugins)?)
    };
    writeln!(std::io::stdout().lock(), "{schema:#}")?;
    Ok(Done::Well)
}
