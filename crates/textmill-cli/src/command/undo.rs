//! `textmill undo`: the original text of a document, out of the output and the ledger.

use std::io::Write as _;

use textmill::Life;
use textmill_report::Run;

use crate::args::LifeArgs;
use crate::exit::{Advised, DataError, Done, Outcome};
use crate::past;
use crate::terminal::{self, say};

pub(crate) fn run(args: &LifeArgs) -> Outcome {
    let (_, run) = past::find(&args.run)?;
    let (life, more) = past::life(&run, &args.id)?;
    if more > 0 {
        say(&format!("{}: {} the same id; this is the first", terminal::warning(), past::others_have(more)));
    }
    past::check_output(&run).map_err(|error| DataError(error.into()))?;
    let last = past::kept_text(&run, &args.id)?.filter(|_| life.end.event == "kept");
    let last = last.ok_or_else(|| DataError(cannot(&run, &life).into()))?;
    let original = life.undo(&last).map_err(|misfit| {
        let message =
            format!("the document in the output is not the one that this run has written: {misfit}");
        DataError(Advised { message, hint: Some("put the output back, or run it again".to_owned()) }.into())
    })?;
    std::io::stdout().lock().write_all(original.as_bytes())?;
    Ok(Done::Well)
}

/// Why there is no text to begin with.
fn cannot(run: &Run, life: &Life) -> Advised {
    let end = &life.end;
    let stage = end.stage.as_deref().map_or_else(String::new, |stage| format!(" by `{stage}`"));
    let kind = &*end.event;
    match run.output(kind) {
        Some(output) if kind != "kept" => Advised {
            message: format!("the document was {kind}{stage}, so its text is not in the output"),
            hint: Some(format!("its original is in `{}`", output.path)),
        },
        _ if kind != "kept" => Advised {
            message: format!("the document was {kind}{stage}, and this run did not keep such documents"),
            hint: Some(format!("it was read from `{}`", end.file.as_deref().unwrap_or_default())),
        },
        _ => Advised {
            message: "the output of this run does not have the document any more".to_owned(),
            hint: Some("put the output back, or run it again".to_owned()),
        },
    }
}
