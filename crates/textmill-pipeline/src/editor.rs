//! The schema of a pipeline file for editors, with the options of every stage.
//!
//! The options depend on `uses`, which JSON Schema can say in several ways. With `allOf` of `if`/`then`, taplo 0.9.3 and
//! tombi 1.9.6 both accept a good file and point at the bad key of a bad one, an option of a stage too. With `oneOf` or
//! `anyOf` over whole stages, each with a `const`, tombi points at the key but taplo only says that the stage as a whole
//! is not valid under any of the schemas.

use serde_json::{Map, Value, json};

use crate::check::Checker;
use crate::simplify::simplify;
use crate::tree::child;
use crate::{Catalog, StageKind};

/// JSON Schema (2020-12) of a pipeline file that uses stages of the catalog, for editors. Stages of other names are
/// allowed with any options: the plugins that offer them are not known to an editor. A stage whose own schema is not
/// valid is such a stage too.
pub fn schema(catalog: &dyn Catalog) -> Value {
    let mut schema = simplify(&crate::draft::file_schema());
    let kinds: Vec<&StageKind> = catalog
        .names()
        .into_iter()
        .filter_map(|name| catalog.find(name))
        .filter(|kind| Checker::new(&kind.schema).is_ok())
        .collect();
    let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) else { return schema };
    for kind in &kinds {
        definitions.insert(definition(kind), options(kind));
    }
    if let Some(stage) = definitions.get_mut("Stage").and_then(Value::as_object_mut) {
        describe_stage(stage, &kinds);
    }
    schema
}

/// The name of the definition that holds the options of a stage; no Rust type has such a name.
fn definition(kind: &StageKind) -> String {
    format!("options of {}", kind.name)
}

fn options(kind: &StageKind) -> Value {
    let mut options = simplify(&kind.schema);
    if let Value::Object(options) = &mut options {
        options.remove("$schema");
        options.remove("$id");
        options.insert("description".to_owned(), Value::from(kind.summary.as_str()));
    }
    move_references(&mut options, &place(kind));
    options
}

fn place(kind: &StageKind) -> String {
    child("#/$defs", &definition(kind)).replace(' ', "%20")
}

fn describe_stage(stage: &mut Map<String, Value>, kinds: &[&StageKind]) {
    // A choice for completion: any other string is as good, for a plugin may offer it.
    let known = kinds.iter().map(|kind| json!({ "const": kind.name, "description": kind.summary }));
    let names: Vec<Value> = known.chain([json!({ "type": "string" })]).collect();
    if let Some(uses) = stage.get_mut("properties").and_then(|properties| properties.get_mut("uses")) {
        uses["anyOf"] = Value::Array(names);
    }
    if !kinds.is_empty() {
        stage.insert("allOf".to_owned(), kinds.iter().map(|kind| branch(kind)).collect());
    }
}

fn branch(kind: &StageKind) -> Value {
    let mut then = json!({ "properties": { "with": { "$ref": place(kind) } } });
    if kind.schema.get("required").and_then(Value::as_array).is_some_and(|keys| !keys.is_empty()) {
        then["required"] = json!(["with"]);
    }
    json!({ "if": { "properties": { "uses": { "const": kind.name } }, "required": ["uses"] }, "then": then })
}

/// Lets references within a schema follow it to its new place.
fn move_references(schema: &mut Value, place: &str) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                match value {
                    Value::String(target) if key == "$ref" && target.starts_with('#') => {
                        target.replace_range(0..1, place);
                    }
                    value => move_references(value, place),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| move_references(item, place)),
        _ => {}
    }
}
