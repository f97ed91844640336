//! `textmill doc`: the manual page of a stage, made of its description, its schema and the rules it names.

use std::io::Write as _;

use serde_json::Value;
use textmill::{Catalog as _, Registry, Rule, RuleKind, StageKind};

use super::open;
use crate::args::DocArgs;
use crate::exit::{Advised, Done, Outcome};
use crate::terminal::{FAINT, STRONG, styled, width, wrapped};

/// How far descriptions are set in.
const INDENT: usize = 6;

pub(crate) fn run(args: &DocArgs) -> Outcome {
    let registry = open::registry(args.pipeline.as_deref(), &args.plugins)?;
    let kind = registry.find(&args.stage).ok_or_else(|| unknown(&args.stage, &registry))?;
    let mut out = anstream::stdout().lock();
    write!(out, "{}", page(kind, textmill::rules(&registry, &kind.name).as_deref()))?;
    Ok(Done::Well)
}

fn unknown(name: &str, registry: &Registry) -> Advised {
    let hint = textmill::suggestion(name, "stage", &registry.names());
    let elsewhere = "`--pipeline FILE` looks also into the plugins of a pipeline";
    let hint = hint.map_or_else(|| elsewhere.to_owned(), |hint| format!("{hint}; {elsewhere}"));
    Advised { message: format!("there is no stage `{name}`"), hint: Some(hint) }
}

/// The whole page. `rules` is `None` where nobody knows options to open the stage with.
fn page(kind: &StageKind, rules: Option<&[Rule]>) -> String {
    let about = if kind.manual.is_empty() { &kind.summary } else { &kind.manual };
    let mut page =
        format!("{}  {}\n\n{}", styled(STRONG, &kind.name), styled(FAINT, &kind.origin), wrapped(about, 0));
    page.extend(["\n", &styled(STRONG, "Options"), "\n"]);
    let properties = kind.schema.get("properties").and_then(Value::as_object);
    match properties.filter(|properties| !properties.is_empty()) {
        Some(properties) => {
            page.extend(properties.iter().map(|(name, schema)| option(name, schema, &kind.schema)));
        }
        None => page += "  none\n",
    }
    page.extend(["\n", &styled(STRONG, "Rules"), "\n"]);
    match rules {
        Some([]) => page += "  none\n",
        Some(rules) => page.extend(rules.iter().map(rule)),
        None => page += "  they depend on the options\n",
    }
    page
}

fn option(name: &str, schema: &Value, root: &Value) -> String {
    let resolved = resolve(schema, root);
    let default = schema.get("default").filter(|default| !default.is_null());
    let default = default.map_or_else(String::new, |default| format!(", default {default}"));
    let required = if is_required(name, root) { ", required" } else { "" };
    let kind = kind_of(resolved, root) + &default + required;
    let text = |schema: &Value| schema.get("description").and_then(Value::as_str).map(ToOwned::to_owned);
    let description = text(schema).or_else(|| text(resolved)).unwrap_or_default();
    entry(name, &kind, &description)
}

fn is_required(name: &str, schema: &Value) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|required| required == name))
}

/// Follows a `$ref` into the definitions of the same schema.
fn resolve<'s>(schema: &'s Value, root: &'s Value) -> &'s Value {
    let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
    pointer.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

/// What a value may be, in a few words: `number from 0 to 1`, `"a" or "b"`, `list of string`.
fn kind_of(schema: &Value, root: &Value) -> String {
    let schema = resolve(schema, root);
    let options = |key| schema.get(key).and_then(Value::as_array);
    if let Some(values) = options("enum") {
        return values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    }
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    if let Some(any) = options("oneOf").or_else(|| options("anyOf")) {
        let null = |schema: &&Value| schema.get("type").and_then(Value::as_str) != Some("null");
        return any.iter().filter(null).map(|schema| kind_of(schema, root)).collect::<Vec<_>>().join(" or ");
    }
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
            names.collect::<Vec<_>>().join(" or ")
        }
        _ => "any value".to_owned(),
    };
    match name.as_str() {
        "array" => {
            schema.get("items").map_or("list".to_owned(), |items| format!("list of {}", kind_of(items, root)))
        }
        "object" => "table".to_owned(),
        "string" if schema.get("format").and_then(Value::as_str) == Some("resource") => {
            "path of a file".to_owned()
        }
        _ => name + &range(schema),
    }
}

fn range(schema: &Value) -> String {
    let bound = |key| schema.get(key).map(ToString::to_string);
    match (bound("minimum"), bound("maximum")) {
        (Some(low), Some(high)) => format!(" from {low} to {high}"),
        (Some(low), None) if low != "0" => format!(" from {low}"),
        (None, Some(high)) => format!(" up to {high}"),
        _ => String::new(),
    }
}

fn rule(rule: &Rule) -> String {
    let what = match rule.kind {
        RuleKind::Deletes => "deletes",
        RuleKind::Rewrites => "rewrites",
        RuleKind::Drops => "drops the document",
    };
    entry(&rule.name, what, &rule.summary)
}

/// A name, what kind of thing it is, and its description below. A kind that is too long for the line goes below too.
fn entry(name: &str, kind: &str, description: &str) -> String {
    let fits = 2 + name.chars().count() + 2 + kind.chars().count() <= width();
    let separator = if fits { "  " } else { "\n" };
    let kind = if fits { kind.to_owned() } else { wrapped(kind, INDENT).trim_end().to_owned() };
    format!("  {}{separator}{}\n{}", styled(STRONG, name), styled(FAINT, &kind), wrapped(description, INDENT))
}
