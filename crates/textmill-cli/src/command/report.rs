//! `textmill report`

use std::io::Write as _;
use std::path::Path;

use textmill::io;

use crate::args::ReportArgs;
use crate::exit::{Advised, Done, Outcome};
use crate::terminal::say;
use crate::{past, record};

pub(crate) fn run(args: &ReportArgs, is_quiet: bool) -> Outcome {
    let (place, run) = past::find(&args.run)?;
    let page = run.to_html();
    let path = args.output.clone().unwrap_or_else(|| place.with_file_name(io::REPORT_FILE));
    if path == Path::new("-") {
        std::io::stdout().lock().write_all(page.as_bytes())?;
        return Ok(Done::Well);
    }
    if !args.overwrite {
        record::check_ours(&path)?;
    }
    io::replace_file(&path, page.as_bytes()).map_err(|error| Advised::from(&error))?;
    if !is_quiet {
        say(&format!("report   {}", super::run::shown(&path)));
    }
    Ok(Done::Well)
}
