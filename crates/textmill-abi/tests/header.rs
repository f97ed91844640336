//! The contract holds still: the header and its Rust mirror say the same, and both say what they said.
//!
//! Rust's types and numbers are written into a C file as static assertions, which a C11 and a C++17 compiler must accept:
//! every struct's size, every field's offset and type (so the order of functions, and what each takes and gives), every
//! constant. The same facts are compared with `contract.txt`. What that file may ever change in is written in
//! `STABILITY.md`; it is written anew with `TEXTMILL_UPDATE=1`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use textmill_abi as abi;

const STRING: &str = "a string takes all that is written";

/// A struct of the contract: its C name, its layout, its fields.
struct Struct {
    name: &'static str,
    size: usize,
    align: usize,
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    offset: usize,
    size: usize,
    /// As C writes it.
    kind: String,
}

/// A [`Struct`]: its C name, its Rust type, and its fields (C name where it differs from Rust's).
macro_rules! layout {
    ($c:literal, $rust:ty { $($field:ident $(as $alias:literal)?),* $(,)? }) => {{
        let fields = vec![$(Field {
            name: [$($alias,)? stringify!($field)][0],
            offset: std::mem::offset_of!($rust, $field),
            size: size_of_field(|it: &$rust| &it.$field),
            kind: c_type(type_of_field(|it: &$rust| &it.$field)),
        }),*];
        let sum: usize = fields.iter().map(|field| field.size).sum();
        assert_eq!(sum, size_of::<$rust>(), "all fields of {} are listed and none is padded", $c);
        Struct { name: $c, size: size_of::<$rust>(), align: align_of::<$rust>(), fields }
    }};
}

fn size_of_field<T, F>(_: impl Fn(&T) -> &F) -> usize {
    size_of::<F>()
}

fn type_of_field<T, F>(_: impl Fn(&T) -> &F) -> &'static str {
    std::any::type_name::<F>()
}

/// What C calls a type of the mirror.
fn c_type(rust: &str) -> String {
    if let Some(pointed) = rust.strip_prefix("*const ") {
        return format!("{} const *", c_type(pointed));
    }
    if let Some(pointed) = rust.strip_prefix("*mut ") {
        return format!("{} *", c_type(pointed));
    }
    if let Some(function) = rust.strip_prefix("unsafe extern \"C\" fn(") {
        let (arguments, result) = function.split_once(')').expect("no function takes a function");
        let result = result.strip_prefix(" -> ").map_or_else(|| "void".to_owned(), c_type);
        let arguments: Vec<_> = arguments.split(", ").map(c_type).collect();
        return format!("{result} (*)({})", arguments.join(", "));
    }
    let name = match rust.rsplit("::").next().unwrap_or(rust) {
        "c_void" => "void",
        "usize" => "size_t",
        "u8" => "uint8_t",
        "u32" => "uint32_t",
        "u64" => "uint64_t",
        "i32" => "int32_t",
        "f64" => "double",
        "SegmentsService" => "tm_segments_service",
        ours => return format!("tm_{}", ours.to_lowercase()),
    };
    name.to_owned()
}

fn structs() -> Vec<Struct> {
    vec![
        layout!("tm_str", abi::Str { ptr, len }),
        layout!("tm_column", abi::Column { name, kind as "type", reserved }),
        layout!("tm_rule", abi::Rule { name, summary, kind, reserved }),
        layout!("tm_resource", abi::Resource { json_pointer, path, bytes }),
        layout!(
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
        ),
        layout!("tm_batch", abi::Batch { size, n_docs, n_cols, cols, ctx }),
        layout!("tm_edit", abi::Edit { start, end, replacement, rule, reserved }),
        layout!("tm_sink", abi::Sink { size, ctx, drop, edit, rewrite, set, emit, score, fail }),
        layout!("tm_plan", abi::Plan { size, may, reads, n_reads, writes, n_writes, rules, n_rules }),
        layout!(
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
        ),
        layout!(
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
        ),
        layout!("tm_segment", abi::Segment { start, end, flags }),
        layout!("tm_segments", abi::Segments { ptr, len }),
        layout!("tm_segments_service", abi::SegmentsService { size, lines, sentences, words }),
    ]
}

fn constants() -> Vec<(&'static str, u64)> {
    use abi::Growing;
    let mut constants = vec![
        ("TM_ABI_MAJOR", abi::ABI_MAJOR.into()),
        ("TM_ABI_MINOR", abi::ABI_MINOR.into()),
        ("TM_DRAFT", abi::DRAFT.into()),
        ("TM_MAGIC", abi::MAGIC),
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
        ("TM_ERROR", abi::ERROR.into()),
        ("TM_WARN", abi::WARN.into()),
        ("TM_INFO", abi::INFO.into()),
        ("TM_DEBUG", abi::DEBUG.into()),
        ("TM_TRACE", abi::TRACE.into()),
        ("TM_WORD_UNSPACED", abi::WORD_UNSPACED.into()),
    ];
    let statuses = [
        ("TM_OK", abi::OK),
        ("TM_E_CONFIG", abi::E_CONFIG),
        ("TM_E_DOCUMENT", abi::E_DOCUMENT),
        ("TM_E_FATAL", abi::E_FATAL),
        ("TM_E_PANIC", abi::E_PANIC),
        ("TM_E_UNSUPPORTED", abi::E_UNSUPPORTED),
        ("TM_E_CANCELLED", abi::E_CANCELLED),
    ];
    constants.extend(statuses.map(|(name, value)| (name, value.unsigned_abs().into())));
    let sizes = [
        ("TM_HOST_SIZE_1_0", abi::Host::SIZE_1_0),
        ("TM_BATCH_SIZE_1_0", abi::Batch::SIZE_1_0),
        ("TM_SINK_SIZE_1_0", abi::Sink::SIZE_1_0),
        ("TM_PLAN_SIZE_1_0", abi::Plan::SIZE_1_0),
        ("TM_STAGE_SIZE_1_0", abi::Stage::SIZE_1_0),
        ("TM_PLUGIN_SIZE_1_0", abi::Plugin::SIZE_1_0),
        ("TM_SEGMENTS_SERVICE_SIZE_1_0", abi::SegmentsService::SIZE_1_0),
    ];
    constants.extend(sizes.map(|(name, size)| (name, size as u64)));
    constants
}

/// The contract as static assertions about the header.
fn assertions() -> String {
    let mut out = String::new();
    for Struct { name: c, size, align, fields } in structs() {
        writeln!(out, "ASSERT(sizeof({c}) == {size}, \"size of {c}\");").expect(STRING);
        writeln!(out, "ASSERT(ALIGN({c}) == {align}, \"alignment of {c}\");").expect(STRING);
        for Field { name, offset, kind, .. } in fields {
            writeln!(out, "ASSERT(offsetof({c}, {name}) == {offset}, \"offset of {c}.{name}\");")
                .expect(STRING);
            writeln!(out, "ASSERT(IS({c}, {name}, {kind}), \"type of {c}.{name}\");").expect(STRING);
        }
    }
    for (name, value) in constants() {
        writeln!(out, "ASSERT({name} == {value}u, \"value of {name}\");").expect(STRING);
    }
    let names = [("TM_SEGMENTS", abi::SEGMENTS)];
    for (name, value) in names {
        writeln!(out, "ASSERT(sizeof({name}) == sizeof(\"{value}\"), \"length of {name}\");").expect(STRING);
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

fn check(compiler: &str, standard: &str, file: &str, head: &str) {
    let source = |body: &str| format!("#include <textmill_plugin.h>\n{head}\n{body}\n");
    assert_eq!(compile(compiler, standard, file, &source(&assertions())), "", "{compiler} {standard}");
    for (wrong, part) in [
        ("ASSERT(sizeof(tm_str) == 1, \"a wrong size\");", "a wrong size"),
        ("ASSERT(IS(tm_sink, drop, int32_t (*)(void *, size_t)), \"a wrong type\");", "a wrong type"),
    ] {
        let said = compile(compiler, standard, file, &source(wrong));
        assert!(said.contains(part), "{part} must be noticed: {said}");
    }
}

#[test]
fn the_header_is_c11_and_equals_the_mirror() {
    let head = "#define ASSERT _Static_assert\n#define ALIGN _Alignof\n\
        #define IS(type, field, ...) _Generic(((type *)0)->field, __VA_ARGS__: 1, default: 0)";
    check("cc", "-std=c11", "layout.c", head);
}

#[test]
fn the_header_is_cpp17_and_equals_the_mirror() {
    let head = "#include <type_traits>\n#define ASSERT static_assert\n#define ALIGN alignof\n\
        #define IS(type, field, ...) (std::is_same_v<decltype(type::field), __VA_ARGS__>)";
    check("c++", "-std=c++17", "layout.cpp", head);
}

/// The contract as lines to compare. The numbers are those of machines with pointers of 64 bits.
#[cfg(target_pointer_width = "64")]
fn contract() -> String {
    let mut out = String::from(
        "The layout of the contract on machines with pointers of 64 bits: written by tests/header.rs, and read by it.\n\
        What may change here: STABILITY.md.\n",
    );
    for Struct { name, size, align, fields } in structs() {
        writeln!(out, "\n{name}: {size} bytes, aligned to {align}").expect(STRING);
        for Field { name, offset, size, kind } in fields {
            writeln!(out, "{offset:5} {size:3}  {name}: {kind}").expect(STRING);
        }
    }
    out.push('\n');
    for (name, value) in constants() {
        writeln!(out, "{name} = {value}").expect(STRING);
    }
    writeln!(out, "TM_SEGMENTS = {}\nentry = {}", abi::SEGMENTS, abi::ENTRY).expect(STRING);
    out
}

#[test]
#[cfg(target_pointer_width = "64")]
fn the_contract_is_what_it_was() {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("contract.txt");
    if std::env::var_os("TEXTMILL_UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, contract()).expect("the folder of the crate can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("contract.txt is in the repository");
    assert_eq!(
        contract(),
        committed,
        "the contract has changed: read STABILITY.md; if it may, run with TEXTMILL_UPDATE=1 and look at the diff"
    );
}

/// The names of the header's constants: of enumerations, and of macros without arguments.
fn names_in_header() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/textmill_plugin.h");
    let header = std::fs::read_to_string(path).expect("the header is in the repository");
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = |text: &str| text.split(|c| !is_name(c)).map(str::to_owned).collect::<Vec<_>>();
    let constants = header.split('=').filter_map(|before| words(before.trim_end()).pop());
    let macros = header.lines().filter_map(|line| line.strip_prefix("#define "));
    let macros = macros.filter_map(|line| line.split_once(' ')).map(|(name, _)| name.to_owned());
    constants.chain(macros).filter(|name| name.starts_with("TM_") && name.chars().all(is_name)).collect()
}

#[test]
fn every_constant_of_the_header_is_compared() {
    let compared: Vec<_> =
        constants().into_iter().map(|(name, _)| name).chain(["TM_SEGMENTS", "TM_EXPORT"]).collect();
    let names = names_in_header();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        assert!(compared.contains(&name.as_str()), "`{name}` is not in the list of constants");
    }
}
