//! How much is on its way at one time: bounded in bytes, and never so that nothing goes on.

use serde_json::json;
use textmill_testkit::{Project, Tree};

use crate::piped;
use crate::plugins::plugins_line;

/// Documents of a few words, and some that are larger than any limit here; the first ones are slow.
fn documents() -> String {
    let text = |number: u32| match number {
        0..3 => "SLEEP".to_owned() + &" word".repeat(100_000),
        _ if number.is_multiple_of(500) => "word ".repeat(200_000),
        _ => format!("some words of document {number}"),
    };
    (0..3000)
        .map(|number| json!({"id": number.to_string(), "text": text(number)}).to_string() + "\n")
        .collect()
}

#[test]
fn a_limit_smaller_than_a_document_stops_nothing() {
    let stages = plugins_line(&["unruly"]) + "[[stage]]\nuses = 'obey'\n";
    let input = documents();
    let run = |args: &[&str]| {
        let project = piped(&stages, &input);
        let _ = project.run([&["run", "p.toml"], args].concat()).code(0);
        Tree::of(&project.path(""))
    };
    let one = run(&["-j", "1"]);
    for limit in ["1B", "100KB", "3MiB", "1TiB"] {
        run(&["-j", "8", "--memory-limit", limit]).check_same(&one, "-j 1");
    }
}

#[test]
fn the_command_line_and_the_file_say_how_much() {
    let peak = |project: &Project, args: &[&str]| -> f64 {
        let ran = project.run([&["run", "p.toml", "-v", "-j", "4", "--fresh"], args].concat()).code(0);
        let line = ran.stderr.lines().find(|line| line.contains("were on their way")).unwrap();
        let words: Vec<_> = line.split_once("at most ").unwrap().1.split(' ').collect();
        let unit = ["B", "kB", "MB"].iter().position(|unit| *unit == words[1]).unwrap();
        words[0].parse::<f64>().unwrap() * 1000_f64.powi(i32::try_from(unit).unwrap())
    };
    let lines: String =
        (0..60_000).map(|number| json!({"text": format!("words {number}")}).to_string() + "\n").collect();
    let project = piped("run.memory-limit = '300KB'\n", &lines);
    // A batch of 256 documents counts for 17 kB.
    assert!(peak(&project, &[]) < 330e3);
    assert!(peak(&project, &["--memory-limit", "50 KB"]) < 80e3);
    let _ = project
        .run(["run", "p.toml", "--memory-limit", "lots"])
        .code(2)
        .says(&["--memory-limit", "expected a size such as `512MiB` or `2GiB`"]);
}

/// The writer waits for a reader of its pipe who does not come; the reader must not fill the memory meanwhile.
#[cfg(target_os = "linux")]
#[test]
fn a_slow_writer_stops_the_reader() {
    use std::fs::{self, File};
    use std::io::Read as _;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    let line = json!({"text": "word ".repeat(2000)}).to_string() + "\n";
    let project = piped("", line.repeat(2000));
    let made = Command::new("mkfifo").arg(project.path("pipe")).status().unwrap();
    assert!(made.success());
    let args = ["run", "p.toml", "-o", "pipe", "-j", "4", "--memory-limit", "2MiB"];
    let mut child = project.command(args).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Whoever opens a pipe to write waits until somebody opens it to read.
    let mut pipe = File::open(project.path("pipe")).unwrap();
    let read = || -> u64 {
        let counts = fs::read_to_string(format!("/proc/{}/io", child.id())).unwrap();
        counts.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
    };
    // Until it has read nothing more for a while.
    let mut before = 0;
    while read() != before {
        before = read();
        std::thread::sleep(Duration::from_millis(300));
    }
    assert!(before < 12 << 20, "{before} bytes of 20 MB were read");
    let mut written = Vec::new();
    pipe.read_to_end(&mut written).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(written.len(), 2000 * line.len());
}
