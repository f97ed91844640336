//! What a library exports, read from its file: nothing of it runs.

use std::path::Path;

use object::Object as _;
use object::read::NameOrOrdinal;

/// The names that a library exports, sorted.
///
/// # Errors
/// If it is no library.
pub(crate) fn exported(path: &Path) -> Result<Vec<String>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let file = object::File::parse(&*bytes).map_err(|error| error.to_string())?;
    let exports = file.exports().map_err(|error| error.to_string())?;
    // A system that puts an underscore before names of C does so to every name.
    let underscore = if file.format() == object::BinaryFormat::MachO { "_" } else { "" };
    let mut names = Vec::new();
    for export in exports {
        let export = export.map_err(|error| error.to_string())?;
        names.push(match export.name() {
            NameOrOrdinal::Name(name) => {
                let name = String::from_utf8_lossy(name).into_owned();
                name.strip_prefix(underscore).map_or(name.clone(), str::to_owned)
            }
            NameOrOrdinal::Ordinal(number) => format!("number {number}"),
        });
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// Whether a name belongs to the runtime of a language, which its compiler exports whether one wants it or not.
pub(crate) fn is_of_a_runtime(name: &str) -> bool {
    const NAMES: &[&str] = &[
        // The linker's and the start-up files' of C.
        "_init",
        "_fini",
        "_edata",
        "_end",
        "__bss_start",
        "__bss_start__",
        "_bss_end__",
        "__bss_end__",
        "__end__",
        // Rust's.
        "rust_eh_personality",
        "__rust_probestack",
        // Go's.
        "crosscall2",
        "crosscall_386",
        "crosscall_amd64",
    ];
    const PREFIXES: &[&str] = &[
        // Go's.
        "_cgo_",
        "x_cgo_",
        "__cgo",
        "cgo_",
        // Inlined parts of the standard library of C++, as they are mangled by GCC and Clang.
        "_ZNSt",
        "_ZNKSt",
        "_ZNRSt",
        "_ZNKRSt",
        "_ZNOSt",
        "_ZNKOSt",
        "_ZNSa",
        "_ZNKSa",
        "_ZSt",
        "_ZTVSt",
        "_ZTVNSt",
        "_ZTISt",
        "_ZTINSt",
        "_ZTSSt",
        "_ZTSNSt",
        "_ZN9__gnu_cxx",
        "_ZNK9__gnu_cxx",
        "_ZZN9__gnu_cxx",
        "_ZnwmPv",
        "_ZnamPv",
        "_ZdlPvS_",
        "_ZdaPvS_",
        "_ZZNSt",
        "_ZGVNSt",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
