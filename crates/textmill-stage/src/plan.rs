//! What a stage reads, writes and may do: declared while it opens, held as handles, enforced by their types.
//!
//! A handle is the permission. A stage that never asked for [`Plan::rewrites`] holds nothing with which it could
//! replace text, and a field that was not declared cannot be named; so what the host is told and what the code can do
//! are the same thing.

use std::marker::PhantomData;

use textmill_abi as abi;

use crate::{Error, Result, Value};

/// Declares what a stage reads, writes and may do; passed to [`crate::Stage::new`].
#[derive(Debug, Default)]
pub struct Plan {
    pub(crate) reads: Vec<(String, u32)>,
    pub(crate) writes: Vec<(String, u32)>,
    pub(crate) rules: Vec<RuleInfo>,
    pub(crate) emits: bool,
    pub(crate) claims: u64,
    resources: Vec<(String, Vec<u8>)>,
}

/// A declared rule.
#[derive(Debug)]
pub(crate) struct RuleInfo {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) kind: u32,
}

/// Permission to read a field; see [`Plan::reads`].
#[derive(Debug)]
pub struct Read<T> {
    pub(crate) column: usize,
    value: PhantomData<fn() -> T>,
}

/// Permission to set a field; see [`Plan::writes`].
#[derive(Debug)]
pub struct Write<T> {
    pub(crate) column: usize,
    value: PhantomData<fn(T)>,
}

/// Permission to delete parts of the text, and the reason; see [`Plan::deletes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletes(pub(crate) u32);

/// Permission to replace parts of the text, or all of it, and the reason; see [`Plan::rewrites`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewrites(pub(crate) u32);

/// Permission to drop a document, and the reason; see [`Plan::drops`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drops(pub(crate) u32);

/// Permission to emit documents; see [`Plan::emits`].
#[derive(Debug)]
pub struct Emits(());

impl<T> Clone for Read<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Read<T> {}

impl<T> Clone for Write<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Write<T> {}

impl Plan {
    pub(crate) fn new(resources: Vec<(String, Vec<u8>)>) -> Self {
        Self { resources, ..Self::default() }
    }

    /// The stage reads the field `name`. Only declared fields are decoded; the text needs no declaration. A document
    /// whose field has another type fails before the stage sees it; a field that is absent or null reads as `None`.
    pub fn reads<T: Value>(&mut self, name: impl Into<String>) -> Read<T> {
        Read { column: declare(&mut self.reads, name.into(), T::KIND), value: PhantomData }
    }

    /// The stage sets the field `name`.
    pub fn writes<T: Value>(&mut self, name: impl Into<String>) -> Write<T> {
        Write { column: declare(&mut self.writes, name.into(), T::KIND), value: PhantomData }
    }

    /// The stage deletes text under the rule `name`. `summary` is one sentence: what it deletes, on what evidence.
    pub fn deletes(&mut self, name: &'static str, summary: &'static str) -> Deletes {
        Deletes(self.rule(name, summary, abi::RULE_DELETES))
    }

    /// The stage replaces text under the rule `name`.
    pub fn rewrites(&mut self, name: &'static str, summary: &'static str) -> Rewrites {
        Rewrites(self.rule(name, summary, abi::RULE_REWRITES))
    }

    /// The stage drops documents under the rule `name`.
    pub fn drops(&mut self, name: &'static str, summary: &'static str) -> Drops {
        Drops(self.rule(name, summary, abi::RULE_DROPS))
    }

    /// The stage emits documents.
    pub fn emits(&mut self) -> Emits {
        self.emits = true;
        Emits(())
    }

    /// With these options the stage's own output passes through it unchanged. The conformance checks hold it to that.
    pub fn claim_idempotent(&mut self) {
        self.claims |= abi::IDEMPOTENT;
    }

    /// The bytes of the file that an option of type [`crate::Resource`] names.
    ///
    /// # Errors
    /// If the host was not told of the file: the option's schema must be that of [`crate::Resource`].
    pub fn resource(&self, resource: &crate::Resource) -> Result<&[u8]> {
        self.resources
            .iter()
            .find(|(path, _)| *path == resource.0)
            .map(|(_, bytes)| bytes.as_slice())
            .ok_or_else(|| Error::config("", format!("the host did not open the resource `{}`", resource.0)))
    }

    /// Permissions and claims of an opened stage.
    pub(crate) fn may(&self) -> u64 {
        let has = |kind| self.rules.iter().any(|rule| rule.kind == kind);
        let when = |condition, bit| if condition { bit } else { 0 };
        let edits = has(abi::RULE_DELETES) || has(abi::RULE_REWRITES);
        // A stage keeps no state between documents: `process` has `&self`, and scratch must not reach a result.
        self.claims
            | abi::PURE
            | when(edits || !self.writes.is_empty(), abi::MAP)
            | when(has(abi::RULE_DROPS), abi::FILTER)
            | when(self.emits, abi::EXPAND)
            | when(!has(abi::RULE_REWRITES), abi::ONLY_DELETES)
    }

    fn rule(&mut self, name: &'static str, summary: &'static str, kind: u32) -> u32 {
        let known = self.rules.iter().position(|rule| rule.name == name && rule.kind == kind);
        let index = known.unwrap_or_else(|| {
            self.rules.push(RuleInfo { name, summary, kind });
            self.rules.len() - 1
        });
        u32::try_from(index).expect("a stage has fewer than 2^32 rules")
    }
}

/// The index of the column, declared once however often it is asked for.
fn declare(columns: &mut Vec<(String, u32)>, name: String, kind: u32) -> usize {
    let known = columns.iter().position(|column| column.0 == name && column.1 == kind);
    known.unwrap_or_else(|| {
        columns.push((name, kind));
        columns.len() - 1
    })
}
