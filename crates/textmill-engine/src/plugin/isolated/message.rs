//! What host and worker say to each other when a stage is opened, and about the stage.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use textmill_io::FieldKind;

use super::frame::{Garbled, Pack, Unpack};
use crate::plugin::library::{Described, Description};
use crate::plugin::stage::{OpenError, Rule, RuleKind, StagePlan};

/// The host asks: open this stage. The answer is [`PLAN`] or [`REFUSED`].
pub(super) const OPEN: u32 = 1;
/// The host asks: process this batch. The answer is [`ANSWERS`] or [`GAVE_UP`].
pub(super) const PROCESS: u32 = 2;
/// The host asks: load this library, and say what it is. The answer is [`DESCRIBED`] or [`NOT_LOADED`].
pub(super) const DESCRIBE: u32 = 3;
/// The worker answers: the stage is open, and this is its plan.
pub(super) const PLAN: u32 = 11;
/// The worker answers: the stage cannot be opened.
pub(super) const REFUSED: u32 = 12;
/// The worker answers: these are the calls of the sink.
pub(super) const ANSWERS: u32 = 13;
/// The worker answers: the stage could not process the batch, and why.
pub(super) const GAVE_UP: u32 = 14;
/// The worker tells: this was logged.
pub(super) const EVENT: u32 = 15;

/// The worker answers: this is what the plugin says of itself.
pub(super) const DESCRIBED: u32 = 16;
/// The worker answers: the library was refused.
pub(super) const NOT_LOADED: u32 = 17;

/// What [`OPEN`] asks for; [`DESCRIBE`] is about the library alone.
#[derive(Debug)]
pub(in crate::plugin) struct Opening<'a> {
    /// The version of the program.
    pub(in crate::plugin) version: &'a str,
    /// Events up to this level of the plugin contract are forwarded.
    pub(in crate::plugin) log_level: u32,
    /// The library that offers the stage; `None`: the stage is built in.
    pub(in crate::plugin) library: Option<Library<'a>>,
    pub(in crate::plugin) stage: &'a str,
    /// The options, as JSON.
    pub(in crate::plugin) options: &'a str,
    /// The files that options name: JSON pointer of the option, path as it is written, bytes.
    pub(in crate::plugin) files: Vec<(&'a str, &'a str, &'a [u8])>,
}

/// A library, as the host has checked it.
#[derive(Clone, Copy, Debug)]
pub(in crate::plugin) struct Library<'a> {
    pub(in crate::plugin) path: &'a Path,
    pub(in crate::plugin) sha256: &'a str,
    /// Its bytes, if it must be loaded as these and not from its path.
    pub(in crate::plugin) sealed: Option<&'a [u8]>,
}

/// A message that was logged in the worker.
#[derive(Debug)]
pub(super) struct Logged<'a> {
    pub(super) level: u32,
    pub(super) target: &'a str,
    pub(super) message: &'a str,
    pub(super) fields: &'a str,
}

impl<'a> Opening<'a> {
    /// `tag` is [`OPEN`] or [`DESCRIBE`].
    pub(super) fn pack(&self, tag: u32, pack: &mut Pack) {
        pack.begin(tag).slice(self.version).number(self.log_level.into());
        pack.optional(self.library.map(|library| library.path.as_os_str().as_bytes()));
        if let Some(library) = self.library {
            pack.slice(library.sha256).optional(library.sealed);
        }
        pack.slice(self.stage).slice(self.options).size(self.files.len());
        for (pointer, path, bytes) in &self.files {
            pack.slice(pointer).slice(path).slice(bytes);
        }
    }

    pub(super) fn unpack(mut content: Unpack<'a>) -> Result<Self, Garbled> {
        Ok(Self {
            version: content.text()?,
            log_level: content.small()?,
            library: match content.optional()? {
                Some(path) => Some(Library {
                    path: Path::new(OsStr::from_bytes(path)),
                    sha256: content.text()?,
                    sealed: content.optional()?,
                }),
                None => None,
            },
            stage: content.text()?,
            options: content.text()?,
            files: content.list(|content| Ok((content.text()?, content.text()?, content.slice()?)))?,
        })
    }
}

impl<'a> Logged<'a> {
    pub(super) fn pack(&self, pack: &mut Pack) {
        pack.begin(EVENT).number(self.level.into());
        pack.slice(self.target).slice(self.message).slice(self.fields);
    }

    pub(super) fn unpack(mut content: Unpack<'a>) -> Result<Self, Garbled> {
        Ok(Self {
            level: content.small()?,
            target: content.text()?,
            message: content.text()?,
            fields: content.text()?,
        })
    }
}

pub(super) fn pack_plan(plan: &StagePlan, pack: &mut Pack) {
    pack.begin(PLAN).number(plan.may);
    for columns in [&plan.reads, &plan.writes] {
        pack.size(columns.len());
        for (name, kind) in columns {
            pack.slice(name).size(KINDS.iter().position(|known| known == kind).unwrap_or(KINDS.len()));
        }
    }
    pack.size(plan.rules.len());
    for rule in &plan.rules {
        pack.slice(&*rule.name).slice(&rule.summary);
        pack.size(RULE_KINDS.iter().position(|known| *known == rule.kind).unwrap_or(RULE_KINDS.len()));
    }
}

pub(super) fn unpack_plan(mut content: Unpack<'_>) -> Result<StagePlan, Garbled> {
    let column = |content: &mut Unpack<'_>| {
        Ok((content.text()?.to_owned(), *KINDS.get(content.size()?).ok_or(Garbled)?))
    };
    let rule = |content: &mut Unpack<'_>| {
        let (name, summary): (Arc<str>, _) = (content.text()?.into(), content.text()?.to_owned());
        Ok(Rule { name, summary, kind: *RULE_KINDS.get(content.size()?).ok_or(Garbled)? })
    };
    Ok(StagePlan {
        may: content.number()?,
        reads: content.list(column)?,
        writes: content.list(column)?,
        rules: content.list(rule)?,
    })
}

/// The kinds of fields and of rules; their numbers on the stream are their places here.
const KINDS: [FieldKind; 6] =
    [FieldKind::Text, FieldKind::Bool, FieldKind::Int, FieldKind::Float, FieldKind::Texts, FieldKind::Json];
const RULE_KINDS: [RuleKind; 3] = [RuleKind::Deletes, RuleKind::Rewrites, RuleKind::Drops];

pub(super) fn pack_refusal(error: &OpenError, pack: &mut Pack) {
    pack.begin(REFUSED);
    match error {
        OpenError::Options(mistakes) => {
            pack.size(mistakes.len());
            for (pointer, message) in mistakes {
                pack.slice(pointer).slice(message);
            }
        }
        OpenError::Plugin(message) | OpenError::Process { message, .. } => {
            pack.size(0).slice(message);
        }
    }
}

pub(super) fn unpack_refusal(mut content: Unpack<'_>) -> Result<OpenError, Garbled> {
    let mistake = |content: &mut Unpack<'_>| Ok((content.text()?.to_owned(), content.text()?.to_owned()));
    let mistakes = content.list(mistake)?;
    match mistakes.as_slice() {
        [] => Ok(OpenError::Plugin(content.text()?.to_owned())),
        _ => Ok(OpenError::Options(mistakes)),
    }
}

pub(super) fn pack_description(plugin: &Description, pack: &mut Pack) {
    pack.begin(DESCRIBED).slice(&plugin.name).slice(&plugin.version).slice(&plugin.abi);
    pack.size(plugin.stages.len());
    for stage in &plugin.stages {
        pack.slice(&stage.name)
            .slice(&stage.summary)
            .slice(&stage.manual)
            .slice(&stage.schema)
            .number(stage.may);
    }
}

pub(super) fn unpack_description(mut content: Unpack<'_>) -> Result<Description, Garbled> {
    let stage = |content: &mut Unpack<'_>| {
        let mut text = || content.text().map(ToOwned::to_owned);
        let (name, summary, manual, schema) = (text()?, text()?, text()?, text()?);
        Ok(Described { name, summary, manual, schema, may: content.number()?, table: None })
    };
    Ok(Description {
        name: content.text()?.to_owned(),
        version: content.text()?.to_owned(),
        abi: content.text()?.to_owned(),
        stages: content.list(stage)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::frame::Inbox;
    use super::*;

    /// Packs, and unpacks what arrives.
    fn pass<T>(pack: impl FnOnce(&mut Pack), unpack: impl FnOnce(Unpack<'_>) -> T) -> T {
        let mut frame = Pack::default();
        pack(&mut frame);
        let mut inbox = Inbox::default();
        unpack(inbox.wait(&mut frame.bytes()).unwrap().unwrap().1)
    }

    #[test]
    fn a_plan_arrives_as_it_is() {
        let rule = |kind, name: &str| Rule { name: name.into(), summary: "Why.".into(), kind };
        let plan = StagePlan {
            may: 7,
            reads: KINDS.iter().map(|kind| (format!("reads {kind}"), *kind)).collect(),
            writes: vec![("summary".to_owned(), FieldKind::Text)],
            rules: RULE_KINDS.iter().zip(["a", "b", "c"]).map(|(kind, name)| rule(*kind, name)).collect(),
        };
        let arrived = pass(|frame| pack_plan(&plan, frame), unpack_plan).unwrap();
        assert_eq!(arrived, plan);
    }

    #[test]
    fn a_refusal_arrives_as_it_is() {
        let mistakes = vec![("/a/0".to_owned(), "no".to_owned()), (String::new(), "nor this".to_owned())];
        for error in [OpenError::Options(mistakes), OpenError::Plugin("cannot".to_owned())] {
            let arrived = pass(|frame| pack_refusal(&error, frame), unpack_refusal).unwrap();
            assert_eq!(arrived, error);
        }
    }
}
