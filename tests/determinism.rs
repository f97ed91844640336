//! The same input gives the same bytes, however many threads there are; and no document is lost: random documents through
//! stages in a random order.

use std::fmt::Write as _;

use serde_json::json;
use textmill_testkit::{Project, Tree};

use crate::plugins::plugins_line;
use crate::project;

/// Each is a run of its own; a failure names its number.
const ROUNDS: u64 = 6;

/// Enough for several batches.
const DOCUMENTS: usize = 700;

const STAGES: [&str; 6] = ["clean", "dedup-title", "strip-links", "summarize", "split-sentences", "obey"];

/// What texts are made of.
const PARTS: [&str; 24] = [
    "A Title of a Story",
    "The sensors were placed on Monday, and they have counted since.",
    "READ MORE: Something Else Happened",
    "&amp;",
    "&lt;b&gt;bold&lt;/b&gt;",
    "voilÃ  cafÃ©",
    "\n",
    "\n\n",
    "\r\n",
    "\u{feff}",
    "\0",
    "e\u{301}",
    "漢字の文。次の文。",
    "DROP",
    "FAIL",
    "PANIC",
    "EMIT",
    "SET",
    "UNSET",
    "CUT",
    "See [the list](https://example.org/list) of it.",
    "   ",
    "https://example.org/a?b=c",
    "Share on Facebook",
];

/// Lines that hold no document.
const BROKEN: [&str; 5] = ["no JSON", "[]", "{\"title\":\"no text\"}", "{\"text\":1}", "{\"text\":\"cut"];

#[test]
fn output_does_not_depend_on_threads_and_nothing_is_lost() {
    for seed in 1..=ROUNDS {
        println!("seed {seed}");
        check(&mut Random(seed));
    }
}

fn check(random: &mut Random) {
    let (pipeline, input) = (pipeline(random), documents(random));
    let run = |jobs: &str| {
        let project = project().file("p.toml", &pipeline).file("in.jsonl", &input);
        let ran = project.run(["run", "p.toml", "-j", jobs]).code(1);
        check_accounts(&project, &ran.stderr);
        Tree::of(&project.path("out"))
    };
    let one = run("1");
    assert_eq!(one.names(), ["dropped.jsonl", "failed.jsonl", "kept.jsonl"]);
    for jobs in ["2", "4"] {
        run(jobs).check_same(&one, "-j 1");
    }
}

/// The line of the funnel adds up, and is what the files hold.
pub(crate) fn check_accounts(project: &Project, stderr: &str) {
    let line = stderr.lines().find(|line| line.contains(" read")).unwrap();
    let numbers: Vec<usize> = line
        .replace(',', "")
        .split(' ')
        .map_while(|word| match word {
            "in" => None,
            word => Some(word.parse().ok()),
        })
        .flatten()
        .collect();
    let [read, emitted, kept, dropped, failed] = *numbers else { panic!("{line}") };
    assert_eq!(read, DOCUMENTS);
    assert_eq!(read + emitted, kept + dropped + failed, "{line}");
    let lines = |name: &str| project.read(name).lines().count();
    let found = ["out/kept.jsonl", "out/dropped.jsonl", "out/failed.jsonl"].map(lines);
    assert_eq!(found, [kept, dropped, failed], "{line}");
}

pub(crate) fn pipeline(random: &mut Random) -> String {
    let mut text = plugins_line(&["unruly"]) + "input.uri = 'in.jsonl'\n";
    for (table, name) in [("output", "kept"), ("dropped", "dropped"), ("failed", "failed")] {
        writeln!(text, "{table}.uri = 'out/{name}.jsonl'").unwrap();
    }
    // Once in each round: only it drops, fails and emits.
    let mut stages = vec!["obey"];
    stages.extend((0..random.below(5)).map(|_| random.one_of(&STAGES)));
    let place = random.below(stages.len());
    stages.swap(0, place);
    for (number, stage) in stages.iter().enumerate() {
        writeln!(text, "[[stage]]\nid = 's{number}'\nuses = '{stage}'").unwrap();
        if *stage == "obey" {
            writeln!(text, "with.children = 2").unwrap();
        }
    }
    text
}

pub(crate) fn documents(random: &mut Random) -> String {
    let mut lines = String::new();
    for number in 0..DOCUMENTS {
        if random.below(50) == 0 {
            lines += random.one_of(&BROKEN);
        } else {
            let length = random.below(12);
            let text: String = (0..length).flat_map(|_| [random.one_of(&PARTS), " "]).collect();
            let mut document = json!({"text": text, "n": number});
            if random.below(2) == 0 {
                document["id"] = json!(format!("document {number}"));
            }
            lines += &document.to_string();
        }
        lines.push('\n');
    }
    lines
}

/// A generator of numbers that look random and are always the same (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(crate) fn one_of(&mut self, values: &[&'static str]) -> &'static str {
        values[self.below(values.len())]
    }
}
