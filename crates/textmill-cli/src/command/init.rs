//! `textmill init`

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clap::Parser as _;

use crate::args::{Args, Command, InitArgs};
use crate::exit::{Advised, Done, Outcome};
use crate::progress::Bar;
use crate::terminal::say;

/// What is written, in this order; the schema is added to it.
const FILES: [(&str, &str); 4] = [
    ("news.toml", include_str!("../../init/news.toml")),
    ("articles/harbour-bridge.txt", include_str!("../../init/articles/harbour-bridge.txt")),
    ("articles/night-trains.txt", include_str!("../../init/articles/night-trains.txt")),
    (".gitignore", include_str!("../../init/gitignore")),
];
const SCHEMA: &str = ".textmill/schema.json";

pub(crate) fn run(args: &InitArgs, bar: &Bar) -> Outcome {
    let schema = format!("{:#}\n", textmill::schema(&textmill::registry()));
    let files: Vec<_> = FILES.into_iter().chain([(SCHEMA, schema.as_str())]).collect();
    if let Some((name, _)) = files.iter().find(|(name, _)| args.dir.join(name).symlink_metadata().is_ok()) {
        let hint = "give another folder: `textmill init DIR`".to_owned();
        let message = format!("`{}` exists already; nothing was written", args.dir.join(name).display());
        return Err(Advised { message, hint: Some(hint) }.into());
    }
    for (name, text) in files {
        write(&args.dir.join(name), text)?;
    }
    let pipeline = args.dir.join("news.toml");
    say(&format!("wrote {}", pipeline.display()));
    if args.run {
        return run_it(&pipeline, bar);
    }
    say(&format!("next  textmill run {}", pipeline.display()));
    Ok(Done::Well)
}

/// What `textmill run` does, with all options as they are without any.
fn run_it(pipeline: &Path, bar: &Bar) -> Outcome {
    let words = [OsStr::new("textmill"), OsStr::new("run"), OsStr::new("--"), pipeline.as_os_str()];
    say("");
    match Args::try_parse_from(words)?.command {
        Command::Run(args) => super::run::run(&args, bar),
        _ => Ok(Done::Well),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let cannot = || format!("cannot write `{}`", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    // `create_new`: what somebody else wrote a moment ago is not overwritten either.
    let mut file = fs::File::create_new(path).with_context(cannot)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).with_context(cannot)
}
