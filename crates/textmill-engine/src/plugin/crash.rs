//! A plugin that crashes in the process of textmill, which ends with it: who did it is said, and the process ends by the
//! signal all the same.
//!
//! A handler of signals may do next to nothing: what it writes lies ready, and it writes it by `write`. What it knows of
//! the crash is which call of this thread has not returned; if it is in none it says nothing. Either way it puts back what
//! was there before, which is often the handler by which Rust tells of a stack overflow, and lets the signal come again.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use super::exit::callee;

/// The signals by which a mistake in a program ends it.
const SIGNALS: [(c_int, &str); 5] = [
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGABRT, "SIGABRT"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGILL, "SIGILL"),
];

/// What is said, and what was there before.
struct Ready {
    before: String,
    after: String,
    actions: [libc::sigaction; SIGNALS.len()],
}

static READY: OnceLock<Ready> = OnceLock::new();

/// From here on a crash of a plugin in this process is told of on stderr: `before`, "the stage `x` crashed (SIGSEGV)", and
/// `after`. The process ends as it would have without this.
pub fn tell_of_crashes(before: String, after: String) {
    // SAFETY: an action is plain data.
    let mut actions: [libc::sigaction; SIGNALS.len()] = unsafe { std::mem::zeroed() };
    for (action, (signal, _)) in actions.iter_mut().zip(SIGNALS) {
        // SAFETY: nothing is changed, and there is a place for what is asked for.
        unsafe { libc::sigaction(signal, ptr::null(), action) };
    }
    if READY.set(Ready { before, after, actions }).is_err() {
        return;
    }
    // SAFETY: as above.
    let mut ours: libc::sigaction = unsafe { std::mem::zeroed() };
    ours.sa_sigaction = on_crash as *const () as usize;
    // Where the stack has overflowed there is no room on it; Rust gives every thread another one for this.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    for (signal, _) in SIGNALS {
        // SAFETY: the handler takes what `SA_SIGINFO` says, and does what a handler may.
        unsafe { libc::sigaction(signal, &raw const ours, ptr::null_mut()) };
    }
}

extern "C" fn on_crash(signal: c_int, info: *const libc::siginfo_t, _: *const c_void) {
    let Some(ready) = READY.get() else { return };
    for (action, (signal, _)) in ready.actions.iter().zip(SIGNALS) {
        // SAFETY: what was there before.
        unsafe { libc::sigaction(signal, action, ptr::null_mut()) };
    }
    if let Some((kind, name)) = callee() {
        let known = SIGNALS.iter().find(|(known, _)| *known == signal);
        let signal = known.map_or("a signal", |(_, name)| name);
        for part in [&ready.before, "the ", kind, " `"] {
            write(part.as_bytes());
        }
        write(name);
        for part in ["` crashed (", signal, ")", &ready.after] {
            write(part.as_bytes());
        }
    }
    // What a machine instruction raised it raises again; what was sent has to be sent again.
    // SAFETY: the system describes the signal.
    if unsafe { (*info).si_code } <= 0 {
        // SAFETY: no more than a signal, held back until this handler has returned.
        unsafe { libc::raise(signal) };
    }
}

fn write(bytes: &[u8]) {
    // SAFETY: as many bytes as there are. Nothing can be done about an error.
    unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
}
