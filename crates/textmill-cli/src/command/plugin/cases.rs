//! `textmill plugin cases`: golden cases, for plugins in any language.

use textmill::CasesError;
use textmill_report::plural;

use crate::args::PluginCasesArgs;
use crate::exit::{Advised, DataError, Done, Outcome};
use crate::terminal::say;

pub(super) fn run(args: &PluginCasesArgs) -> Outcome {
    let update = args.update || std::env::var_os("TEXTMILL_UPDATE").is_some();
    let ran = textmill::run_cases(&args.library, args.stage.as_deref(), &args.folder, update);
    let number = ran.map_err(|error| explain(&error))?;
    let verb = if update { "written" } else { "passed" };
    say(&format!("{} {verb}", plural(number as u64, "case")));
    Ok(Done::Well)
}

fn explain(error: &CasesError) -> anyhow::Error {
    let advised = |hint: &str| Advised { message: error.to_string(), hint: Some(hint.to_owned()) }.into();
    match error {
        CasesError::Load(load) => advised(load.hint()),
        CasesError::Stage(offered) if offered.is_empty() => {
            advised("is this the right library? `textmill plugin test` says more")
        }
        CasesError::Stage(_) => advised("name one of them with `--stage`"),
        _ => DataError(anyhow::anyhow!("{error}")).into(),
    }
}
