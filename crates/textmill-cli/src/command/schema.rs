//! `textmill schema`

use std::io::Write as _;

use crate::exit::{Done, Outcome};

pub(crate) fn run() -> Outcome {
    let schema = textmill::schema(&textmill::registry());
    writeln!(std::io::stdout().lock(), "{schema:#}")?;
    Ok(Done::Well)
}
