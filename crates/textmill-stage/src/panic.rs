//! Catches panics and keeps their message and place, without a word on stderr.
//!
//! The place of a panic is known to the panic hook only, so one is installed that stands aside unless the thread is
//! inside of [`catch`]. Each library has its own copy of the hook.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `body`; if it panics, says with what message and where.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outer = take_hook();
        set_hook(Box::new(move |info| if CATCHING.get() { keep(info) } else { outer(info) }));
    });
    let before = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(body));
    CATCHING.set(before);
    result.map_err(|payload| {
        // Dropping a payload may panic too; a leak of a few bytes is better.
        std::mem::forget(payload);
        CAUGHT.take().unwrap_or_else(|| "panicked".to_owned())
    })
}

fn keep(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("no message");
    let place =
        info.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    CAUGHT.set(Some(format!("panicked: {message}{place}")));
}
