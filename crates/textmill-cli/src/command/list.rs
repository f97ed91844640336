//! `textmill list`

use std::io::{IsTerminal as _, Write as _};

use textmill::Origin;

use super::open;
use crate::args::ListArgs;
use crate::exit::{Done, Outcome};
use crate::terminal::{FAINT, STRONG, styled, wrapped};

pub(crate) fn run(args: &ListArgs) -> Outcome {
    let registry = open::registry(args.pipeline.as_deref(), &args.plugins)?;
    let width = registry.kinds().map(|(kind, _)| kind.name.chars().count()).max().unwrap_or(0);
    let mut out = anstream::stdout().lock();
    // A person gets lines that fit; a program, one line for each stage.
    let fit = std::io::stdout().is_terminal();
    for (kind, origin) in registry.kinds() {
        let padding = " ".repeat(width - kind.name.chars().count());
        let origin = match origin {
            Origin::BuiltIn => String::new(),
            Origin::Library { path, plugin, version } => {
                styled(FAINT, &format!("  ({plugin} {version}, {})", path.display()))
            }
        };
        let summary = if fit { wrapped(&kind.summary, width + 2) } else { kind.summary.clone() };
        writeln!(out, "{}{padding}  {}{origin}", styled(STRONG, &kind.name), summary.trim())?;
    }
    Ok(Done::Well)
}
