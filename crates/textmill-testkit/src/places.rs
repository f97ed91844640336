//! Where things are.

use std::path::{Path, PathBuf};

/// The root of the workspace.
///
/// # Panics
/// If this crate has been moved out of it.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate lies in `crates/`")
}

/// A file or folder of the measuring data beside the checkout (or where `TEXTMILL_SHARED` says). Where it is absent the
/// test is skipped, and says so.
#[expect(clippy::print_stderr, reason = "the output of a test")]
pub fn shared(path: &str) -> Option<PathBuf> {
    let beside = || workspace().join("../shared");
    let found = std::env::var_os("TEXTMILL_SHARED").map_or_else(beside, PathBuf::from).join(path);
    if !found.exists() {
        eprintln!("skipped: `{}` is not there", found.display());
        return None;
    }
    Some(found)
}

/// What cargo calls the library of a `cdylib` crate on this system.
pub fn file_of_library(crate_name: &str) -> String {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    format!("{DLL_PREFIX}{}{DLL_SUFFIX}", crate_name.replace('-', "_"))
}

/// The library that cargo built of a `cdylib` crate, for a test of the profile that `binary` was built with.
///
/// # Panics
/// If it is not there: the crate must be a dev-dependency of the test's crate.
pub fn built_library(binary: &Path, crate_name: &str) -> PathBuf {
    let name = file_of_library(crate_name);
    let folder = binary.parent().expect("a binary lies in a folder");
    let places = [folder.join("deps").join(&name), folder.join(&name)];
    let found = places.iter().find(|place| place.exists());
    found.unwrap_or_else(|| panic!("`{name}` is not built in `{}`", folder.display())).clone()
}
