//! What has gone wrong elsewhere where programs load libraries: each held by a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;
use textmill_testkit::{Project, Ran, workspace};

use crate::plugins::library;
use crate::{piped, project};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_textmill"))
}

/// Symbols that a program exports override those of the same name in a library, even its own.
#[test]
fn the_program_exports_nothing_that_a_library_could_meet() {
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(binary()).output().unwrap();
    let exported = Ran::from(output).code(0).stdout;
    // What the linker itself defines, and what the C library copies into every program (`environ`).
    let ours = exported.lines().filter(|line| !line.contains('@') && !line.contains(" _"));
    assert_eq!(ours.collect::<Vec<_>>(), [""; 0], "{exported}");
}

/// A project that loads a library of this C source, and has a document.
fn loading(source: &str) -> Project {
    let project = piped("[[stage]]\nuses = 'graze'\n", "{\"text\":\"grass\"}\n").file("plugin.c", source);
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-Wall", "-Werror", "plugin.c", "-o", "plugin.so"]);
    for folder in ["crates/textmill-abi/include", "tests/zoo"] {
        compiler.arg("-I").arg(workspace().join(folder));
    }
    let _ = Ran::from(compiler.current_dir(project.path("")).output().unwrap()).code(0);
    let text = project.read("p.toml");
    project.write("p.toml", format!("plugins = ['./plugin.so']\n{text}"));
    project
}

/// A library that is bound when it is called ends the process in the middle of a run.
#[test]
fn a_library_that_lacks_a_function_is_refused_before_it_runs() {
    let source = "void no_such_function(void);\n\
        #define IN_PROCESS if (text.len == 99) no_such_function()\n\
        #include \"whole.h\"\n";
    let project = loading(source);
    for command in ["check", "run"] {
        let ran = project.run([command, "p.toml"]).code(2);
        let _ = ran.says(&["plugin.so", "cannot load", "no_such_function", "p.toml:1:12", "hint"]);
    }
    let whole = source.replace("void no_such_function(void);", "static void no_such_function(void) {}");
    let _ = loading(&whole).run(["run", "p.toml"]).code(0);
}

/// `libloading` says "dlopen failed" and keeps the reason to itself.
#[test]
fn the_reason_why_a_library_does_not_load_is_shown() {
    let project = piped("", "");
    let text = project.read("p.toml");
    for (bytes, reason) in [(&b"no library"[..], "file too short"), (&[b'x'; 4096][..], "invalid ELF header")]
    {
        fs::write(project.path("none.so"), bytes).unwrap();
        project.write("p.toml", format!("plugins = ['./none.so']\n{text}"));
        let ran = project.run(["check", "p.toml"]).code(2);
        if cfg!(target_os = "linux") {
            let _ = ran.says(&["none.so", reason]);
        }
    }
}

/// What a library has left behind in a thread runs when that thread ends, and finds no code if it was unloaded.
///
/// Here it says so when it is unloaded before the process ends. That the end has come it learns from `on_exit`, which, unlike
/// `atexit`, is not called when a library is unloaded.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_library_is_never_unloaded() {
    let source = "#define _DEFAULT_SOURCE\n\
        #include <stdio.h>\n\
        #include <stdlib.h>\n\
        static int the_process_ends;\n\
        static void at_the_end(int code, void *unused) { (void)code, (void)unused; the_process_ends = 1; }\n\
        __attribute__((destructor)) static void leave(void) { if (!the_process_ends) puts(\"unloaded\"); }\n\
        #define IN_ENTRY on_exit(at_the_end, NULL); puts(\"loaded\"); fflush(stdout)\n\
        #include \"whole.h\"\n";
    let refused = source.replace("fflush(stdout)\n", "return NULL\n");
    for (source, code) in [(source, 0), (&refused, 2)] {
        let project = loading(source);
        for command in ["check", "run"] {
            let ran = project.run([command, "p.toml"]).code(code);
            // What a plugin prints in a run goes to standard error.
            let said = ran.stdout + &ran.stderr;
            assert!(said.contains("loaded\n") && !said.contains("unloaded"), "{command}: {said}");
        }
    }
}

/// Every library has a `tracing` dispatcher and a panic hook of its own, and nobody listens to either unless it is told to.
#[test]
fn events_and_panics_of_every_library_reach_the_host() {
    let project = piped("", "");
    let text = project.read("p.toml");
    // The same code in two libraries, as the loader sees them; in one of them its stages have other names.
    let one = fs::read(library("unruly")).unwrap();
    fs::write(project.path("two.so"), replaced(replaced(one.clone(), "obey", "abey"), "shout", "short"))
        .unwrap();
    fs::write(project.path("one.so"), one).unwrap();
    let document = |id: &str, text: &str| json!({"id": id, "text": text}).to_string() + "\n";
    project.write("in.jsonl", document("a", "LOG") + &document("b", "PANIC"));
    for (stages, warnings) in [(&["obey"][..], 1), (&["abey"], 1), (&["obey", "abey"], 2)] {
        let stages: String = stages.iter().flat_map(|name| ["[[stage]]\nuses = '", name, "'\n"]).collect();
        project.write("p.toml", format!("plugins = ['./one.so', './two.so']\n{text}{stages}"));
        let ran = project.run(["run", "p.toml", "--overwrite"]).code(1);
        let ran = ran.says(&["panicked: was told to panic at ", "2 documents read = 1 kept"]);
        assert_eq!(ran.stderr.matches("a warning to tell of").count(), warnings, "{}", ran.stderr);
        assert!(!ran.stderr.contains("thread '"), "{}", ran.stderr);
    }
}

/// Bytes in which every `from` is a `to` of the same length.
fn replaced(mut bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<_> = memchr::memmem::find_iter(&bytes, from).collect();
    for place in places {
        bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

/// A panic that ends the process is one that nobody can catch.
#[test]
fn a_plugin_that_aborts_on_panic_does_not_compile() {
    let said = compile("unwind");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said = compile("abort");
    let stderr = String::from_utf8_lossy(&said.stderr);
    assert!(
        !said.status.success() && stderr.contains("a plugin must be built with `panic = \"unwind\"`"),
        "{stderr}"
    );
}

/// Compiles a plugin against the SDK as it was built for these tests.
fn compile(panic: &str) -> Output {
    let project = project().file(
        "lib.rs",
        "use textmill_stage::{Doc, Outcome, Plan, Result, Stage};\n\
        textmill_stage::export!(Nothing);\n\
        pub struct Nothing;\n\
        impl Stage for Nothing {\n\
            const NAME: &'static str = \"nothing\";\n\
            type Config = bool;\n\
            fn new(_: bool, _: &mut Plan) -> Result<Self> { Ok(Self) }\n\
            fn process(&self, _: &mut Doc<'_>) -> Result<Outcome> { Ok(Outcome::Keep) }\n\
        }\n",
    );
    let deps = binary().parent().unwrap().join("deps");
    let mut compiler = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    compiler.args(["--edition", "2024", "--crate-type", "cdylib", "--emit", "metadata", "lib.rs"]);
    compiler.args(["-C", &format!("panic={panic}"), "--extern"]);
    compiler.arg(format!("textmill_stage={}", newest(&deps, "libtextmill_stage-").display()));
    compiler.arg("-L").arg(format!("dependency={}", deps.display()));
    for (name, value) in [("NAME", "nothing"), ("VERSION", "0.0.0"), ("LICENSE", "MIT")] {
        compiler.env(format!("CARGO_PKG_{name}"), value);
    }
    compiler.current_dir(project.path("")).output().unwrap()
}

fn newest(folder: &Path, prefix: &str) -> PathBuf {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap_or_default();
        name.starts_with(prefix) && path.extension().is_some_and(|extension| extension == "rlib")
    };
    let changed = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    entries.filter(is_it).max_by_key(changed).expect("the SDK is built for the stages that the tests load")
}
