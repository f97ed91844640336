//! Standard output for documents alone.

use std::fs::File;
use std::io::{self, Write};
use std::sync::OnceLock;

static CLAIMED: OnceLock<File> = OnceLock::new();

/// Keeps standard output for what is written to `-`: what a library prints from here on goes to standard error. Call it
/// before a library is loaded.
///
/// # Errors
/// One of the two is closed; then all is as before.
#[cfg(unix)]
pub fn claim_stdout() -> io::Result<()> {
    if CLAIMED.get().is_none() {
        // No process that is started may hold a pipe open that only we write to.
        let ours = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
        rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
        _ = CLAIMED.set(File::from(ours));
    }
    Ok(())
}

/// Nothing: it takes descriptors to keep it apart.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn claim_stdout() -> io::Result<()> {
    Ok(())
}

/// Where what was asked for on standard output goes, documents above all.
///
/// # Errors
/// The system gives no second descriptor for it.
pub fn stdout() -> io::Result<Box<dyn Write + Send>> {
    match CLAIMED.get() {
        Some(file) => Ok(Box::new(file.try_clone()?)),
        None => Ok(Box::new(io::stdout())),
    }
}
