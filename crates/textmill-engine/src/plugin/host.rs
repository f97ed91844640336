//! What the host offers to plugins: `tm_host`.
//!
//! There is one host for the process, because a library keeps its pointer for ever. What belongs to a call (an error
//! message) or to a run (whether it is cancelled) is found through the calling thread.

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use textmill_abi::{self as abi, Str};

use super::exit::calling;
use super::segments;

/// Asks a run to stop. Clones speak of the same run.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

/// What a plugin said about the call in hand on this thread.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) error: Option<String>,
    pub(super) config: Vec<(String, String)>,
}

/// Where messages go in a worker: to its host.
struct Forward {
    /// Up to this level of the contract.
    level: u32,
    send: Box<Send>,
}

/// Level, target, message, fields.
type Send = dyn Fn(u32, &str, &str, &str) + std::marker::Send + Sync;

static FORWARD: OnceLock<Forward> = OnceLock::new();

thread_local! {
    static SAID: RefCell<Said> = RefCell::default();
    static CANCEL: RefCell<Option<Cancel>> = const { RefCell::new(None) };
}

/// The host as plugins see it.
pub(super) static HOST: abi::Host = abi::Host {
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
};

impl Cancel {
    /// Asks the run to stop after the batches in hand.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What plugins ask on this thread is about the run of `cancel`, as long as the answer lives.
pub(crate) fn enter_run(cancel: &Cancel) -> InRun {
    CANCEL.set(Some(cancel.clone()));
    InRun
}

/// This thread works on a run; see [`enter_run`].
#[derive(Debug)]
pub(crate) struct InRun;

impl Drop for InRun {
    fn drop(&mut self) {
        CANCEL.set(None);
    }
}

/// Whether the run that this thread works on was asked to stop.
pub(super) fn is_cancelled() -> bool {
    CANCEL.with_borrow(|cancel| cancel.as_ref().is_some_and(Cancel::is_cancelled))
}

/// Makes a call into the stage of this name and gives back what the plugin said about it.
pub(super) fn listen<T>(stage: Str, call: impl FnOnce() -> T) -> (T, Said) {
    SAID.take();
    let result = calling("stage", stage, call);
    (result, SAID.take())
}

unsafe extern "C" fn set_error(_: *mut c_void, message: Str) {
    SAID.with_borrow_mut(|said| said.error = Some(lossy(message)));
}

unsafe extern "C" fn config_error(_: *mut c_void, pointer: Str, message: Str) {
    SAID.with_borrow_mut(|said| said.config.push((lossy(pointer), lossy(message))));
}

unsafe extern "C" fn cancelled(_: *mut c_void) -> i32 {
    i32::from(is_cancelled())
}

unsafe extern "C" fn extension(_: *mut c_void, name: Str) -> *const c_void {
    // SAFETY: the plugin keeps the contract: valid for this call.
    let name = unsafe { name.bytes() };
    if name == Some(abi::SEGMENTS.as_bytes()) {
        return (&raw const segments::SERVICE).cast();
    }
    ptr::null()
}

// The target of a `tracing` event is fixed where it is written, so the plugin's own goes into a field.
const TARGET: &str = "textmill::plugin";

unsafe extern "C" fn log_enabled(_: *mut c_void, level: u32, _: Str) -> i32 {
    i32::from(FORWARD.get().map_or_else(|| is_shown(level), |forward| level <= forward.level))
}

fn is_shown(level: u32) -> bool {
    match level {
        1 => tracing::enabled!(target: TARGET, tracing::Level::ERROR),
        2 => tracing::enabled!(target: TARGET, tracing::Level::WARN),
        3 => tracing::enabled!(target: TARGET, tracing::Level::INFO),
        4 => tracing::enabled!(target: TARGET, tracing::Level::DEBUG),
        _ => tracing::enabled!(target: TARGET, tracing::Level::TRACE),
    }
}

/// The highest level of the contract at which messages of plugins are shown; 0 if none is.
pub(super) fn shown_level() -> u32 {
    (1..=5).rev().find(|level| is_shown(*level)).unwrap_or(0)
}

/// Sends messages up to `level` to `send`, those of plugins and those of built-in stages, for the rest of this process.
pub(super) fn forward_events(
    level: u32,
    send: impl Fn(u32, &str, &str, &str) + std::marker::Send + Sync + 'static,
) {
    let first = FORWARD.set(Forward { level, send: Box::new(send) }).is_ok();
    assert!(first, "a worker has one host");
    textmill_stage::forward_events(&HOST);
}

unsafe extern "C" fn log(_: *mut c_void, level: u32, target: Str, message: Str, fields: Str) {
    tell(level, &lossy(target), &lossy(message), &lossy(fields));
}

/// Shows a message of a plugin.
pub(super) fn tell(level: u32, plugin: &str, message: &str, fields: &str) {
    if let Some(forward) = FORWARD.get() {
        return (forward.send)(level, plugin, message, fields);
    }
    match level {
        1 => tracing::error!(target: TARGET, plugin, fields, "{message}"),
        2 => tracing::warn!(target: TARGET, plugin, fields, "{message}"),
        3 => tracing::info!(target: TARGET, plugin, fields, "{message}"),
        4 => tracing::debug!(target: TARGET, plugin, fields, "{message}"),
        _ => tracing::trace!(target: TARGET, plugin, fields, "{message}"),
    }
}

/// In bytes. What is longer is no message for a person, and a length by mistake would read what is not there.
const LONGEST_MESSAGE: usize = 1 << 24;

/// A copy of what the plugin passed. A plugin may pass anything, so bytes that are no UTF-8 are replaced.
pub(super) fn lossy(text: Str) -> String {
    if text.len > LONGEST_MESSAGE {
        return format!("(a message of {} bytes)", text.len);
    }
    // SAFETY: the plugin keeps the contract: valid for this call.
    let bytes = unsafe { text.bytes() };
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}
