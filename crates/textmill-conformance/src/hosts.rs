//! Hosts that are not this one: with structs that have grown, or that end where the memory ends.
//!
//! What a run never does is done here by hand, past the engine: the tables of functions are called directly.

#![expect(unsafe_code, reason = "calls the functions of a plugin with structs of every size")]

use std::cell::RefCell;
use std::ffi::c_void;
use std::mem::{self, offset_of};
use std::path::Path;
use std::ptr;

use textmill_abi::{self as abi, Growing, Status, Str};

use crate::bench::Case;
#[cfg(unix)]
use crate::guard::Guarded;
use crate::report::Finding;
use crate::tester::Subject;

/// How a struct of the host lies in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// As this version knows it.
    Known,
    /// As of a later version: more fields follow, which lead nowhere.
    Longer,
    /// It has what version 1.0 has, and the memory ends there.
    #[cfg(unix)]
    Exact,
    /// It says that it has so many bytes, and the memory ends there.
    #[cfg(unix)]
    Cut(usize),
}

/// A struct in memory.
#[derive(Debug)]
pub(crate) struct Placed<T> {
    at: *mut T,
    memory: Memory<T>,
}

#[derive(Debug)]
enum Memory<T> {
    /// Of a [`Box`], which would not let anybody else point there.
    Heap(*mut Longer<T>),
    #[cfg(unix)]
    Guarded(#[expect(dead_code, reason = "held, so that it is there")] Guarded),
}

#[repr(C)]
#[derive(Debug)]
struct Longer<T> {
    known: T,
    more: [usize; 16],
}

/// What a field holds that nobody knows: an address that is none.
const NOWHERE: usize = usize::MAX / 255 * 0x6b;

/// The size of a host up to and with its version, which every version has at the same place.
pub(crate) const VERSION_FIELDS: usize = offset_of!(abi::Host, ctx);

/// The size of a struct in version 1.0.
pub(crate) const fn size_1_0<T: Growing>() -> usize {
    T::SIZE_1_0
}

/// A host of this version that keeps what is said to it to itself.
pub(crate) fn host() -> abi::Host {
    abi::Host {
        size: size_of::<abi::Host>(),
        abi_major: abi::ABI_MAJOR,
        abi_minor: abi::ABI_MINOR,
        draft: abi::DRAFT,
        reserved: 0,
        ctx: ptr::null_mut(),
        set_error,
        config_error,
        log_enabled,
        log,
        cancelled,
        extension,
    }
}

impl<T> Drop for Memory<T> {
    fn drop(&mut self) {
        if let Self::Heap(memory) = self {
            // SAFETY: made of a box, and freed nowhere else.
            mem::drop(unsafe { Box::from_raw(*memory) });
        }
    }
}

/// Puts a struct into memory of this shape, with `size` saying so.
///
/// # Errors
/// If the system gives no such memory.
pub(crate) fn place<T: Growing + Copy>(value: T, shape: Shape) -> Result<Placed<T>, Finding> {
    let heap = |size: usize| {
        let memory = Box::into_raw(Box::new(Longer { known: value, more: [NOWHERE; 16] }));
        // SAFETY: `size` of the struct is part of the memory.
        unsafe { memory.byte_add(T::SIZE_AT).cast::<usize>().write(size) };
        Ok(Placed { at: memory.cast(), memory: Memory::Heap(memory) })
    };
    match shape {
        Shape::Known => heap(size_of::<T>()),
        Shape::Longer => heap(size_of::<Longer<T>>()),
        #[cfg(unix)]
        Shape::Exact => cut(value, T::SIZE_1_0),
        #[cfg(unix)]
        Shape::Cut(size) => cut(value, size),
    }
}

#[cfg(unix)]
fn cut<T: Growing + Copy>(value: T, size: usize) -> Result<Placed<T>, Finding> {
    // SAFETY: the structs of the contract have no padding, and `size` is within.
    let bytes =
        unsafe { std::slice::from_raw_parts((&raw const value).cast::<u8>(), size.min(size_of::<T>())) };
    let memory = Guarded::writable(bytes)
        .map_err(|error| Finding::new(format!("the system gives no memory: {error}")))?;
    let at = memory.as_mut_ptr().cast::<T>();
    // SAFETY: `size` of the struct is part of the memory, which ends on a page, and so is aligned.
    unsafe { at.byte_add(T::SIZE_AT).cast::<usize>().write(size) };
    Ok(Placed { at, memory: Memory::Guarded(memory) })
}

/// What the entry function of a library answers to a host; `None` is a refusal.
///
/// # Errors
/// If it cannot be loaded, or describes itself by what is no description.
pub(crate) fn enter(path: &Path, host: &Placed<abi::Host>) -> Result<Option<abi::Plugin>, Finding> {
    let entry = textmill_engine::entry(path).map_err(|(message, _)| Finding::new(message))?;
    // SAFETY: the host outlives the call. A plugin that keeps its address is not called with another one's.
    let plugin = unsafe { entry(host.at) };
    if plugin.is_null() {
        return Ok(None);
    }
    // SAFETY: not null; `magic` comes first in every version.
    if unsafe { (&raw const (*plugin).magic).read() } != abi::MAGIC {
        return Err(Finding::new("the entry function answers with something that is no plugin description"));
    }
    // SAFETY: the magic number says that it is a plugin, which is [static].
    let plugin = unsafe { abi::copy(plugin) };
    plugin.map(Some).map_err(|malformed| Finding::new(format!("the plugin describes itself {malformed}")))
}

/// What a stage says to the short documents, with all structs of the host in this shape: each call of the sink in words.
///
/// # Errors
/// If a call does not end well.
pub(crate) fn talk(case: &Case<'_>, shape: Shape) -> Result<Vec<String>, Finding> {
    let host = place(host(), shape)?;
    // A plugin may keep the address of its host for good.
    let host: &'static Placed<abi::Host> = Box::leak(Box::new(host));
    let table = table(case, host)?;
    let options = case.default_options()?;
    let files = case.files(&options).map_err(Finding::new)?;
    let resources = files.iter().map(|file| abi::Resource {
        json_pointer: file.pointer.as_str().into(),
        path: file.path.as_str().into(),
        bytes: Str::new(file.file.bytes()),
    });
    let resources: Vec<_> = resources.collect();
    let options = options.value.to_string();
    let mut instance = ptr::null_mut();
    // SAFETY: the host is [static], all else outlives the call, and `instance` is a place for the result.
    let status = unsafe {
        (table.open)(host.at, options.as_str().into(), resources.as_ptr(), resources.len(), &raw mut instance)
    };
    well("open", status)?;
    let said =
        describe(&table, instance, shape).and_then(|reads| process(case, &table, instance, reads, shape));
    // SAFETY: opened once, closed once, without workers.
    unsafe { (table.close)(instance) };
    said
}

/// The table of the stage.
fn table(case: &Case<'_>, host: &Placed<abi::Host>) -> Result<abi::Stage, Finding> {
    let pointers: Vec<*const abi::Stage> = match case.subject {
        Subject::BuiltIn => case.built_in.iter().map(|table| ptr::from_ref(table())).collect(),
        Subject::Library(path) => {
            let plugin = enter(path, host)?.ok_or_else(|| Finding::new("the plugin refuses the host"))?;
            // SAFETY: a plugin is [static], and one with a length that is absurd does not load.
            unsafe { abi::slice(plugin.stages, plugin.n_stages) }.to_vec()
        }
    };
    for pointer in pointers {
        // SAFETY: a table is [static].
        let table = unsafe { abi::copy(pointer) }.map_err(|malformed| Finding::new(malformed.to_string()))?;
        // SAFETY: its name is [static].
        if unsafe { table.name.bytes() } == Some(case.kind.name.as_bytes()) {
            return Ok(table);
        }
    }
    Err(Finding::new("the stage is gone when the plugin is asked again"))
}

/// How many fields the stage reads.
fn describe(table: &abi::Stage, instance: *const abi::Instance, shape: Shape) -> Result<usize, Finding> {
    let plan = abi::Plan {
        size: 0,
        may: 0,
        reads: ptr::null(),
        n_reads: 0,
        writes: ptr::null(),
        n_writes: 0,
        rules: ptr::null(),
        n_rules: 0,
    };
    let plan = place(plan, shape)?;
    // SAFETY: an open instance, and a plan whose size is set.
    well("describe", unsafe { (table.describe)(instance, plan.at) })?;
    if let Memory::Heap(memory) = &plan.memory
        // SAFETY: it is there as long as `plan` is.
        && unsafe { (&raw const (**memory).more).read() } != [NOWHERE; 16]
    {
        return Err(Finding::new("`describe` writes to fields of `tm_plan` that it cannot know"));
    }
    // SAFETY: a field of version 1.0.
    Ok(unsafe { (&raw const (*plan.at).n_reads).read() })
}

fn process(
    case: &Case<'_>,
    table: &abi::Stage,
    instance: *const abi::Instance,
    reads: usize,
    shape: Shape,
) -> Result<Vec<String>, Finding> {
    let mut worker = ptr::null_mut();
    // SAFETY: an open instance, and a place for the result.
    well("worker_new", unsafe { (table.worker_new)(instance, &raw mut worker) })?;
    let texts: Vec<_> = case.short_texts().map(Str::from).collect();
    let absent = vec![Str::ABSENT; texts.len()];
    let mut columns = vec![texts.as_ptr()];
    columns.resize(reads + 1, absent.as_ptr());
    let batch = abi::Batch {
        size: 0,
        n_docs: texts.len(),
        n_cols: columns.len(),
        cols: columns.as_ptr(),
        ctx: ptr::null_mut(),
    };
    let said: RefCell<Vec<String>> = RefCell::default();
    let sink = abi::Sink {
        size: 0,
        ctx: (&raw const said) as *mut c_void,
        drop,
        edit,
        rewrite,
        set,
        emit,
        score,
        fail,
    };
    let (batch, sink) = (place(batch, shape)?, place(sink, shape)?);
    case.notes.doing("all short documents, without other fields", "");
    // SAFETY: a live worker; batch and sink outlive the call.
    let status = unsafe { (table.process)(worker, batch.at, sink.at) };
    // SAFETY: made once, freed once.
    unsafe { (table.worker_free)(worker) };
    well("process", status)?;
    Ok(said.into_inner())
}

fn well(call: &str, status: Status) -> Result<(), Finding> {
    if status == abi::OK {
        return Ok(());
    }
    let why = SAID
        .take()
        .map_or_else(|| "and does not say why".to_owned(), |message| format!("and says: {message}"));
    Err(Finding::new(format!("`{call}` answers with status {status}, {why}")))
}

thread_local! {
    /// The last error that was said.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn text(text: Str) -> String {
    // SAFETY: the plugin keeps the contract: valid for this call.
    let bytes = unsafe { text.bytes() };
    bytes.map_or_else(|| "-".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}

unsafe extern "C" fn set_error(_: *mut c_void, message: Str) {
    SAID.set(Some(text(message)));
}

unsafe extern "C" fn config_error(_: *mut c_void, pointer: Str, message: Str) {
    SAID.set(Some(format!("{} (at `{}`)", text(message), text(pointer))));
}

unsafe extern "C" fn log_enabled(_: *mut c_void, _: u32, _: Str) -> i32 {
    0
}

unsafe extern "C" fn log(_: *mut c_void, _: u32, _: Str, _: Str, _: Str) {}

unsafe extern "C" fn cancelled(_: *mut c_void) -> i32 {
    0
}

unsafe extern "C" fn extension(_: *mut c_void, _: Str) -> *const c_void {
    ptr::null()
}

/// Keeps a call of the sink in words.
fn say(ctx: *mut c_void, words: String) -> Status {
    // SAFETY: the context of the sink, on the thread and within the call that it was made for.
    let said = unsafe { &*ctx.cast::<RefCell<Vec<String>>>() };
    said.borrow_mut().push(words);
    abi::OK
}

unsafe extern "C" fn drop(ctx: *mut c_void, index: usize, rule: u32) -> Status {
    say(ctx, format!("drop {index} {rule}"))
}

unsafe extern "C" fn edit(ctx: *mut c_void, index: usize, edits: *const abi::Edit, n_edits: usize) -> Status {
    // SAFETY: the plugin passes `n_edits` edits.
    let edits = unsafe { abi::slice(edits, n_edits) };
    for edit in edits {
        let replacement = text(edit.replacement);
        say(ctx, format!("edit {index} {}..{} {replacement:?} {}", edit.start, edit.end, edit.rule));
    }
    abi::OK
}

unsafe extern "C" fn rewrite(ctx: *mut c_void, index: usize, new: Str, rule: u32) -> Status {
    say(ctx, format!("rewrite {index} {:?} {rule}", text(new)))
}

unsafe extern "C" fn set(ctx: *mut c_void, index: usize, column: usize, value: Str) -> Status {
    say(ctx, format!("set {index} {column} {:?}", text(value)))
}

unsafe extern "C" fn emit(ctx: *mut c_void, parent: usize, columns: *const Str, n_columns: usize) -> Status {
    // SAFETY: the plugin passes `n_columns` slices.
    let columns: Vec<_> =
        unsafe { abi::slice(columns, n_columns) }.iter().map(|column| text(*column)).collect();
    say(ctx, format!("emit {parent} {columns:?}"))
}

unsafe extern "C" fn score(ctx: *mut c_void, index: usize, name: Str, value: f64, threshold: f64) -> Status {
    say(ctx, format!("score {index} {} {value:?} {threshold:?}", text(name)))
}

unsafe extern "C" fn fail(ctx: *mut c_void, index: usize, message: Str) -> Status {
    say(ctx, format!("fail {index} {:?}", text(message)))
}
