//! Whether a library can be loaded, and how it meets hosts other than this one.

use std::path::Path;

use textmill_abi as abi;
use textmill_engine::BuiltIn;
use textmill_pipeline::{Checker, StageKind};

use crate::bench::Case;
use crate::hosts::{self, Shape};
use crate::perform::registry;
use crate::report::{Finding, Offered, Outcome, Pass};
use crate::symbols;
use crate::tester::{Options, Task};

pub(super) fn loads(task: &Task, built_in: &[BuiltIn]) -> Outcome {
    let registry = registry(&task.subject, built_in)?;
    let stages: Vec<_> = registry.kinds().map(|(kind, _)| offered(kind, task.options.as_ref())).collect();
    if stages.is_empty() {
        return Err(Finding::new("the plugin offers no stage"));
    }
    Ok(Pass::Loaded(stages))
}

/// A schema that is none has nothing against any options: a check of its own tells of that.
fn offered(kind: &StageKind, options: Option<&Options>) -> Offered {
    let violations = |options: &Options| Some(Checker::new(&kind.schema).ok()?.violations(&options.value));
    let violation = options.and_then(violations).and_then(|all| all.into_iter().next());
    Offered { name: kind.name.clone(), violation }
}

pub(super) fn exports(path: &Path) -> Outcome {
    let names = symbols::exported(path)
        .map_err(|error| Finding::new(format!("what it exports cannot be read: {error}")))?;
    if !names.iter().any(|name| name == abi::ENTRY) {
        return Err(Finding::new(format!("it does not export `{}`", abi::ENTRY)));
    }
    let others: Vec<_> =
        names.iter().filter(|name| *name != abi::ENTRY && !symbols::is_of_a_runtime(name)).collect();
    let Some(first) = others.first() else { return Ok(Pass::Holds(None)) };
    let more = if others.len() > 1 { format!(" and {} more", others.len() - 1) } else { String::new() };
    Err(Finding::new(format!(
        "it also exports `{first}`{more}, which may clash with the symbols of others; compile with \
         `-fvisibility=hidden`, and make functions of its own `static`"
    )))
}

pub(super) fn entry_twice(path: &Path) -> Outcome {
    let host = hosts::place(hosts::host(), Shape::Known)?;
    let (first, second) = (hosts::enter(path, &host)?, hosts::enter(path, &host)?);
    match (first, second) {
        (Some(first), Some(second)) if format!("{first:?}") == format!("{second:?}") => Ok(Pass::Holds(None)),
        (None, None) => Err(Finding::new("the plugin refuses a host of its own version")),
        _ => Err(Finding::new("the entry function answers otherwise when it is called again")),
    }
}

pub(super) fn other_hosts(path: &Path) -> Outcome {
    let ours = hosts::host();
    let enter = |host: abi::Host, shape| hosts::enter(path, &hosts::place(host, shape)?);
    let later = abi::Host { abi_minor: ours.abi_minor + 1, ..ours };
    if enter(later, Shape::Longer)?.is_none() {
        return Err(Finding::new(
            "a host of a later minor version is refused; it has all that the plugin needs",
        ));
    }
    // These may be refused, or be answered with a description that such a host refuses itself.
    let _ = enter(abi::Host { abi_major: ours.abi_major + 1, ..ours }, Shape::Known)?;
    let _ = enter(abi::Host { draft: ours.draft + 1, ..ours }, Shape::Known)?;
    #[cfg(unix)]
    for size in (hosts::VERSION_FIELDS..hosts::size_1_0::<abi::Host>()).step_by(size_of::<usize>()) {
        if enter(ours, Shape::Cut(size))?.is_some() {
            return Err(Finding::new(format!(
                "a host of {size} bytes is answered, and it has {} of version 1.0; answer NULL if `host->size` is less \
                 than `TM_HOST_SIZE_1_0`",
                hosts::size_1_0::<abi::Host>()
            )));
        }
    }
    Ok(Pass::Holds(None))
}

pub(super) fn longer_structs(case: &Case<'_>) -> Outcome {
    let known = hosts::talk(case, Shape::Known)?;
    let longer = hosts::talk(case, Shape::Longer)?;
    if known != longer {
        return Err(Finding::new("with structs that have grown at their end the stage answers otherwise"));
    }
    Ok(Pass::Holds(None))
}

#[cfg(unix)]
pub(super) fn exact_structs(case: &Case<'_>) -> Outcome {
    let known = hosts::talk(case, Shape::Known)?;
    let exact = hosts::talk(case, Shape::Exact)?;
    if known != exact {
        return Err(Finding::new("with structs that end where memory ends the stage answers otherwise"));
    }
    Ok(Pass::Holds(None))
}

#[cfg(not(unix))]
pub(super) fn exact_structs(_: &Case<'_>) -> Outcome {
    Ok(Pass::NotApplicable("this system has no memory to be guarded".to_owned()))
}
