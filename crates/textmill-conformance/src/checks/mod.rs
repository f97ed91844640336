//! The checks: a table of them here, what they do in a module for each subject.

mod claims;
mod conduct;
mod data;
mod description;
mod loading;

use std::path::Path;

use textmill_engine::BuiltIn;

use crate::bench::Case;
use crate::report::Outcome;
use crate::tester::Task;

/// One check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Short, kebab-case and stable: reports are keyed by it.
    pub name: &'static str,
    /// What holds if it passes, in one line.
    pub summary: &'static str,
    pub(crate) scope: Scope,
    pub(crate) run: Run,
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The file of a library: none of its code runs.
    File,
    /// The one that loads the library and tells what stages it has.
    Load,
    /// A library that loads.
    Library,
    /// A stage.
    Stage,
}

/// What a check does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    Load(fn(&Task, &[BuiltIn]) -> Outcome),
    Library(fn(&Path) -> Outcome),
    Stage(fn(&Case<'_>) -> Outcome),
}

/// All checks, in the order of a report.
pub fn checks() -> &'static [Check] {
    CHECKS
}

const CHECKS: &[Check] = &[
    Check {
        name: "loads",
        summary: "it loads with all its symbols found at once, and describes itself as the contract says",
        scope: Scope::Load,
        run: Run::Load(loading::loads),
    },
    Check {
        name: "exports",
        summary: "it exports the entry function and nothing else but what belongs to a language's runtime",
        scope: Scope::File,
        run: Run::Library(loading::exports),
    },
    Check {
        name: "entry-twice",
        summary: "the entry function answers the same when it is called again",
        scope: Scope::Library,
        run: Run::Library(loading::entry_twice),
    },
    Check {
        name: "other-hosts",
        summary: "a later minor version of the host is answered, another major or draft is refused or answered, a host \
                  that is too short is refused; none is a crash",
        scope: Scope::Library,
        run: Run::Library(loading::other_hosts),
    },
    Check {
        name: "longer-structs",
        summary: "structs of the host that have grown are used as far as they are known",
        scope: Scope::Stage,
        run: Run::Stage(loading::longer_structs),
    },
    Check {
        name: "exact-structs",
        summary: "structs of the host are not read or written beyond their size",
        scope: Scope::Stage,
        run: Run::Stage(loading::exact_structs),
    },
    Check {
        name: "description",
        summary: "it says in a line what it does, each rule says why, and the plan is the same each time",
        scope: Scope::Stage,
        run: Run::Stage(description::description),
    },
    Check {
        name: "schema",
        summary: "the schema of the options is JSON Schema 2020-12, of an object",
        scope: Scope::Stage,
        run: Run::Stage(description::schema),
    },
    Check {
        name: "options",
        summary: "it opens with `{}`, if the schema allows that, and with each example of the schema",
        scope: Scope::Stage,
        run: Run::Stage(description::options),
    },
    Check {
        name: "wrong-options",
        summary: "an unknown key and values of a wrong type are refused with a message, by the schema or the stage",
        scope: Scope::Stage,
        run: Run::Stage(description::wrong_options),
    },
    Check {
        name: "hostile-texts",
        summary: "no text of the corpus makes it panic, give up or answer with what the contract does not allow",
        scope: Scope::Stage,
        run: Run::Stage(data::hostile_texts),
    },
    Check {
        name: "guarded-input",
        summary: "it does not write to its input, and does not read beyond its end",
        scope: Scope::Stage,
        run: Run::Stage(data::guarded_input),
    },
    Check {
        name: "batches",
        summary: "batches of 0, 1, 7 and 256 documents give the same answers (if it claims to be pure)",
        scope: Scope::Stage,
        run: Run::Stage(data::batches),
    },
    Check {
        name: "pure",
        summary: "claim: equal documents give equal answers, whatever came before",
        scope: Scope::Stage,
        run: Run::Stage(claims::pure),
    },
    Check {
        name: "idempotent",
        summary: "claim: its own output passes through it unchanged",
        scope: Scope::Stage,
        run: Run::Stage(claims::idempotent),
    },
    Check {
        name: "only-deletes",
        summary: "claim: every change of the text is a deletion",
        scope: Scope::Stage,
        run: Run::Stage(claims::only_deletes),
    },
    Check {
        name: "never-drops",
        summary: "without the permission to filter it drops no document",
        scope: Scope::Stage,
        run: Run::Stage(claims::never_drops),
    },
    Check {
        name: "threads",
        summary: "eight workers beside each other answer as one does (if it claims to be pure)",
        scope: Scope::Stage,
        run: Run::Stage(conduct::threads),
    },
    Check {
        name: "leaks",
        summary: "memory and open files do not grow when it is opened and closed 2,000 times",
        scope: Scope::Stage,
        run: Run::Stage(conduct::leaks),
    },
    Check {
        name: "cancellation",
        summary: "told to stop, it stops or ends its batch, and its worker is fit for the next",
        scope: Scope::Stage,
        run: Run::Stage(conduct::cancellation),
    },
    Check {
        name: "panics",
        summary: "a document that makes it panic or fail costs that document, with a message, and no other",
        scope: Scope::Stage,
        run: Run::Stage(conduct::panics),
    },
    Check {
        name: "throughput",
        summary: "how much text of news articles one worker gets through; never a failure",
        scope: Scope::Stage,
        run: Run::Stage(conduct::throughput),
    },
];
