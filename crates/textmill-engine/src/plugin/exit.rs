//! A plugin that ends the process with `exit`, which would be the end of a run with whatever exit code the plugin chose.
//!
//! The C library asks what it was told to ask at each `exit`, on the thread that called it. So whoever picks exit codes
//! says, as long as no end is due, with which code this one is. `_exit` asks nobody: what it costs is bounded
//! by `isolation` alone, and so is what a signal costs, which [`super::crash`] at least tells of.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex, Once, PoisonError};

use textmill_abi::Str;

/// Is told who ended the process, if that can be known, and says with which exit code it ends.
type Answer = dyn Fn(Option<&str>) -> i32 + Send + Sync;

static ANSWER: Mutex<Option<Arc<Answer>>> = Mutex::new(None);

thread_local! {
    /// What this thread is calling: a kind of thing, and its name.
    static CALLED: Cell<Option<(&'static str, Str)>> = const { Cell::new(None) };
}

/// No end of the process is due as long as this lives; see [`forbid_exit`].
#[must_use = "an end is forbidden only as long as this lives"]
pub struct NoExit(());

/// Until the answer is dropped, `exit` on any thread ends the process with the code that `answer` says. It is told who did
/// it, as a person would say it, where a plugin was being called.
pub fn forbid_exit(answer: impl Fn(Option<&str>) -> i32 + Send + Sync + 'static) -> NoExit {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: `at_exit` stays where it is, and takes and gives what `atexit` asks for.
        if unsafe { libc::atexit(at_exit) } != 0 {
            tracing::warn!("a plugin that ends the process will not be noticed: `atexit` failed");
        }
    });
    set(Some(Arc::new(answer)));
    NoExit(())
}

/// Ends the process, forbidden or not.
pub fn exit(code: i32) -> ! {
    set(None);
    std::process::exit(code)
}

/// Makes a call into a plugin: into the stage, or into the library, of this name.
pub(super) fn calling<T>(kind: &'static str, name: Str, call: impl FnOnce() -> T) -> T {
    let _returned = Returned(CALLED.replace(Some((kind, name))));
    call()
}

/// What was called before the call that ends with this.
struct Returned(Option<(&'static str, Str)>);

impl Drop for Returned {
    fn drop(&mut self) {
        CALLED.set(self.0);
    }
}

impl Drop for NoExit {
    fn drop(&mut self) {
        set(None);
    }
}

impl fmt::Debug for NoExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoExit")
    }
}

fn set(answer: Option<Arc<Answer>>) {
    *ANSWER.lock().unwrap_or_else(PoisonError::into_inner) = answer;
}

extern "C" fn at_exit() {
    let answer = ANSWER.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(answer) = answer else { return };
    let code = answer(called().as_deref());
    // SAFETY: nothing of this process is needed any more.
    unsafe { libc::_exit(code) }
}

/// What this thread is calling, as a person would say it.
fn called() -> Option<String> {
    let (kind, name) = callee()?;
    Some(format!("the {kind} `{}`", String::from_utf8_lossy(name)))
}

/// What this thread is calling: a kind of thing, and its name, which stays where it is until the call returns. Neither takes
/// memory nor waits, so that a handler of signals may ask.
pub(super) fn callee<'call>() -> Option<(&'static str, &'call [u8])> {
    let (kind, name) = CALLED.try_with(Cell::get).ok()??;
    // SAFETY: the call has not returned, so its name is where it was.
    let name = unsafe { name.bytes() }?;
    Some((kind, name))
}
