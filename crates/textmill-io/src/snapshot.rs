//! A file as it was when it was read: its bytes and their hash, which cannot come apart.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::step::step;
use crate::{Error, Result};

/// The bytes of a file at one moment, and what they hash to.
///
/// Whoever checks the hash and then uses the bytes cannot be given others in between, as whoever opens the path again can.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    path: PathBuf,
    bytes: Vec<u8>,
    sha256: String,
}

impl Snapshot {
    /// Reads a file, once.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let bytes = fs::read(&path).map_err(|error| Error::io(&path, "cannot read the file", error))?;
        Ok(Self::of(path, bytes))
    }

    /// Bytes that somebody else has read from a file.
    pub fn of(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        Self { path: path.into(), sha256: sha256(&bytes), bytes }
    }

    /// The file, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was in it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The SHA-256 of the bytes, in lower-case hexadecimal, as `sha256sum` prints it.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

impl Snapshot {
    /// A path at which the system's loader of libraries finds these very bytes for as long as the process lives, whatever
    /// becomes of the file.
    ///
    /// On Linux it leads to memory that is sealed: nobody can write it any more, this process included. Elsewhere it is a
    /// copy in a new folder that only this user can open, which is the best that those systems offer: the loader takes
    /// nothing but paths. Either way a library that looks for others beside itself (`$ORIGIN`) does not find them.
    ///
    /// # Errors
    /// If the system has no room, or forbids code in such memory.
    pub fn loadable(&self) -> Result<PathBuf> {
        let error = |error| Error::io(&self.path, "cannot be held in memory to be loaded", error);
        keep(&self.bytes).map_err(error)
    }
}

#[cfg(target_os = "linux")]
fn keep(bytes: &[u8]) -> io::Result<PathBuf> {
    use std::io::Write as _;
    use std::os::fd::{AsRawFd as _, IntoRawFd as _};

    use rustix::fs::{SealFlags, fcntl_add_seals};

    let mut file = fs::File::from(memory()?);
    file.write_all(bytes)?;
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    // Never closed: the loader knows libraries by their paths, and would take the next file of this number for this one.
    let _ = file.into_raw_fd();
    Ok(path.into())
}

/// Memory that can be sealed, and executed, which systems that forbid it by default must be told.
#[cfg(target_os = "linux")]
fn memory() -> io::Result<std::os::fd::OwnedFd> {
    use rustix::fs::{MemfdFlags, memfd_create};

    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know `EXEC`.
    let memory = memfd_create("plugin", flags | MemfdFlags::EXEC).or_else(|_| memfd_create("plugin", flags));
    Ok(memory?)
}

#[cfg(not(target_os = "linux"))]
fn keep(bytes: &[u8]) -> io::Result<PathBuf> {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("textmill-{}-{number}", std::process::id()));
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    // Fails where somebody has made it already.
    builder.create(&folder)?;
    let path = folder.join(format!("plugin{}", std::env::consts::DLL_SUFFIX));
    fs::File::create_new(&path)?.write_all(bytes)?;
    Ok(path)
}

/// Puts a file there, whole or not at all, in the place of one of the same name.
///
/// # Errors
/// If it cannot be written.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;

    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let error = |error| Error::io(path, "cannot write the file", error);
    let written = step("create", &beside)
        .and_then(|()| fs::File::create(&beside))
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| step("rename to", path))
        .and_then(|()| fs::rename(&beside, path));
    // Of a write that failed nothing should be left; where that fails too, the first error is the one to tell.
    written.inspect_err(|_| _ = fs::remove_file(&beside)).map_err(error)
}

/// The SHA-256 of a file, without having all of it in memory.
///
/// # Errors
/// If it cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<String> {
    use std::io::Read as _;

    let failed = |error| Error::io(path, "cannot read the file", error);
    let mut file = fs::File::open(path).map_err(failed)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(data_encoding::HEXLOWER.encode(&hash.finalize())),
            count => hash.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

/// The SHA-256 of bytes, in lower-case hexadecimal, as `sha256sum` prints it.
pub fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({}, {} bytes, {})", self.path.display(), self.bytes.len(), self.sha256)
    }
}
