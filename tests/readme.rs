//! What the documentation says to type works. In blocks marked `console`, each line that begins with `$ ` is run, with the
//! built binary as `textmill`; lines below it are output and not compared. A block after `<!-- file: PATH -->` is a file, one
//! after `<!-- part of: PATH -->` stands in a file that a command has made, and one after `<!-- change: PATH -->` changes
//! such a file: its lines with `-` are replaced by those with `+`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use textmill_testkit::{Ran, workspace};

use crate::with_pipelines;

/// The first commands that a reader of the README types, in a fresh clone.
const FIRST: [&str; 2] = ["cargo run -- run pipelines/news.toml", "cargo test --workspace"];

/// What a reader does, in the order of the page.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Types a command.
    Type(String),
    /// Writes a file: path, contents.
    Write(String, String),
    /// Reads in a file: path, a part of its contents.
    Find(String, String),
    /// Changes a file: path, lines before and after.
    Change(String, String),
}

#[test]
fn the_first_commands_are_what_they_should_be() {
    let steps = steps("README.md");
    assert_eq!(steps.get(..2), Some(&FIRST.map(|command| Step::Type(command.to_owned()))[..]));
}

#[test]
fn every_command_runs() {
    for page in ["README.md", "pipelines/README.md"] {
        let is_ours = |step: &Step| !matches!(step, Step::Type(command) if command.starts_with("cargo "));
        follow(page, steps(page).into_iter().filter(is_ours));
    }
}

/// Builds a crate of its own, from what the build of this test has downloaded already.
#[test]
fn a_stage_is_written_in_ten_minutes() {
    follow("plugins/README.md", steps("plugins/README.md"));
}

/// Does what the page says, in a folder with the pipelines and a checkout called `textmill`.
fn follow(page: &str, steps: impl IntoIterator<Item = Step>) {
    let project = with_pipelines();
    #[cfg(unix)]
    std::os::unix::fs::symlink(workspace(), project.path("textmill")).unwrap();
    let mut folder = project.path("");
    for step in steps {
        println!("{page}: {step:?}");
        match step {
            Step::Type(command) => match command.strip_prefix("cd ") {
                Some(name) => {
                    folder.push(name);
                    keep_target(&folder);
                }
                None => drop(shell(&folder, &command).code(0)),
            },
            Step::Write(path, contents) => {
                let path = folder.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, contents).unwrap();
            }
            Step::Find(path, part) => {
                let text = fs::read_to_string(folder.join(&path)).unwrap();
                assert!(text.contains(&part), "not in `{path}`:\n{part}\nbut:\n{text}");
            }
            Step::Change(path, difference) => change(&folder.join(path), &difference),
        }
    }
}

/// What cargo builds in a folder is kept between runs, so that only the first one takes long.
pub(crate) fn keep_target(folder: &Path) {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    fs::create_dir_all(&kept).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(kept, folder.join("target")).unwrap();
}

/// Replaces the lines with `-` by those with `+`.
fn change(path: &Path, difference: &str) {
    let side = |sign| {
        let lines = difference.lines().filter_map(|line| line.strip_prefix(sign));
        lines.flat_map(|line| [line, "\n"]).collect::<String>()
    };
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.matches(&side('-')).count(), 1, "{}", path.display());
    fs::write(path, text.replace(&side('-'), &side('+'))).unwrap();
}

/// Runs a command of a page, with the built binary as `textmill`.
pub(crate) fn shell(folder: &Path, command: &str) -> Ran {
    println!("{command}");
    let binary = Path::new(env!("CARGO_BIN_EXE_textmill")).parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([binary].into_iter().chain(std::env::split_paths(&others))).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder).stdin(Stdio::null());
    shell.env("PATH", path).env("CARGO_NET_OFFLINE", "true").env_remove("CARGO_TARGET_DIR");
    shell.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
    shell.output().unwrap().into()
}

/// What to do with a block and the file that it is about.
type Make = fn(String, String) -> Step;

/// What a comment says of the block after it, and of which file.
fn about(line: &str) -> Option<(Make, String)> {
    let comment = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    let (what, path) = comment.split_once(": ")?;
    let step: Make = match what {
        "file" => Step::Write,
        "part of" => Step::Find,
        "change" => Step::Change,
        _ => panic!("nobody knows what `{what}` means"),
    };
    Some((step, path.to_owned()))
}

/// The steps of a page.
fn steps(page: &str) -> Vec<Step> {
    let text = fs::read_to_string(workspace().join(page)).unwrap();
    steps_of(&text)
}

/// The commands that a text says to type.
pub(crate) fn commands(text: &str) -> Vec<String> {
    let typed = steps_of(text).into_iter().filter_map(|step| match step {
        Step::Type(command) => Some(command),
        _ => None,
    });
    typed.collect()
}

fn steps_of(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut file = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(found) = about(line) {
            file = Some(found);
        }
        let Some(language) = line.strip_prefix("```") else { continue };
        let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        match file.take() {
            Some((step, path)) => steps.push(step(path, block.join("\n") + "\n")),
            None if language == "console" => {
                steps.extend(
                    block
                        .iter()
                        .filter_map(|line| line.strip_prefix("$ "))
                        .map(|line| Step::Type(line.to_owned())),
                );
            }
            None => (),
        }
    }
    steps
}
