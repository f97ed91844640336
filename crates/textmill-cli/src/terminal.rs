//! Words and colours for people, on stderr. Colour never carries the meaning alone.

use std::borrow::Cow;
use std::io::{IsTerminal, Write as _};

use anstyle::{AnsiColor, Style};

/// A style that names its parts: `error`, `warning`, `hint` as rustc colours them.
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const ADDED: Style = AnsiColor::Green.on_default();
pub(crate) const REMOVED: Style = AnsiColor::Red.on_default();

/// Writes a line to stderr. A stderr that nobody reads is no reason to stop.
pub(crate) fn say(line: &str) {
    say_command(&harmless(line, color()));
}

/// Text that may hold what somebody else wrote: a workflow of GitHub does what some lines say. `color` is whether the stream
/// shows it; where a style is left out, what follows begins the line.
pub(crate) fn harmless(text: &str, color: bool) -> Cow<'_, str> {
    if !is_github() {
        return Cow::Borrowed(text);
    }
    let plain = if color { text.to_owned() } else { anstream::adapter::strip_str(text).to_string() };
    Cow::Owned(defused(&plain))
}

/// Whether this is a workflow of GitHub.
pub(crate) fn is_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// The text without what the runner of GitHub takes for commands: lines that begin with `::`, however far they are set in
/// and whatever ends the line before, and `##[` anywhere.
fn defused(text: &str) -> String {
    let text = text.replace('\r', "\u{fffd}").replace("##[", "# #[");
    let line = |line: &str| {
        let rest = line.trim_start();
        let (indent, sign) = (line.len() - rest.len(), if rest.starts_with("::") { "| " } else { "" });
        format!("{}{sign}{rest}", " ".repeat(indent))
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Writes a line to stderr that is for a machine to obey.
pub(crate) fn say_command(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// Begins an empty screen, where a person looks at one.
pub(crate) fn clear() {
    if is_interactive() {
        let _ = write!(std::io::stderr().lock(), "\x1b[2J\x1b[3J\x1b[H");
    }
}

/// Whether stderr shows colours, by its kind and by `NO_COLOR`, `CLICOLOR_FORCE` and the like.
pub(crate) fn color() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Whether a person looks at stderr.
pub(crate) fn is_interactive() -> bool {
    std::io::stderr().is_terminal()
}

/// How many columns what goes to stdout may take: those of the terminal, but no more than are easy to read.
pub(crate) fn width() -> usize {
    const READABLE: usize = 100;
    terminal_size::terminal_size_of(std::io::stdout())
        .map_or(READABLE, |(width, _)| usize::from(width.0).clamp(40, READABLE))
}

/// `text` broken into lines of [`width`], each after `indent` spaces. A paragraph ends with an empty line; one that has
/// a list or anything else that is set in keeps its lines.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let (width, margin) = (width().saturating_sub(indent), " ".repeat(indent));
    let paragraphs = text.trim().split("\n\n").map(|paragraph| {
        let keeps = paragraph.lines().any(|line| line.starts_with([' ', '-', '*', '|']));
        let lines =
            if keeps { paragraph.lines().map(ToOwned::to_owned).collect() } else { filled(paragraph, width) };
        lines.iter().flat_map(|line| [margin.as_str(), line.as_str(), "\n"]).collect::<String>()
    });
    paragraphs.collect::<Vec<_>>().join("\n")
}

fn filled(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split_whitespace() {
        match lines.last_mut().filter(|line| line.chars().count() + 1 + word.chars().count() <= width) {
            Some(line) => line.extend([" ", word]),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `text` in a style; the style is left out later where the stream shows none.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

pub(crate) fn error() -> String {
    styled(ERROR, "error")
}

pub(crate) fn warning() -> String {
    styled(WARNING, "warning")
}

pub(crate) fn hint() -> String {
    styled(HINT, "hint")
}
