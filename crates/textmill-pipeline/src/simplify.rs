//! Schemas as derived from Rust types, brought closer to what TOML can hold.

use serde_json::{Map, Value};

/// The schema without `null`, which TOML cannot write and which would only clutter messages and completions, and with the
/// bounds that the format of an integer implies, so that a number that its Rust type cannot hold is found here.
pub(crate) fn simplify(schema: &Value) -> Value {
    match schema {
        Value::Object(object) => Value::Object(simplify_object(object)),
        Value::Array(items) => Value::Array(items.iter().map(simplify).collect()),
        other => other.clone(),
    }
}

fn simplify_object(object: &Map<String, Value>) -> Map<String, Value> {
    let mut simple = Map::new();
    for (key, value) in object {
        let value = match key.as_str() {
            // These hold values, not schemas.
            "const" | "default" | "examples" => value.clone(),
            "enum" => without(value, &Value::Null),
            "type" => single(without(value, &Value::from("null"))),
            "anyOf" | "oneOf" => simplify(&without(value, &serde_json::json!({"type": "null"}))),
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => each(value),
            _ => simplify(value),
        };
        simple.insert(key.clone(), value);
    }
    if simple.get("default").is_some_and(Value::is_null) {
        simple.remove("default");
    }
    unwrap_choice(&mut simple);
    bound(&mut simple);
    simple
}

/// A choice of one is none.
fn unwrap_choice(object: &mut Map<String, Value>) {
    for keyword in ["anyOf", "oneOf"] {
        let Some([Value::Object(only)]) = object.get(keyword).and_then(Value::as_array).map(Vec::as_slice)
        else {
            continue;
        };
        if only.keys().all(|key| !object.contains_key(key)) {
            let only = only.clone();
            object.remove(keyword);
            object.extend(only);
        }
    }
}

/// A map from names, which can be those of keywords, to schemas.
fn each(schemas: &Value) -> Value {
    match schemas {
        Value::Object(schemas) => {
            schemas.iter().map(|(name, schema)| (name.clone(), simplify(schema))).collect()
        }
        other => other.clone(),
    }
}

/// The list without the value; a list that would be empty, and what is no list, as it is.
fn without(list: &Value, unwanted: &Value) -> Value {
    let kept: Vec<Value> = match list {
        Value::Array(items) => items.iter().filter(|item| *item != unwanted).cloned().collect(),
        _ => Vec::new(),
    };
    if kept.is_empty() { list.clone() } else { Value::Array(kept) }
}

fn single(types: Value) -> Value {
    match types {
        Value::Array(mut items) if items.len() == 1 => items.remove(0),
        other => other,
    }
}

fn bound(object: &mut Map<String, Value>) {
    let (least, most) = match object.get("format").and_then(Value::as_str) {
        Some("int8") => (i64::from(i8::MIN), i64::from(i8::MAX)),
        Some("int16") => (i64::from(i16::MIN), i64::from(i16::MAX)),
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        Some("uint8") => (0, i64::from(u8::MAX)),
        Some("uint16") => (0, i64::from(u16::MAX)),
        Some("uint32") => (0, i64::from(u32::MAX)),
        _ => return,
    };
    if !object.contains_key("exclusiveMinimum") {
        object.entry("minimum").or_insert_with(|| Value::from(least));
    }
    if !object.contains_key("exclusiveMaximum") {
        object.entry("maximum").or_insert_with(|| Value::from(most));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nulls_go_and_bounds_come() {
        let cases = [
            (json!({"type": ["string", "null"]}), json!({"type": "string"})),
            (json!({"type": ["string", "integer", "null"]}), json!({"type": ["string", "integer"]})),
            (json!({"type": "null"}), json!({"type": "null"})),
            (json!({"anyOf": [{"$ref": "#/a"}, {"type": "null"}]}), json!({"$ref": "#/a"})),
            (json!({"enum": ["a", null]}), json!({"enum": ["a"]})),
            (json!({"default": null, "type": "string"}), json!({"type": "string"})),
            (json!({"default": {"type": ["a", "null"]}}), json!({"default": {"type": ["a", "null"]}})),
            (json!({"format": "uint8"}), json!({"format": "uint8", "minimum": 0, "maximum": 255})),
            (
                json!({"properties": {"enum": {"type": ["string", "null"]}}}),
                json!({"properties": {"enum": {"type": "string"}}}),
            ),
            (json!(true), json!(true)),
        ];
        for (schema, expected) in cases {
            assert_eq!(simplify(&schema), expected, "{schema}");
        }
    }
}
