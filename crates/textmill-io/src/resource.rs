//! Files that an option of a stage names.

use std::path::Path;

use crate::{Error, Result};

/// The bytes of a file that an option of a stage names.
///
/// # Errors
/// If it cannot be read.
pub fn read_resource(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::io(path, "cannot read the file", error))
}
