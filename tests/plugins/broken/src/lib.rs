//! A library that breaks the contract of plugins in the way that the variable `TEXTMILL_TEST_BROKEN` says, so that the
//! black-box tests can see it refused.

use std::ffi::c_void;
use std::mem::offset_of;

use textmill_abi::{ABI_MAJOR, ABI_MINOR, DRAFT, Host, MAGIC, Plugin, Stage, Str};

/// The entry, which answers with what is no plugin of this version.
///
/// # Safety
/// None is needed: it does not look at the host.
#[expect(unsafe_code, reason = "the entry of a plugin")]
#[unsafe(no_mangle)]
pub extern "C" fn textmill_plugin_v1(_host: *const Host) -> *const Plugin {
    let how = std::env::var("TEXTMILL_TEST_BROKEN").unwrap_or_default();
    if how == "abort" {
        std::process::abort();
    }
    let mut plugin = whole();
    match how.as_str() {
        "magic" => plugin.magic = 0,
        "size" => plugin.size = size_of::<*const c_void>(),
        "draft" => plugin.draft = DRAFT + 1,
        "minor" => plugin.abi_minor = ABI_MINOR + 1,
        "reserved" => plugin.reserved = 1,
        "many" => plugin.n_stages = usize::MAX,
        "function" => plugin.stages = Box::leak(Box::new([without_worker_new()])).as_ptr(),
        "stage" => plugin.stages = Box::leak(Box::new([std::ptr::null::<Stage>()])).as_ptr(),
        _ => return std::ptr::null(),
    }
    Box::leak(Box::new(plugin))
}

/// A plugin that says it has one stage.
fn whole() -> Plugin {
    Plugin {
        magic: MAGIC,
        size: size_of::<Plugin>(),
        abi_major: ABI_MAJOR,
        abi_minor: ABI_MINOR,
        draft: DRAFT,
        reserved: 0,
        name: Str::new(b"broken"),
        version: Str::new(b"0.0.0"),
        license: Str::new(b"MIT"),
        build_info: Str::ABSENT,
        stages: std::ptr::null(),
        n_stages: 1,
    }
}

/// A stage as large as it must be, all of whose functions but one are there. It is never called.
fn without_worker_new() -> *const Stage {
    let words: &mut [usize] = vec![1; size_of::<Stage>() / size_of::<usize>()].leak();
    words[0] = size_of::<Stage>();
    words[offset_of!(Stage, worker_new) / size_of::<usize>()] = 0;
    words.as_ptr().cast()
}
