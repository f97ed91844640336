//! Tells the crate its target, as rustc names it: libraries are locked for each target on its own.

fn main() {
    let target = std::env::var("TARGET").expect("cargo says what it builds for");
    println!("cargo:rustc-env=TEXTMILL_TARGET={target}");
    println!("cargo:rerun-if-changed=build.rs");
}
