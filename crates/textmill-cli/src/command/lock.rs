//! `textmill lock`

use textmill::io::PluginPath;
use textmill::{Error, LockError, Locked, Locking, Options, Plugins, TARGET};
use textmill_report::plural;

use super::worker;
use crate::args::LockArgs;
use crate::exit::{Advised, Done, Outcome};
use crate::terminal::{say, warning};

pub(crate) fn run(args: &LockArgs) -> Outcome {
    let path = PluginPath::from_environment(args.folders.clone());
    let plugins = Plugins { path, locking: Locking::Ignore };
    let options = Options { plugins, worker: worker::command(), ..Options::default() };
    let locked = textmill::lock(&args.pipeline, &options, args.input).map_err(explain)?;
    tell(&locked);
    Ok(Done::Well)
}

fn explain(error: LockError) -> anyhow::Error {
    match error {
        LockError::Pipeline(mistakes) => mistakes.into(),
        LockError::File(error) | LockError::Input(Error::Input(error)) => Advised::from(&error).into(),
        LockError::Input(error) => Advised { message: error.to_string(), hint: None }.into(),
        error @ LockError::Invalid(..) => {
            let hint = "restore it, or remove it and lock again".to_owned();
            Advised { message: error.to_string(), hint: Some(hint) }.into()
        }
    }
}

fn tell(locked: &Locked) {
    let counts = [(locked.plugins, "plugin"), (locked.resources, "file")];
    let mut counts = counts.map(|(number, noun)| plural(number as u64, noun)).join(", ");
    if let Some(files) = locked.input {
        counts.extend([", ", &plural(files, "input file")]);
    }
    let verb = if locked.changed { "wrote" } else { "unchanged" };
    say(&format!("{verb} {} ({counts}, {TARGET})", locked.path.display()));
    for (plugin, targets) in &locked.dropped {
        let targets = targets.join(", ");
        say(&format!(
            "{}: `{plugin}` is another version: its hashes for {targets} are gone, lock it there again",
            warning()
        ));
    }
}
