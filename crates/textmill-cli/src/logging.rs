//! `tracing` to stderr, without tearing the progress bar.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::args::{Global, LogFormat};
use crate::progress::Bar;
use crate::terminal;

/// Sends log lines to stderr, as many as `-v` and `TEXTMILL_LOG` ask for.
pub(crate) fn begin(args: &Global, bar: &Bar) {
    let level = match args.verbose {
        _ if args.quiet => "error",
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::builder()
        .with_default_directive(level.parse().unwrap_or_default())
        .with_env_var("TEXTMILL_LOG");
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter.from_env_lossy())
        .with_ansi(terminal::color())
        .with_writer(BesideBar(bar.clone()));
    // A second subscriber is impossible here, and a program without a log is better than none.
    let _ = match args.log_format {
        LogFormat::Text => builder.without_time().with_target(false).try_init(),
        LogFormat::Json => builder.json().with_ansi(false).try_init(),
    };
}

/// Lifts the progress bar while a line is written.
struct BesideBar(Bar);

/// One line on its way.
struct Lines(Bar);

impl<'a> MakeWriter<'a> for BesideBar {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        Lines(self.0.clone())
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !terminal::is_github() {
            return self.0.suspend(|| io::stderr().lock().write(bytes));
        }
        // What a plugin logs is whatever it has read.
        let text = String::from_utf8_lossy(bytes);
        let text = terminal::harmless(&text, terminal::color());
        self.0.suspend(|| io::stderr().lock().write_all(text.as_bytes()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
