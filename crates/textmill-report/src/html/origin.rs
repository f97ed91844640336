//! How the output was made: the pipeline as it was run, versions, files and their hashes.

use maud::{Markup, html};

use super::text::{block, clipped, inline, shown};
use super::{Head, LISTED, fitting, left_out, table};
use crate::{Output, Plugin, Resource, Run, Stage, bytes, count, plural};

/// The columns of the tables.
const OUTPUTS: &[Head] = &[("kind", ""), ("place", ""), ("holds", "n"), ("files", "n"), ("size", "n")];
const STAGES: &[Head] = &[("stage", ""), ("uses", ""), ("options", "")];
const PLUGINS: &[Head] = &[("plugin", ""), ("version", ""), ("contract", ""), ("library", "")];

/// How many characters of the pipeline file are shown, and of the options of a stage.
const FILE: usize = 24_000;
const OPTIONS: usize = 1_000;
/// How many names of files are shown.
const FILES: usize = 20;

pub(super) fn section(run: &Run) -> Markup {
    html! {
        section aria-labelledby="origin" {
            h2 #origin { "How it was made" }
            (facts(run))
            (outputs(run))
            (stages(run))
            @if !run.plugins.is_empty() { (plugins(run)) }
            h3 { "Pipeline file" }
            details {
                summary { (inline(&run.pipeline.path)) }
                pre tabindex="0" { code dir="ltr" { (shown(&clipped(&run.pipeline.text, FILE))) } }
            }
        }
    }
}

fn facts(run: &Run) -> Markup {
    let resource = |one: &Resource| html! { div { (inline(&one.path)) (hash(&one.sha256)) } };
    let (resources, shown) = fitting(&run.resources, resource);
    html! {
        dl {
            dt { "textmill" } dd { (inline(&run.textmill)) }
            dt { "pipeline" } dd { (inline(&run.pipeline.path)) (hash(&run.pipeline.sha256)) }
            dt { "input" }
            dd {
                @for uri in run.input.uris.iter().take(FILES) { div { (inline(uri)) } }
                (left_out(run.input.uris.len() as u64, FILES, "input"))
                div.of { (bytes(run.input.bytes)) }
                @if run.input.skipped_files_total > 0 {
                    details {
                        summary { (plural(run.input.skipped_files_total, "file")) " passed over: their names say no format that is read" }
                        ul { @for file in run.input.skipped_files.iter().take(FILES) { li { (inline(file)) } } }
                        (left_out(run.input.skipped_files_total, run.input.skipped_files.len().min(FILES), "file"))
                    }
                }
                @for (limit, documents) in &run.docs.over_limits {
                    div.of { (plural(*documents, "document")) " beyond the limit " code { (inline(limit)) } }
                }
                @if run.input.skipped_records > 0 {
                    div.of { (plural(run.input.skipped_records, "record")) " of web archives that are no pages passed over" }
                }
            }
            @if !run.resources.is_empty() {
                dt { "files of options" }
                dd {
                    (resources)
                    (left_out(run.resources.len() as u64, shown, "file"))
                }
            }
        }
    }
}

fn hash(sha256: &str) -> Markup {
    html! { div.hash { "SHA-256 " (inline(sha256)) } }
}

fn outputs(run: &Run) -> Markup {
    let (rows, shown) = fitting(&run.outputs, output);
    html! {
        @if !run.outputs.is_empty() {
            (table("Outputs", OUTPUTS, &rows))
            (left_out(run.outputs.len() as u64, shown, "output"))
        }
    }
}

fn output(output: &Output) -> Markup {
    html! {
        tr {
            th scope="row" { (inline(&output.kind)) }
            td { (inline(&output.path)) @if let Some(sha256) = &output.sha256 { (hash(sha256)) } }
            td.n { (plural(output.docs, if output.kind == "ledger" { "line" } else { "document" })) }
            td.n { (count(output.files)) }
            td.n { (bytes(output.bytes)) }
        }
    }
}

fn stages(run: &Run) -> Markup {
    let (rows, shown) = fitting(&run.stages, |stage| self::stage(run, stage));
    html! {
        (table("Stages and their options, with what the command line put in their place", STAGES, &rows))
        (left_out(run.stages.len() as u64, shown, "stage"))
    }
}

fn stage(run: &Run, stage: &Stage) -> Markup {
    let is_built_in = run.built_in.contains(&stage.uses);
    html! {
        tr {
            th scope="row" { (inline(&stage.id)) }
            td { (inline(&stage.uses)) @if is_built_in { " " span.of { "built-in" } } }
            td {
                @for (key, value) in stage.options.iter().take(LISTED) {
                    div.option { (inline(key)) " = " (inline(&clipped(&value.to_string(), OPTIONS))) }
                }
            }
        }
    }
}

fn plugins(run: &Run) -> Markup {
    let (rows, shown) = fitting(&run.plugins, plugin);
    html! {
        (table("Plugins that were loaded", PLUGINS, &rows))
        (left_out(run.plugins.len() as u64, shown, "plugin"))
    }
}

fn plugin(plugin: &Plugin) -> Markup {
    html! {
        tr {
            th scope="row" { (inline(&plugin.name)) }
            td { (inline(&plugin.version)) }
            td { (inline(&plugin.abi)) }
            td { (block(&plugin.path, OPTIONS)) (hash(&plugin.sha256)) }
        }
    }
}
