//! What broke once, by the name of what broke.

use crate::plugins::plugins_line;
use crate::{piped, project};

#[test]
fn a_value_that_no_reader_takes_costs_its_document() {
    let stages = plugins_line(&["unruly"]) + "[[stage]]\nuses = 'obey'\n";
    let project = piped(&stages, "{\"text\":\"DEEP\"}\n{\"text\":\"fine\"}\n");
    let _ = project.run(["run", "p.toml"]).code(1).says(&["1 kept + 0 dropped + 1 failed", "`json`"]);
}

#[test]
fn children_of_two_stages_have_ids_of_their_own() {
    let stages = "[[stage]]\nid = 'one'\nuses = 'obey'\nwith = { children = 2 }\n[[stage]]\nid = 'two'\nuses = 'obey'\nwith = { children = 1 }\n";
    let project = piped(&(plugins_line(&["unruly"]) + stages), "{\"id\":\"a\",\"text\":\"EMIT\"}\n");
    let _ = project.run(["run", "p.toml"]).code(0);
    let mut ids: Vec<_> = project.read_jsonl("out.jsonl").iter().map(|it| it["id"].to_string()).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert!(ids.len() == all && all > 2, "{ids:?}");
}

#[test]
fn a_stage_must_not_set_the_field_that_holds_the_id_or_the_text() {
    let check = |fields: &str, stage: &str, field: &str| {
        let project = piped(&format!("input.fields = {{ {fields} }}\n[[stage]]\n{stage}\n"), "");
        let _ = project.run(["check", "p.toml"]).code(2).says(&[field, "input.fields", "p.toml:"]);
    };
    check("id = 'title'", "uses = 'dedup-title'", "`title`");
    check("text = 'content'", "uses = 'summarize'\nwith = { field = 'content' }", "`content`");
}

#[test]
fn dropped_and_failed_documents_keep_their_reasons() {
    for key in ["dropped", "failed"] {
        let project = piped(&format!("[{key}]\nuri = 'rest/'\nformat = 'txt'\n"), "");
        let _ = project.run(["check", "p.toml"]).code(2).says(&["`txt`", "p.toml:5"]);
    }
}

#[test]
fn failed_documents_of_one_run_are_no_input_of_the_next() {
    let project = project()
        .file("p.toml", "input.uri = '.'\noutput.uri = 'out.jsonl'\n")
        .file("a.jsonl", "{\"text\":\"one\"}\nno JSON\n");
    for _ in ["first", "second"] {
        let _ = project.run(["run", "p.toml"]).code(1).says(&["= 1 kept + 0 dropped + 1 failed"]);
    }
    // Nor are they where the path of the input is spelled in another way.
    let here =
        format!("{}/../{}", project.path("").display(), project.path("").file_name().unwrap().display());
    let _ = project.run(["run", "p.toml", "-i", &here]).code(1).says(&["= 1 kept + 0 dropped + 1 failed"]);
}

#[test]
fn what_is_no_path_of_a_plugin_is_shown_with_all_other_mistakes() {
    let project = piped("plugins = [3]\n[run]\nthread = 1\n", "");
    let _ = project.run(["check", "p.toml"]).code(2).says(&["expected a string", "`thread`", "`threads`"]);
}

#[test]
fn a_lone_carriage_return_in_a_changed_text_can_be_shown() {
    let project = project()
        .file("p.toml", "[[stage]]\nuses = 'clean'\nwith = { line-ends = false }\n")
        .file("a.txt", "a\rb\rc\ry\rz &amp; w\rq\n");
    let _ = project.run(["try", "p.toml", "a.txt"]).code(0);
}

#[test]
fn an_output_onto_its_own_input_is_refused() {
    let project = project()
        .file("p.toml", "[[stage]]\nuses = 'clean'\n")
        .file("five.jsonl", "{\"text\":\"one\"}\n".repeat(5));
    let run = |args: &str| project.run(format!("run p.toml -q {args}").split(' '));
    let _ = run("-i five.jsonl -o mine.jsonl").code(0);
    let _ = run("-i mine.jsonl -o mine.jsonl --limit 1").code(2).says(&["is an input of this run", "hint"]);
    let _ = run("-i five.jsonl -o five.jsonl --overwrite").code(2).says(&["is an input of this run"]);
    let _ = run("-i five.jsonl -o mined/").code(0);
    let _ = run("-i mined/ -o mined/ --limit 1").code(2);
    assert_eq!(project.read("mine.jsonl").lines().count(), 5);
    assert_eq!(project.read("mined/part-00000.jsonl").lines().count(), 5);
}

#[test]
fn paths_and_threads_that_make_no_sense_are_refused() {
    let project = piped("", "");
    for args in [["-i", ""], ["-o", ""], ["-j", "5000"]] {
        let _ = project.run(["run", "p.toml"].into_iter().chain(args)).code(2);
    }
}

#[test]
fn a_line_over_the_end_of_a_chunk_is_whole() {
    for short_lines in 0..12 {
        let line = |length: usize| format!("{{\"text\":\"{}\"}}\n", "a".repeat(length));
        let input = line(1).repeat(short_lines) + &line(1_000_000) + &line(200_000) + &line(1);
        let project = piped("", &input);
        let _ = project.run(["run", "p.toml", "-q"]).code(0);
        assert!(project.read("out.jsonl") == input, "{short_lines} short lines");
    }
}
