//! The plugin's side of the C ABI: turns a [`StageWithScratch`] into the table of functions that a host calls.
//!
//! Built-in stages pass through the same table, so there is one code path. Every function catches panics here, inside
//! the library that raised them: a host cannot catch a foreign panic.

#![expect(unsafe_code, reason = "the boundary: a host calls these functions with pointers")]

use std::any::TypeId;
use std::ffi::c_void;
use std::panic::AssertUnwindSafe;
use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};

use textmill_abi::{self as abi, Growing, Status, Str};

use crate::doc::Answer;
use crate::{Doc, ErrorKind, Outcome, Plan, StageWithScratch, log, panic};

/// What a plugin says of itself; made by [`crate::export!`].
#[doc(hidden)]
#[derive(Debug)]
pub struct PluginInfo {
    pub name: &'static str,
    pub version: &'static str,
    pub license: &'static str,
}

/// An opened stage: what `tm_instance` is.
struct Instance<S> {
    stage: S,
    host: HostRef,
    segments: Option<abi::SegmentsService>,
    may: u64,
    reads: Columns,
    writes: Columns,
    rules: Vec<abi::Rule>,
}

/// Columns and the names that they point to.
struct Columns {
    columns: Vec<abi::Column>,
    _names: Vec<String>,
}

/// The scratch of one worker: what `tm_worker` is.
struct Worker<'i, S: StageWithScratch> {
    instance: &'i Instance<S>,
    scratch: S::Scratch,
    answer: Answer,
    edits: Vec<abi::Edit>,
}

/// The host's functions, safe to call: a copy of what this version knows of its table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostRef(pub(crate) abi::Host);

/// The table of functions of a stage: what a host needs to open and run it.
pub fn vtable<S: StageWithScratch>() -> &'static abi::Stage {
    static TABLES: Mutex<Vec<(TypeId, &'static abi::Stage)>> = Mutex::new(Vec::new());
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, table)) = tables.iter().find(|(id, _)| *id == TypeId::of::<S>()) {
        return table;
    }
    let table = Box::leak(Box::new(describe_kind::<S>()));
    tables.push((TypeId::of::<S>(), table));
    table
}

/// The body of a plugin's entry function.
///
/// # Safety
/// `host` is what a textmill host passes, as `textmill_plugin.h` says.
#[doc(hidden)]
pub unsafe fn enter(
    host: *const abi::Host,
    info: &'static PluginInfo,
    stages: &[fn() -> &'static abi::Stage],
) -> *const abi::Plugin {
    static PLUGIN: OnceLock<abi::Plugin> = OnceLock::new();
    // SAFETY: what the caller promises.
    let Some(host) = (unsafe { HostRef::of(host) }) else { return ptr::null() };
    let plugin = panic::catch(|| {
        log::forward_to(host);
        PLUGIN.get_or_init(|| describe_plugin(info, stages))
    });
    plugin.map_or(ptr::null(), ptr::from_ref)
}

fn describe_plugin(info: &'static PluginInfo, stages: &[fn() -> &'static abi::Stage]) -> abi::Plugin {
    let stages: Vec<*const abi::Stage> = stages.iter().map(|stage| ptr::from_ref(stage())).collect();
    let stages = stages.leak();
    let build_info = concat!(r#"{"sdk":""#, env!("CARGO_PKG_VERSION"), r#"","language":"rust"}"#);
    abi::Plugin {
        magic: abi::MAGIC,
        size: size_of::<abi::Plugin>(),
        abi_major: abi::ABI_MAJOR,
        // Nothing that came after 1.0 is needed: what a host does not have is done without.
        abi_minor: 0,
        draft: abi::DRAFT,
        reserved: 0,
        name: info.name.into(),
        version: info.version.into(),
        license: info.license.into(),
        build_info: build_info.into(),
        stages: stages.as_ptr(),
        n_stages: stages.len(),
    }
}

fn describe_kind<S: StageWithScratch>() -> abi::Stage {
    let mut schema = schemars::schema_for!(S::Config);
    let manual = schema.remove("description").and_then(|text| text.as_str().map(ToOwned::to_owned));
    let manual: &'static str = manual.unwrap_or_default().leak();
    let summary = manual.split("\n\n").next().unwrap_or_default().replace('\n', " ").leak();
    let schema = serde_json::to_string(&schema).expect("a schema is JSON").leak();
    abi::Stage {
        size: size_of::<abi::Stage>(),
        name: S::NAME.into(),
        summary: (&*summary).into(),
        manual: manual.into(),
        may: abi::MAP | abi::FILTER | abi::EXPAND | abi::PURE,
        config_schema: (&*schema).into(),
        open: open::<S>,
        describe: describe::<S>,
        close: close::<S>,
        worker_new: worker_new::<S>,
        worker_free: worker_free::<S>,
        process: process::<S>,
    }
}

unsafe extern "C" fn open<S: StageWithScratch>(
    host: *const abi::Host,
    config: Str,
    resources: *const abi::Resource,
    n_resources: usize,
    out: *mut *mut abi::Instance,
) -> Status {
    // SAFETY: the host that calls, which is [static].
    let Some(host) = (unsafe { HostRef::of(host) }) else { return abi::E_UNSUPPORTED };
    // SAFETY: valid until this call returns; the host's text is UTF-8.
    let config = unsafe { config.text_unchecked() }.unwrap_or("{}");
    // SAFETY: as above, for `n_resources` resources.
    let resources = unsafe { abi::slice(resources, n_resources) };
    let resources = resources.iter().map(|resource| {
        // SAFETY: valid until this call returns; paths are the host's text.
        let (path, bytes) = unsafe { (resource.path.text_unchecked(), resource.bytes.bytes()) };
        (path.unwrap_or_default().to_owned(), bytes.unwrap_or_default().to_owned())
    });
    let mut plan = Plan::new(resources.collect());
    let opened = panic::catch(|| {
        let config = serde_json::from_str(config)
            .map_err(|error| crate::Error::config("", format!("the options do not fit: {error}")))?;
        S::new(config, &mut plan)
    });
    match opened {
        Ok(Ok(stage)) => {
            let instance = Box::into_raw(Box::new(Instance::new(stage, host, plan)));
            // SAFETY: the host passes a place for the result.
            unsafe { *out = instance.cast() };
            abi::OK
        }
        Ok(Err(error)) => {
            match error.kind() {
                ErrorKind::Config { pointer } => host.config_error(pointer, error.message()),
                ErrorKind::Document => host.config_error("", error.message()),
            }
            abi::E_CONFIG
        }
        Err(panic) => {
            host.set_error(&panic);
            abi::E_PANIC
        }
    }
}

unsafe extern "C" fn describe<S: StageWithScratch>(
    instance: *const abi::Instance,
    out: *mut abi::Plan,
) -> Status {
    // SAFETY: an instance of this very table, not yet closed; `out` is the host's, and may be shorter than `Plan`, so no
    // reference is made of it.
    let (instance, size) = unsafe { (&*instance.cast::<Instance<S>>(), (&raw const (*out).size).read()) };
    if size < abi::Plan::SIZE_1_0 {
        instance.host.set_error("the host's `tm_plan` is smaller than that of version 1.0");
        return abi::E_UNSUPPORTED;
    }
    let Instance { may, reads, writes, rules, .. } = instance;
    // SAFETY: all of these are fields of version 1.0.
    unsafe {
        (&raw mut (*out).may).write(*may);
        (&raw mut (*out).reads).write(reads.columns.as_ptr());
        (&raw mut (*out).n_reads).write(reads.columns.len());
        (&raw mut (*out).writes).write(writes.columns.as_ptr());
        (&raw mut (*out).n_writes).write(writes.columns.len());
        (&raw mut (*out).rules).write(rules.as_ptr());
        (&raw mut (*out).n_rules).write(rules.len());
    }
    abi::OK
}

unsafe extern "C" fn close<S: StageWithScratch>(instance: *mut abi::Instance) {
    // SAFETY: made by `open` of this table, closed once, after its workers.
    let instance = unsafe { Box::from_raw(instance.cast::<Instance<S>>()) };
    let _ = panic::catch(|| drop(instance));
}

unsafe extern "C" fn worker_new<S: StageWithScratch>(
    instance: *const abi::Instance,
    out: *mut *mut abi::Worker,
) -> Status {
    // SAFETY: an instance of this very table, not closed before its workers are freed.
    let instance = unsafe { &*instance.cast::<Instance<S>>() };
    match panic::catch(S::Scratch::default) {
        Ok(scratch) => {
            let worker = Worker { instance, scratch, answer: Answer::default(), edits: Vec::new() };
            // SAFETY: the host passes a place for the result.
            unsafe { *out = Box::into_raw(Box::new(worker)).cast() };
            abi::OK
        }
        Err(panic) => {
            instance.host.set_error(&panic);
            abi::E_PANIC
        }
    }
}

unsafe extern "C" fn worker_free<S: StageWithScratch>(worker: *mut abi::Worker) {
    // SAFETY: made by `worker_new` of this table, freed once.
    let worker = unsafe { Box::from_raw(worker.cast::<Worker<'_, S>>()) };
    let _ = panic::catch(|| drop(worker));
}

unsafe extern "C" fn process<S: StageWithScratch>(
    worker: *mut abi::Worker,
    batch: *const abi::Batch,
    sink: *const abi::Sink,
) -> Status {
    // SAFETY: one call at a time on a worker; batch and sink are valid until this call returns.
    let (worker, batch, sink) =
        unsafe { (&mut *worker.cast::<Worker<'_, S>>(), abi::copy(batch), abi::copy(sink)) };
    let (Ok(batch), Ok(sink)) = (batch, sink) else {
        worker
            .instance
            .host
            .set_error("the host's `tm_batch` or `tm_sink` is smaller than that of version 1.0");
        return abi::E_UNSUPPORTED;
    };
    let sink = SinkRef(&sink);
    // SAFETY: `n_cols` columns, each of `n_docs` slices.
    let columns = unsafe { abi::slice(batch.cols, batch.n_cols) };
    let mut fields: Vec<Option<&str>> = Vec::with_capacity(columns.len());
    for document in 0..batch.n_docs {
        if worker.instance.host.cancelled() {
            return abi::E_CANCELLED;
        }
        fields.clear();
        fields.extend(columns.iter().map(|column| {
            // SAFETY: as above; the host's text is UTF-8 and valid until this call returns.
            unsafe { (*column.add(document)).text_unchecked() }
        }));
        let Some((text, fields)) = fields.split_first() else { return abi::E_FATAL };
        let shared = Shared { service: worker.instance.segments.as_ref(), batch: batch.ctx, document };
        worker.process(text.unwrap_or_default(), fields, shared, sink);
    }
    abi::OK
}

impl<S: StageWithScratch> Instance<S> {
    fn new(stage: S, host: HostRef, plan: Plan) -> Self {
        let rules = plan.rules.iter().map(|rule| abi::Rule {
            name: rule.name.into(),
            summary: rule.summary.into(),
            kind: rule.kind,
            reserved: 0,
        });
        let (may, rules) = (plan.may(), rules.collect());
        let (reads, writes) = (Columns::new(plan.reads), Columns::new(plan.writes));
        Self { stage, host, segments: host.segments(), may, rules, reads, writes }
    }
}

impl Columns {
    fn new(named: Vec<(String, u32)>) -> Self {
        let column = |(name, kind): &(String, u32)| abi::Column {
            name: name.as_str().into(),
            kind: *kind,
            reserved: 0,
        };
        // The heap buffer of a name stays where it is when the `String` moves.
        Self {
            columns: named.iter().map(column).collect(),
            _names: named.into_iter().map(|(name, _)| name).collect(),
        }
    }
}

impl<S: StageWithScratch> Worker<'_, S> {
    fn process(&mut self, text: &str, fields: &[Option<&str>], shared: Shared<'_>, sink: SinkRef<'_>) {
        let index = shared.document;
        let answer = &mut self.answer;
        let scratch = &mut self.scratch;
        let result = panic::catch(AssertUnwindSafe(|| {
            let mut doc = Doc::new(text, fields, shared, answer);
            let outcome = self.instance.stage.process(scratch, &mut doc)?;
            answer.finish(text)?;
            Ok(outcome)
        }));
        match result {
            Ok(Ok(outcome)) => sink.deliver(index, outcome, &self.answer, &mut self.edits),
            Ok(Err(error)) => {
                let error: crate::Error = error;
                sink.fail(index, error.message());
            }
            Err(panic) => {
                // The scratch may be in disorder; where even a new one panics, the old one has to do.
                let _renewed = panic::catch(AssertUnwindSafe(|| self.scratch = S::Scratch::default()));
                sink.fail(index, &panic);
            }
        }
    }
}

/// What the host shares of a document: its segments, where it has the service and more than one stage asks for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared<'a> {
    service: Option<&'a abi::SegmentsService>,
    batch: *mut c_void,
    document: usize,
}

impl<'a> Shared<'a> {
    /// A document of which the host shares nothing.
    pub(crate) const NOTHING: Self = Self { service: None, batch: ptr::null_mut(), document: 0 };

    pub(crate) fn sentences(self, language: Option<&str>) -> Option<&'a [abi::Segment]> {
        let language = Str::optional(language.map(str::as_bytes));
        // SAFETY: the context of the batch in hand, and a document of it.
        self.ask(|service, out| unsafe { (service.sentences)(self.batch, self.document, language, 1, out) })
    }

    pub(crate) fn words(self) -> Option<&'a [abi::Segment]> {
        // SAFETY: as in `sentences`.
        self.ask(|service, out| unsafe { (service.words)(self.batch, self.document, 1, out) })
    }

    fn ask(
        self,
        call: impl FnOnce(&abi::SegmentsService, *mut abi::Segments) -> Status,
    ) -> Option<&'a [abi::Segment]> {
        let mut found = abi::Segments { ptr: ptr::null(), len: 0 };
        let status = call(self.service?, &raw mut found);
        // SAFETY: valid until `process` returns, which is as long as a document is in hand.
        (status == abi::OK).then(|| unsafe { abi::slice(found.ptr, found.len) })
    }
}

/// The host's sink, safe to call.
#[derive(Clone, Copy)]
struct SinkRef<'a>(&'a abi::Sink);

impl SinkRef<'_> {
    /// Hands over an answer. A status other than OK says that the host has failed the document, so the rest of its
    /// answer is of no use.
    fn deliver(self, index: usize, outcome: Outcome, answer: &Answer, edits: &mut Vec<abi::Edit>) {
        let Self(sink) = self;
        edits.clear();
        edits.extend(answer.edits.iter().map(|edit| abi::Edit {
            start: edit.span.start as u64,
            end: edit.span.end as u64,
            replacement: edit.replacement.of(&answer.replacements).unwrap_or_default().into(),
            rule: edit.rule,
            reserved: 0,
        }));
        // SAFETY: (this and every call below) the sink is valid until `process` returns, on the worker's thread, and
        // copies what it is given.
        let mut status = abi::OK;
        let mut step = |call: &dyn Fn() -> Status| {
            if status == abi::OK {
                status = call();
            }
        };
        if !edits.is_empty() {
            // SAFETY: see above.
            step(&|| unsafe { (sink.edit)(sink.ctx, index, edits.as_ptr(), edits.len()) });
        }
        if let Some((text, rule)) = &answer.rewrite {
            // SAFETY: see above.
            step(&|| unsafe { (sink.rewrite)(sink.ctx, index, text.as_str().into(), *rule) });
        }
        for (column, value) in &answer.sets {
            let value = Str::optional(value.as_ref().map(String::as_bytes));
            // SAFETY: see above.
            step(&|| unsafe { (sink.set)(sink.ctx, index, *column, value) });
        }
        for document in &answer.emits {
            let width = document.fields.iter().map(|(column, _)| column + 2).max().unwrap_or(1);
            let mut columns = vec![Str::ABSENT; width];
            columns[0] = document.text.as_str().into();
            for (column, value) in &document.fields {
                columns[column + 1] = value.as_str().into();
            }
            // SAFETY: see above.
            step(&|| unsafe { (sink.emit)(sink.ctx, index, columns.as_ptr(), columns.len()) });
        }
        for &(name, value, threshold) in &answer.scores {
            // SAFETY: see above.
            step(&|| unsafe { (sink.score)(sink.ctx, index, name.into(), value, threshold) });
        }
        if let Outcome::Drop(rule) = outcome {
            // SAFETY: see above.
            step(&|| unsafe { (sink.drop)(sink.ctx, index, rule.0) });
        }
    }

    fn fail(self, index: usize, message: &str) {
        // SAFETY: as in `deliver`.
        let _failed = unsafe { (self.0.fail)(self.0.ctx, index, message.into()) };
    }
}

impl HostRef {
    /// The host behind a pointer; `None` where it is none that this plugin can work with.
    ///
    /// # Safety
    /// The pointer is null, or leads to a [static] host of any version.
    unsafe fn of(host: *const abi::Host) -> Option<Self> {
        if host.is_null() {
            return None;
        }
        // SAFETY: what the caller promises; the size and the version stand where they are in every version.
        let host =
            unsafe { ((&raw const (*host).abi_major).read() == abi::ABI_MAJOR).then(|| abi::copy(host)) };
        host?.ok().map(Self)
    }

    fn ctx(self) -> *mut c_void {
        self.0.ctx
    }

    /// The optional service for lines, sentences and words.
    fn segments(self) -> Option<abi::SegmentsService> {
        // SAFETY: see `set_error`.
        let service = unsafe { (self.0.extension)(self.ctx(), abi::SEGMENTS.into()) };
        let service: *const abi::SegmentsService = service.cast();
        // SAFETY: what the host gives for this name is such a struct, of any minor, and [static].
        (!service.is_null()).then(|| unsafe { abi::copy(service) })?.ok()
    }

    fn set_error(self, message: &str) {
        // SAFETY: (this and every call below) the host is [static], its functions [any], and it copies text.
        unsafe { (self.0.set_error)(self.ctx(), message.into()) }
    }

    fn config_error(self, pointer: &str, message: &str) {
        // SAFETY: see `set_error`.
        unsafe { (self.0.config_error)(self.ctx(), pointer.into(), message.into()) }
    }

    fn cancelled(self) -> bool {
        // SAFETY: see `set_error`.
        unsafe { (self.0.cancelled)(self.ctx()) != 0 }
    }

    pub(crate) fn log_enabled(self, level: u32, target: &str) -> bool {
        // SAFETY: see `set_error`.
        unsafe { (self.0.log_enabled)(self.ctx(), level, target.into()) != 0 }
    }

    pub(crate) fn log(self, level: u32, target: &str, message: &str, fields_json: Option<&str>) {
        let fields = Str::optional(fields_json.map(str::as_bytes));
        // SAFETY: see `set_error`.
        unsafe { (self.0.log)(self.ctx(), level, target.into(), message.into(), fields) }
    }
}
