//! What has gone wrong elsewhere where programs load libraries: each held by a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use textmill_testkit::{Ran, workspace};

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

/// Compiles C to a library in a project, and gives the project with a pipeline file that loads it.
fn loaded(source: &str) -> Ran {
    let project = piped("", "").file("plugin.c", source);
    let include = workspace().join("crates/textmill-abi/include");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "plugin.c", "-o", "plugin.so", "-I"]).arg(include);
    let _ = Ran::from(compiler.current_dir(project.path("")).output().unwrap()).code(0);
    let text = project.read("p.toml");
    project.write("p.toml", format!("plugins = ['./plugin.so']\n{text}"));
    project.run(["check", "p.toml"])
}

/// A library that is bound when it is called ends the process in the middle of a run.
#[test]
fn a_library_that_lacks_a_function_is_refused_before_it_runs() {
    let source = "#include <textmill_plugin.h>\n\
        void no_such_function(void);\n\
        const tm_plugin *textmill_plugin_v1(const tm_host *host) { if (!host) no_such_function(); return 0; }\n";
    let _ = loaded(source).code(2).says(&["plugin.so", "cannot load", "no_such_function", "hint"]);
    let whole = source.replace("void no_such_function(void);", "static void no_such_function(void) {}");
    let _ = loaded(&whole).code(2).says(&["another version of the plugin contract"]);
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
