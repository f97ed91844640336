//! The header and its Rust mirror say the same: every struct's size, and every field's offset and size.
//!
//! Rust's numbers are written into a C file as static assertions, which a C11 and a C++17 compiler must accept.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use textmill_abi as abi;

const STRING: &str = "a string takes all that is written";

/// Assertions for one struct: its C name, its Rust type, and its fields (C name where it differs from Rust's).
macro_rules! layout {
    ($out:ident, $c:literal, $rust:ty { $($field:ident $(as $alias:literal)?),* }) => {
        writeln!($out, "ASSERT(sizeof({0}) == {1}, \"size of {0}\");", $c, size_of::<$rust>()).expect(STRING);
        $(
            let name = [$($alias,)? stringify!($field)][0];
            let (offset, size) = (std::mem::offset_of!($rust, $field), size_of_field(|it: &$rust| &it.$field));
            writeln!($out, "ASSERT(offsetof({0}, {name}) == {offset}, \"offset of {0}.{name}\");", $c).expect(STRING);
            writeln!($out, "ASSERT(sizeof((({0} *)0)->{name}) == {size}, \"size of {0}.{name}\");", $c).expect(STRING);
        )*
        let fields: usize = [$(size_of_field(|it: &$rust| &it.$field)),*].iter().sum();
        assert_eq!(fields, size_of::<$rust>(), "all fields of {} are listed and none is padded", $c);
    };
}

fn size_of_field<T, F>(_: impl Fn(&T) -> &F) -> usize {
    size_of::<F>()
}

fn assertions() -> String {
    let mut out = String::new();
    layout!(out, "tm_str", abi::Str { ptr, len });
    layout!(out, "tm_column", abi::Column { name, kind as "type", reserved });
    layout!(out, "tm_rule", abi::Rule { name, summary, kind, reserved });
    layout!(out, "tm_resource", abi::Resource { path, bytes });
    layout!(
        out,
        "tm_host",
        abi::Host {
            size,
            abi_major,
            abi_minor,
            draft,
            reserved,
            ctx,
            set_error,
            config_error,
            log_enabled,
            log,
            cancelled,
            extension
        }
    );
    layout!(out, "tm_batch", abi::Batch { size, n_docs, n_cols, cols });
    layout!(out, "tm_edit", abi::Edit { start, end, replacement, rule, reserved });
    layout!(out, "tm_sink", abi::Sink { size, ctx, drop, edit, rewrite, set, emit, score, fail });
    layout!(out, "tm_plan", abi::Plan { size, may, reads, n_reads, writes, n_writes, rules, n_rules });
    layout!(
        out,
        "tm_stage",
        abi::Stage {
            size,
            name,
            summary,
            manual,
            may,
            config_schema,
            open,
            describe,
            close,
            worker_new,
            worker_free,
            process
        }
    );
    layout!(
        out,
        "tm_plugin",
        abi::Plugin {
            magic,
            size,
            abi_major,
            abi_minor,
            draft,
            reserved,
            name,
            version,
            license,
            build_info,
            stages,
            n_stages
        }
    );
    let constants = [
        ("TM_ABI_MAJOR", u64::from(abi::ABI_MAJOR)),
        ("TM_ABI_MINOR", u64::from(abi::ABI_MINOR)),
        ("TM_DRAFT", u64::from(abi::DRAFT)),
        ("TM_MAGIC", abi::MAGIC),
        ("TM_OK", abi::OK.unsigned_abs().into()),
        ("TM_E_CONFIG", abi::E_CONFIG.unsigned_abs().into()),
        ("TM_E_DOCUMENT", abi::E_DOCUMENT.unsigned_abs().into()),
        ("TM_E_FATAL", abi::E_FATAL.unsigned_abs().into()),
        ("TM_E_PANIC", abi::E_PANIC.unsigned_abs().into()),
        ("TM_E_UNSUPPORTED", abi::E_UNSUPPORTED.unsigned_abs().into()),
        ("TM_E_CANCELLED", abi::E_CANCELLED.unsigned_abs().into()),
        ("TM_MAP", abi::MAP),
        ("TM_FILTER", abi::FILTER),
        ("TM_EXPAND", abi::EXPAND),
        ("TM_ONLY_DELETES", abi::ONLY_DELETES),
        ("TM_PURE", abi::PURE),
        ("TM_IDEMPOTENT", abi::IDEMPOTENT),
        ("TM_NETWORK", abi::NETWORK),
        ("TM_TEXT", abi::TEXT.into()),
        ("TM_BOOL", abi::BOOL.into()),
        ("TM_INT", abi::INT.into()),
        ("TM_FLOAT", abi::FLOAT.into()),
        ("TM_TEXTS", abi::TEXTS.into()),
        ("TM_JSON", abi::JSON.into()),
        ("TM_RULE_DELETES", abi::RULE_DELETES.into()),
        ("TM_RULE_REWRITES", abi::RULE_REWRITES.into()),
        ("TM_RULE_DROPS", abi::RULE_DROPS.into()),
    ];
    for (name, value) in constants {
        writeln!(out, "ASSERT({name} == {value}u, \"value of {name}\");").expect(STRING);
    }
    out
}

/// Compiles `source` and says what the compiler said, empty if it accepted everything.
fn compile(compiler: &str, standard: &str, file: &str, source: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(file);
    std::fs::write(&path, source).expect("cargo's folder for tests can be written");
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let output = Command::new(compiler)
        .args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I"])
        .args([&include, &path])
        .output()
        .unwrap_or_else(|error| panic!("a C compiler is needed to check the header: `{compiler}`: {error}"));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn check(compiler: &str, standard: &str, file: &str, assert: &str) {
    let source =
        |body: &str| format!("#include <textmill_plugin.h>\n#define ASSERT(x, m) {assert}(x, m)\n{body}\n");
    assert_eq!(compile(compiler, standard, file, &source(&assertions())), "", "{compiler} {standard}");
    let wrong = compile(compiler, standard, file, &source("ASSERT(sizeof(tm_str) == 1, \"a wrong size\");"));
    assert!(wrong.contains("a wrong size"), "a wrong size must be noticed: {wrong}");
}

#[test]
fn the_header_is_c11_and_equals_the_mirror() {
    check("cc", "-std=c11", "layout.c", "_Static_assert");
}

#[test]
fn the_header_is_cpp17_and_equals_the_mirror() {
    check("c++", "-std=c++17", "layout.cpp", "static_assert");
}
