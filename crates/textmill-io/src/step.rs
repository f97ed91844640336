//! The steps by which an output comes to be, so that a run can be made to end at each of them.
//!
//! [`step`] stands before each operation on the files of an output and of its hidden folder. `cargo xtask faults` lets a run
//! list the steps that it takes, then ends one run after the other at each of them, or lets the step fail, and looks at what
//! is there and at what the next run makes of it. So whoever adds an operation has it tested by naming it.
//!
//! - `TEXTMILL_STEPS=FILE` appends the name of each step to the file;
//! - `TEXTMILL_FAIL_AT=17` ends the process before the 17th step as `kill -9` would, and `TEXTMILL_FAIL_AT=17:28` lets that
//!   step fail with the error 28 of the system.
//!
//! Only builds with debug assertions ask: in a release, [`step`] is nothing. A cargo feature would mean a second build of the
//! program for the tests, and a release that has it wherever features are unified. The crate `fail` knows points by name
//! alone, so that each would have to be listed and counted elsewhere; it cannot end a process at once; and it brings `rand`.

use std::io;
use std::path::Path;

/// Comes before the operation `name` on the file `path`.
///
/// # Errors
/// If it was asked to fail here.
#[cfg(debug_assertions)]
pub(crate) fn step(name: &str, path: &Path) -> io::Result<()> {
    asked::ASKED.as_ref().map_or(Ok(()), |asked| asked.arrive(name, path))
}

/// Nothing: see the [module](self).
#[cfg(not(debug_assertions))]
#[inline]
#[expect(clippy::unnecessary_wraps, reason = "with debug assertions it can fail")]
pub(crate) fn step(_: &str, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(debug_assertions)]
mod asked {
    use std::env;
    use std::fs::File;
    use std::io::{self, Write as _};
    use std::path::Path;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// What the environment asks for; `None` for nothing.
    pub(super) static ASKED: LazyLock<Option<Asked>> = LazyLock::new(Asked::from_environment);

    pub(super) struct Asked {
        list: Option<File>,
        fault: Option<Fault>,
        arrived: AtomicU64,
    }

    struct Fault {
        at: u64,
        /// The error of the system; `None` for the end of the process.
        error: Option<i32>,
    }

    impl Asked {
        fn from_environment() -> Option<Self> {
            let list = env::var_os("TEXTMILL_STEPS")
                .and_then(|path| File::options().create(true).append(true).open(path).ok());
            let fault = env::var("TEXTMILL_FAIL_AT").ok().and_then(|text| Fault::parse(&text));
            let is_asked = list.is_some() || fault.is_some();
            is_asked.then(|| Self { list, fault, arrived: AtomicU64::new(0) })
        }

        pub(super) fn arrive(&self, name: &str, path: &Path) -> io::Result<()> {
            let number = self.arrived.fetch_add(1, Ordering::Relaxed) + 1;
            if let Some(mut list) = self.list.as_ref() {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                list.write_all(format!("{name} {file}\n").as_bytes())?;
            }
            match &self.fault {
                Some(Fault { at, error: Some(error) }) if *at == number => {
                    Err(io::Error::from_raw_os_error(*error))
                }
                Some(Fault { at, error: None }) if *at == number => end(),
                _ => Ok(()),
            }
        }
    }

    impl Fault {
        fn parse(text: &str) -> Option<Self> {
            let (at, error) = text.split_once(':').map_or((text, None), |(at, error)| (at, Some(error)));
            let error = error.map(|error| error.parse().ok());
            Some(Self { at: at.parse().ok()?, error: error.unwrap_or(None) })
        }
    }

    /// Ends the process; no destructor runs, and no other thread gets on.
    fn end() -> ! {
        #[cfg(unix)]
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort()
    }
}
