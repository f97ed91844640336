//! The C ABI between textmill and its plugins, as Rust sees it.
//!
//! `include/textmill_plugin.h` is the contract and holds the documentation: who calls what, on which thread, who owns
//! which pointer until when. The structs here mirror it field by field, under the names of the header less the `tm_`;
//! a test compiles the header and compares the layout of each. No Rust type crosses the boundary, and nothing here
//! depends on another crate, so that the ABI cannot move because of one.

use std::ffi::c_void;
use std::fmt;
use std::mem::offset_of;

/// The major version of the contract; it is part of [`ENTRY`].
pub const ABI_MAJOR: u32 = 1;
/// The minor version of the contract that this crate describes.
pub const ABI_MINOR: u32 = 0;
/// The draft number: host and plugin must agree on it exactly. 0 once the contract is frozen.
pub const DRAFT: u32 = 2;
/// The first field of [`Plugin`]: `textmill` as little-endian bytes.
pub const MAGIC: u64 = u64::from_le_bytes(*b"textmill");
/// The name of the one symbol that a plugin exports.
pub const ENTRY: &str = "textmill_plugin_v1";

/// How a call ended; see `tm_status`.
pub type Status = i32;
/// The call did what it was asked to do.
pub const OK: Status = 0;
/// The options are wrong.
pub const E_CONFIG: Status = 1;
/// This document has failed.
pub const E_DOCUMENT: Status = 2;
/// The stage cannot go on; every document of the batch fails.
pub const E_FATAL: Status = 3;
/// As [`E_FATAL`], from a caught panic.
pub const E_PANIC: Status = 4;
/// An optional feature that this side does not have.
pub const E_UNSUPPORTED: Status = 5;
/// The run is being cancelled.
pub const E_CANCELLED: Status = 6;

/// Permission: edits or rewrites the text, or sets fields.
pub const MAP: u64 = 1 << 0;
/// Permission: drops documents.
pub const FILTER: u64 = 1 << 1;
/// Permission: emits documents.
pub const EXPAND: u64 = 1 << 2;
/// Claim: every edit of the text is a deletion.
pub const ONLY_DELETES: u64 = 1 << 3;
/// Claim: equal documents give equal results.
pub const PURE: u64 = 1 << 4;
/// Claim: its own output passes through it unchanged.
pub const IDEMPOTENT: u64 = 1 << 5;
/// Permission: opens network connections.
pub const NETWORK: u64 = 1 << 16;

/// The bits that a host must understand; those above are claims that it may ignore.
pub const MUST_KNOW: u64 = 0xffff_ffff;
/// All permissions of this version; what a stage may do is a subset.
pub const PERMISSIONS: u64 = MAP | FILTER | EXPAND | NETWORK;
/// All claims of this version; what a stage promises is a subset.
pub const CLAIMS: u64 = ONLY_DELETES | PURE | IDEMPOTENT;

/// Field type: text, which crosses as it is.
pub const TEXT: u32 = 0;
/// Field type: `true` or `false`, as JSON.
pub const BOOL: u32 = 1;
/// Field type: a 64-bit integer, as JSON.
pub const INT: u32 = 2;
/// Field type: a 64-bit float, as JSON.
pub const FLOAT: u32 = 3;
/// Field type: a list of text, as JSON.
pub const TEXTS: u32 = 4;
/// Field type: any JSON.
pub const JSON: u32 = 5;

/// The rule deletes parts of the text.
pub const RULE_DELETES: u32 = 1;
/// The rule replaces parts of the text, or all of it.
pub const RULE_REWRITES: u32 = 2;
/// The rule drops documents.
pub const RULE_DROPS: u32 = 3;

/// Log level: an error.
pub const ERROR: u32 = 1;
/// Log level: a warning.
pub const WARN: u32 = 2;
/// Log level: news.
pub const INFO: u32 = 3;
/// Log level: details for who looks for a mistake.
pub const DEBUG: u32 = 4;
/// Log level: everything.
pub const TRACE: u32 = 5;

/// A slice of text or of JSON, or an absent field.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    /// The first byte; null if the field is absent.
    pub ptr: *const u8,
    /// The length in bytes.
    pub len: usize,
}

/// The name and type of a field.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The name of the field.
    pub name: Str,
    /// [`TEXT`] to [`JSON`].
    pub kind: u32,
    /// 0.
    pub reserved: u32,
}

/// A reason for a change, by name.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Short, kebab-case and stable.
    pub name: Str,
    /// One sentence: what it changes, on what evidence.
    pub summary: Str,
    /// [`RULE_DELETES`] to [`RULE_DROPS`].
    pub kind: u32,
    /// 0.
    pub reserved: u32,
}

/// A file that an option names.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Resource {
    /// Which option, as an RFC 6901 JSON pointer.
    pub json_pointer: Str,
    /// The path as the option has it.
    pub path: Str,
    /// Its bytes, of any kind.
    pub bytes: Str,
}

/// What the host offers to a plugin.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// The size of this struct in bytes, as the host knows it.
    pub size: usize,
    /// The host's [`ABI_MAJOR`].
    pub abi_major: u32,
    /// The host's [`ABI_MINOR`].
    pub abi_minor: u32,
    /// The host's [`DRAFT`].
    pub draft: u32,
    /// 0.
    pub reserved: u32,
    /// The first argument of every function.
    pub ctx: *mut c_void,
    /// Says why the call in hand is about to fail.
    pub set_error: unsafe extern "C" fn(*mut c_void, Str),
    /// Says which option is wrong: JSON pointer, message.
    pub config_error: unsafe extern "C" fn(*mut c_void, Str, Str),
    /// Whether a message of this level and target would be shown.
    pub log_enabled: unsafe extern "C" fn(*mut c_void, u32, Str) -> i32,
    /// Shows a message: level, target, message, fields as a JSON object.
    pub log: unsafe extern "C" fn(*mut c_void, u32, Str, Str, Str),
    /// Whether the run is being cancelled.
    pub cancelled: unsafe extern "C" fn(*mut c_void) -> i32,
    /// An optional service by name, or null.
    pub extension: unsafe extern "C" fn(*mut c_void, Str) -> *const c_void,
}

/// A batch of documents.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// The size of this struct in bytes, as the host knows it.
    pub size: usize,
    /// How many documents.
    pub n_docs: usize,
    /// How many columns: the text and what the stage reads.
    pub n_cols: usize,
    /// Column c of document i is `cols[c][i]`.
    pub cols: *const *const Str,
    /// The host's own, for optional services.
    pub ctx: *mut c_void,
}

/// Replaces a span of the text.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// The first byte of the span.
    pub start: u64,
    /// The byte after the span.
    pub end: u64,
    /// What stands there afterwards; absent or empty deletes.
    pub replacement: Str,
    /// An index into the rules of the plan.
    pub rule: u32,
    /// 0.
    pub reserved: u32,
}

/// Where a stage puts its results.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Sink {
    /// The size of this struct in bytes, as the host knows it.
    pub size: usize,
    /// The first argument of every function.
    pub ctx: *mut c_void,
    /// Drops a document: document, rule.
    pub drop: unsafe extern "C" fn(*mut c_void, usize, u32) -> Status,
    /// Edits the text of a document: document, edits, how many.
    pub edit: unsafe extern "C" fn(*mut c_void, usize, *const Edit, usize) -> Status,
    /// Gives a document a whole new text: document, text, rule.
    pub rewrite: unsafe extern "C" fn(*mut c_void, usize, Str, u32) -> Status,
    /// Sets a field: document, index into the plan's writes, value.
    pub set: unsafe extern "C" fn(*mut c_void, usize, usize, Str) -> Status,
    /// Emits a document: parent, columns, how many.
    pub emit: unsafe extern "C" fn(*mut c_void, usize, *const Str, usize) -> Status,
    /// Reports a score: document, name, value, threshold.
    pub score: unsafe extern "C" fn(*mut c_void, usize, Str, f64, f64) -> Status,
    /// Fails a document: document, message.
    pub fail: unsafe extern "C" fn(*mut c_void, usize, Str) -> Status,
}

/// What an opened stage reads, writes, may do and can name as a rule.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The size of this struct in bytes, as the host knows it.
    pub size: usize,
    /// Permissions and claims.
    pub may: u64,
    /// The fields that it reads beside the text.
    pub reads: *const Column,
    /// How many.
    pub n_reads: usize,
    /// The fields that it sets.
    pub writes: *const Column,
    /// How many.
    pub n_writes: usize,
    /// The rules that it names.
    pub rules: *const Rule,
    /// How many.
    pub n_rules: usize,
}

/// The plugin's own: options and shared read-only state.
#[repr(C)]
#[derive(Debug)]
pub struct Instance {
    _opaque: [u8; 0],
}

/// The plugin's own: scratch of one worker.
#[repr(C)]
#[derive(Debug)]
pub struct Worker {
    _opaque: [u8; 0],
}

/// A kind of stage.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// The size of this struct in bytes, as the plugin knows it.
    pub size: usize,
    /// Kebab-case, a verb.
    pub name: Str,
    /// One line on what it does.
    pub summary: Str,
    /// Its manual page, Markdown.
    pub manual: Str,
    /// The most it may do with any options, and the claims it makes with all.
    pub may: u64,
    /// The JSON Schema of its options.
    pub config_schema: Str,
    /// Opens an instance: host, options as JSON, resources, how many, out.
    pub open: unsafe extern "C" fn(*const Host, Str, *const Resource, usize, *mut *mut Instance) -> Status,
    /// Fills in what an instance reads, writes and may do.
    pub describe: unsafe extern "C" fn(*const Instance, *mut Plan) -> Status,
    /// Ends an instance.
    pub close: unsafe extern "C" fn(*mut Instance),
    /// Makes a worker.
    pub worker_new: unsafe extern "C" fn(*const Instance, *mut *mut Worker) -> Status,
    /// Ends a worker.
    pub worker_free: unsafe extern "C" fn(*mut Worker),
    /// Processes a batch.
    pub process: unsafe extern "C" fn(*mut Worker, *const Batch, *const Sink) -> Status,
}

/// A plugin: what its entry function returns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Plugin {
    /// [`MAGIC`].
    pub magic: u64,
    /// The size of this struct in bytes, as the plugin knows it.
    pub size: usize,
    /// [`ABI_MAJOR`].
    pub abi_major: u32,
    /// The lowest [`ABI_MINOR`] it needs.
    pub abi_minor: u32,
    /// [`DRAFT`].
    pub draft: u32,
    /// 0.
    pub reserved: u32,
    /// The name of the plugin.
    pub name: Str,
    /// Its version.
    pub version: Str,
    /// Its licence, an SPDX expression.
    pub license: Str,
    /// A JSON object on how it was built, or absent.
    pub build_info: Str,
    /// Its stages.
    pub stages: *const *const Stage,
    /// How many.
    pub n_stages: usize,
}

/// The name of the optional service [`SegmentsService`].
pub const SEGMENTS: &str = "textmill.segments/1";
/// Flag of a word: one character of a script that puts no space between words.
pub const WORD_UNSPACED: u32 = 1;

/// A part of a text.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
    /// Of a line: how many bytes its end has; of a word: [`WORD_UNSPACED`] or 0; of a sentence: 0.
    pub flags: u32,
}

/// Segments of a text, ascending and disjoint.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Segments {
    /// The first.
    pub ptr: *const Segment,
    /// How many.
    pub len: usize,
}

/// The optional service [`SEGMENTS`]: lines, sentences and words of the documents in hand.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SegmentsService {
    /// The size of this struct in bytes, as the host knows it.
    pub size: usize,
    /// The lines of a document: the batch's context, document, only if shared, out.
    pub lines: unsafe extern "C" fn(*mut c_void, usize, u32, *mut Segments) -> Status,
    /// The sentences of a document: the batch's context, document, language, only if shared, out.
    pub sentences: unsafe extern "C" fn(*mut c_void, usize, Str, u32, *mut Segments) -> Status,
    /// The words of a document: the batch's context, document, only if shared, out.
    pub words: unsafe extern "C" fn(*mut c_void, usize, u32, *mut Segments) -> Status,
}

/// The type of the function that a plugin exports as [`ENTRY`].
pub type Entry = unsafe extern "C" fn(*const Host) -> *const Plugin;

/// A struct of the contract that may grow.
///
/// # Safety
/// The type is `repr(C)`, and has a field `size` at `SIZE_AT`. `SIZE_1_0` is no smaller than what of it has no valid
/// value of all zeros; the fields behind that have one, and mean by it what the contract meant before they were added.
#[expect(unsafe_code, reason = "what `Growing::copy` relies on cannot be said in types")]
pub unsafe trait Growing: Sized {
    /// Where the field `size` is.
    const SIZE_AT: usize;
    /// The size that it has in version 1.0: one that says less is refused.
    const SIZE_1_0: usize;
    /// Where the fields are that must not be null: functions.
    const FUNCTIONS: &[(&'static str, usize)];
}

/// Why a struct of the other side cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// It is smaller than in version 1.0: so many bytes.
    TooSmall(usize),
    /// This function of it is null.
    NoFunction(&'static str),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall(size) => write!(f, "in {size} bytes, which are too few"),
            Self::NoFunction(name) => write!(f, "without the function `{name}`"),
        }
    }
}

impl std::error::Error for Malformed {}

/// Says of a struct what [`Growing`] asks for: its last field in version 1.0, and its functions.
macro_rules! growing {
    ($type:ident to $last:ident: $kind:ty $(, functions $($function:ident)+)?) => {
        // SAFETY: `repr(C)`, with a field `size`, and with no field behind the last one of version 1.0.
        #[expect(unsafe_code, reason = "see `Growing`")]
        unsafe impl Growing for $type {
            const SIZE_AT: usize = offset_of!($type, size);
            const SIZE_1_0: usize = offset_of!($type, $last) + size_of::<$kind>();
            const FUNCTIONS: &[(&'static str, usize)] =
                &[$($((stringify!($function), offset_of!($type, $function))),+)?];
        }
    };
}

growing!(Host to extension: usize, functions set_error config_error log_enabled log cancelled extension);
growing!(Batch to ctx: usize);
growing!(Sink to fail: usize, functions drop edit rewrite set emit score fail);
growing!(Plan to n_rules: usize);
growing!(Stage to process: usize, functions open describe close worker_new worker_free process);
growing!(Plugin to n_stages: usize);
growing!(SegmentsService to words: usize, functions lines sentences words);

impl Str {
    /// An absent field.
    pub const ABSENT: Self = Self { ptr: std::ptr::null(), len: 0 };

    /// A slice that borrows `bytes`; the caller keeps them alive as the contract says.
    pub const fn new(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr(), len: bytes.len() }
    }

    /// [`Str::new`], or [`Str::ABSENT`].
    pub const fn optional(bytes: Option<&[u8]>) -> Self {
        match bytes {
            Some(bytes) => Self::new(bytes),
            None => Self::ABSENT,
        }
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Str({:?}, {} bytes)", self.ptr, self.len)
    }
}

/// Reading what the other side points to, and sharing what it promised to be static: the unsafe part of this crate.
#[expect(unsafe_code, reason = "the boundary itself: pointers of the other side are read here")]
mod raw {
    use std::mem::MaybeUninit;

    use super::{Growing, Host, Malformed, Plugin, Stage, Str};

    // SAFETY: the contract calls these [static] or valid until close, read-only, and their functions [any] or
    // serialised by the host.
    unsafe impl Send for Str {}
    // SAFETY: as above; a shared `Str` is only read.
    unsafe impl Sync for Str {}
    // SAFETY: as above.
    unsafe impl Sync for Stage {}
    // SAFETY: as above.
    unsafe impl Send for Stage {}
    // SAFETY: as above.
    unsafe impl Sync for Plugin {}
    // SAFETY: as above.
    unsafe impl Send for Plugin {}
    // SAFETY: all functions of the host are [any], and its context is the host's to share.
    unsafe impl Sync for Host {}
    // SAFETY: as above.
    unsafe impl Send for Host {}

    impl Str {
        /// The bytes, or `None` where the field is absent.
        ///
        /// # Safety
        /// The other side keeps the contract: a pointer that is not null leads to `len` bytes that live for `'a`.
        pub unsafe fn bytes<'a>(self) -> Option<&'a [u8]> {
            // SAFETY: what the caller promises is what `slice` asks for.
            (!self.ptr.is_null()).then(|| unsafe { slice(self.ptr, self.len) })
        }

        /// The text, without a check; `None` where the field is absent.
        ///
        /// # Safety
        /// As [`Str::bytes`]; and the bytes are UTF-8, as the host promises for all that it hands out.
        pub unsafe fn text_unchecked<'a>(self) -> Option<&'a str> {
            // SAFETY: what the caller promises.
            unsafe { self.bytes().map(|bytes| std::str::from_utf8_unchecked(bytes)) }
        }
    }

    /// A copy of a struct of the other side, which may have been made for another minor version: what it has more is
    /// left out, what it has less is 0. The copy's `size` is that of this version's part of it.
    ///
    /// # Errors
    /// If it is smaller than in version 1.0, or lacks a function.
    ///
    /// # Safety
    /// `from` leads to such a struct of as many bytes as its `size` says, initialised, and all that may be wrong in
    /// those is what [`Malformed`] tells of.
    pub unsafe fn copy<T: Growing>(from: *const T) -> Result<T, Malformed> {
        // SAFETY: `size` is part of every version.
        let size = unsafe { from.byte_add(T::SIZE_AT).cast::<usize>().read() };
        if size < T::SIZE_1_0 {
            return Err(Malformed::TooSmall(size));
        }
        for &(name, at) in T::FUNCTIONS {
            // SAFETY: functions of version 1.0 lie within the size that was checked.
            if unsafe { from.byte_add(at).cast::<usize>().read() } == 0 {
                return Err(Malformed::NoFunction(name));
            }
        }
        let known = size.min(size_of::<T>());
        let mut copy = MaybeUninit::<T>::zeroed();
        // SAFETY: `from` has `size` bytes and `copy` has room for `known` of them; the rest of `copy` is zeros, which
        // are valid there, as are the functions by the loop above.
        unsafe {
            std::ptr::copy_nonoverlapping(from.cast::<u8>(), copy.as_mut_ptr().cast::<u8>(), known);
            copy.as_mut_ptr().byte_add(T::SIZE_AT).cast::<usize>().write(known);
            Ok(copy.assume_init())
        }
    }

    /// A slice of the other side's memory; empty where the pointer is null.
    ///
    /// # Safety
    /// A pointer that is not null leads to `len` aligned values that live, unchanged, for `'a`.
    pub unsafe fn slice<'a, T>(ptr: *const T, len: usize) -> &'a [T] {
        if ptr.is_null() || len == 0 {
            return &[];
        }
        // SAFETY: not null by the check above, the rest by the caller's promise.
        unsafe { std::slice::from_raw_parts(ptr, len) }
    }
}

pub use raw::{copy, slice};
