//! Words and colours for people, on stderr. Colour never carries the meaning alone.

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
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// Whether stderr shows colours, by its kind and by `NO_COLOR`, `CLICOLOR_FORCE` and the like.
pub(crate) fn color() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Whether a person looks at stderr.
pub(crate) fn is_interactive() -> bool {
    std::io::stderr().is_terminal()
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
