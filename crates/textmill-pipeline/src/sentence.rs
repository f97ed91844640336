//! A violation of a schema, told to a person.
//!
//! The checker says which keyword was broken where. What a person needs is the key, what was expected, and a guess at
//! what was meant; for the guess the keys and values that the schema knows are read from beside the broken keyword.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use crate::check::{is_type, telling};
use crate::diagnostic::Diagnostic;
use crate::suggest::{self, join};
use crate::tree::{Place, Places, child, segments};

/// Where the checked value stands, and what it is called.
pub(crate) struct Scope<'a> {
    /// Where everything was written.
    pub(crate) places: &'a Places,
    /// The pointer to the checked value.
    pub(crate) prefix: &'a str,
    /// What the checked value is called: ``the options of `links` ``; empty for the whole file.
    pub(crate) name: &'a str,
    /// What to say of a key that the schema does not know, if there is something special to say.
    pub(crate) unknown: &'a dyn Fn(&str, &str) -> Option<Special>,
}

/// Something special to say of an unknown key.
pub(crate) struct Special {
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) hint: String,
}

/// What is wrong with a value, and what was expected in its place.
struct Finding {
    message: String,
    label: String,
    hint: Option<String>,
}

/// Tells one violation; an unknown key each where there are several.
pub(crate) fn tell(
    error: &ValidationError<'_>,
    schema: &Value,
    scope: &Scope<'_>,
    out: &mut Vec<Diagnostic>,
) {
    let teller = Teller { error, schema, scope, pointer: error.instance_path().as_str() };
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            out.extend(unexpected.iter().map(|key| teller.unknown_key(key)));
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => teller.choice(context, out),
        Kind::Required { property } => out.push(teller.missing(property)),
        Kind::PropertyNames { error: inner } => out.push(teller.bad_key(inner)),
        _ => out.push(teller.bad_value()),
    }
}

struct Teller<'a, 'v> {
    error: &'a ValidationError<'v>,
    schema: &'a Value,
    scope: &'a Scope<'a>,
    /// To the value in question, from the checked value.
    pointer: &'a str,
}

impl Teller<'_, '_> {
    fn place(&self, pointer: &str) -> &Place {
        self.scope.places.nearest(&format!("{}{pointer}", self.scope.prefix))
    }

    /// The schema that the broken keyword is a part of.
    fn node(&self) -> &Value {
        let path = self.error.schema_path().as_str();
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.schema.pointer(parent).unwrap_or(&Value::Null)
    }

    fn unknown_key(&self, key: &str) -> Diagnostic {
        let place = self.place(&child(self.pointer, key));
        if let Some(special) = (self.scope.unknown)(self.pointer, key) {
            return Diagnostic::at(place.key(), special.message)
                .with_label(special.label)
                .with_hint(Some(&special.hint));
        }
        let known = known_keys(self.schema, self.node());
        Diagnostic::at(place.key(), format!("unknown key `{key}`{}", self.around("in")))
            .with_label("not known here")
            .with_hint(suggest::suggestion(key, "key", &known).as_deref())
    }

    fn missing(&self, property: &Value) -> Diagnostic {
        let key = property.as_str().unwrap_or_default();
        let place = self.place(self.pointer);
        Diagnostic::at(place.value(), format!("missing key `{key}`{}", self.around("in")))
            .with_label(format!("expected a key `{key}`"))
    }

    fn bad_key(&self, inner: &ValidationError<'_>) -> Diagnostic {
        let key = inner.instance().as_str().unwrap_or_default();
        let place = self.place(&child(self.pointer, key));
        Diagnostic::at(place.key(), format!("`{key}` cannot be a key{}", self.around("in")))
            .with_label(inner.masked_with("this").to_string())
    }

    fn bad_value(&self) -> Diagnostic {
        let finding = self.finding();
        let hint = finding.hint.or_else(|| text(self.node(), "x-hint"));
        Diagnostic::at(self.place(self.pointer).value(), finding.message)
            .with_label(finding.label)
            .with_hint(hint.as_deref())
    }

    fn finding(&self) -> Finding {
        let node = self.node();
        if let Some(expected) = text(node, "x-expected") {
            return match node.get("enum").and_then(Value::as_array) {
                // Words that are too many to be told one by one.
                Some(words) => self.one_of(words, &expected),
                None => self.must_be(&expected),
            };
        }
        match self.error.kind() {
            // One of a few words is more to say than a string.
            Kind::Type { kind } => match node.get("enum").and_then(Value::as_array) {
                Some(options) => self.options(options),
                None => self.type_finding(&expected_types(kind)),
            },
            Kind::Enum { options } => self.options(options.as_array().map_or(&[], Vec::as_slice)),
            Kind::Constant { expected_value } => self.options(&[(**expected_value).clone()]),
            Kind::Minimum { .. }
            | Kind::Maximum { .. }
            | Kind::ExclusiveMinimum { .. }
            | Kind::ExclusiveMaximum { .. } => self.must_be(&range(node, self.error.kind().keyword())),
            Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => {
                plain(&format!("{} must not be empty", self.name()), "empty")
            }
            Kind::MinLength { limit } => self.must_be(&format!("at least {limit} characters long")),
            Kind::MaxLength { limit } => self.must_be(&format!("at most {limit} characters long")),
            Kind::MinItems { limit } => self.must_have(&format!("at least {}", items(*limit))),
            Kind::MaxItems { limit } => self.must_have(&format!("at most {}", items(*limit))),
            Kind::UniqueItems => {
                plain(&format!("{} holds an item twice", self.name()), "expected each item once")
            }
            Kind::MultipleOf { multiple_of } => self.must_be(&format!("a multiple of {multiple_of}")),
            Kind::Pattern { pattern } => self.must_be(&format!("text that matches `{pattern}`")),
            Kind::Format { format } => self.must_be(&format!("of the format `{format}`")),
            Kind::FalseSchema => plain(&format!("{} cannot be given here", self.name()), "not allowed"),
            _ => plain(&self.error.masked_with(self.name()).to_string(), "not valid"),
        }
    }

    fn must_be(&self, expected: &str) -> Finding {
        let found = found(self.error.instance());
        plain(&format!("{} must be {expected}, not {found}", self.name()), &format!("expected {expected}"))
    }

    fn must_have(&self, expected: &str) -> Finding {
        plain(&format!("{} must have {expected}", self.name()), &format!("expected {expected}"))
    }

    fn type_finding(&self, expected: &[&str]) -> Finding {
        let value = self.error.instance().as_ref();
        let expected = join(expected, "or");
        let found =
            if expected == INTEGER && value.is_number() { found(value) } else { kind(value).to_owned() };
        let message = format!("{} must be {expected}, not {found}", self.name());
        let label = format!("expected {expected}, found {found}");
        Finding { message, label, hint: self.brackets(&expected) }
    }

    /// One pair of brackets too many or too few is the common slip with headers of tables.
    fn brackets(&self, expected: &str) -> Option<String> {
        let key = segments(self.pointer).pop()?;
        let spot = self.place(self.pointer).value();
        let written = spot.text.text.get(spot.span.clone())?;
        let header = |left: &str, right: &str| Some(format!("write the header as `{left}{key}{right}`"));
        match (expected, self.error.instance().as_ref()) {
            (LIST, Value::Object(_)) if written.starts_with('[') => header("[[", "]]"),
            (TABLE, Value::Array(_)) if written.starts_with("[[") => header("[", "]"),
            _ => None,
        }
    }

    fn options(&self, options: &[Value]) -> Finding {
        let words: Vec<String> = options.iter().map(literal).collect();
        self.one_of(options, &suggest::list(&words, "or"))
    }

    fn one_of(&self, options: &[Value], expected: &str) -> Finding {
        let value = self.error.instance().as_ref();
        let names: Vec<&str> = options.iter().filter_map(Value::as_str).collect();
        let near = value.as_str().and_then(|word| suggest::nearest(word, &names));
        Finding {
            message: format!("{} cannot be {}", self.name(), found(value)),
            label: format!("expected {expected}"),
            hint: near.map(|near| format!("did you mean `{near}`?")),
        }
    }

    /// A value that fits none of several schemas. Where one of them was plainly meant, its violations are what to tell;
    /// else what all of them expect.
    fn choice(&self, branches: &[Vec<ValidationError<'static>>], out: &mut Vec<Diagnostic>) {
        if text(self.node(), "x-expected").is_some() {
            return out.push(self.bad_value());
        }
        let meant: Vec<&Vec<ValidationError<'static>>> =
            branches.iter().filter(|errors| !errors.iter().any(|error| self.rules_out(error))).collect();
        if let Some(errors) = meant.iter().min_by_key(|errors| errors.len()) {
            for error in telling(errors) {
                tell(error, self.schema, self.scope, out);
            }
            return;
        }
        out.push(self.none_of(branches));
    }

    /// Whether the error says that a value is of another kind than its schema is for: another type, or another tag.
    fn rules_out(&self, error: &ValidationError<'_>) -> bool {
        let here = error.instance_path().as_str() == self.pointer;
        let tag =
            error.instance_path().as_str().rsplit_once('/').is_some_and(|(outer, _)| outer == self.pointer);
        match error.kind() {
            Kind::Constant { .. } => here || tag,
            Kind::Type { .. } | Kind::Enum { .. } => here,
            _ => false,
        }
    }

    fn none_of(&self, branches: &[Vec<ValidationError<'static>>]) -> Diagnostic {
        // A word says more than the type that all words have.
        let ruled_out = |errors: &'_ [ValidationError<'static>]| {
            let mut against: Vec<usize> =
                (0..errors.len()).filter(|index| self.rules_out(&errors[*index])).collect();
            against.sort_by_key(|index| is_type(&errors[*index]));
            against.first().copied()
        };
        let first: Vec<&ValidationError<'_>> =
            branches.iter().filter_map(|errors| errors.get(ruled_out(errors)?)).collect();
        let Some(pointer) =
            first.iter().map(|error| error.instance_path().as_str()).max_by_key(|path| path.len())
        else {
            return self.bad_value();
        };
        let tags = first.iter().filter(|error| error.instance_path().as_str() == pointer);
        let Some(error) = tags.clone().next() else { return self.bad_value() };
        let inner = Teller { error, pointer, ..*self };
        let words: Vec<Value> = tags.clone().flat_map(|error| literals(error)).collect();
        let types: Vec<&str> =
            tags.filter(|error| is_type(error)).flat_map(|error| types_of(error)).collect();
        let finding = match (words.as_slice(), types.as_slice()) {
            (_, []) => inner.options(&words),
            ([], types) => inner.type_finding(&unique(types)),
            (words, types) => inner.must_be(&mixed(words, types)),
        };
        Diagnostic::at(inner.place(pointer).value(), finding.message)
            .with_label(finding.label)
            .with_hint(finding.hint.as_deref())
    }

    /// What the value is called.
    fn name(&self) -> String {
        let mut steps = segments(self.pointer);
        let Some(last) = steps.pop() else {
            return if self.scope.name.is_empty() {
                "the file".to_owned()
            } else {
                self.scope.name.to_owned()
            };
        };
        let whole = format!("{}{}", self.scope.prefix, self.pointer);
        match (last.parse::<usize>(), steps.pop(), self.scope.places.get(&whole)) {
            (Ok(index), Some(outer), Some(place)) if place.is_item() => {
                format!("item {} of `{outer}`", index + 1)
            }
            _ => format!("`{last}`"),
        }
    }

    /// The table that the value is, after a preposition: `` in `[input]` ``; nothing for the whole file.
    fn around(&self, preposition: &str) -> String {
        if self.pointer.is_empty() && self.scope.name.is_empty() {
            return String::new();
        }
        let spot = self.place(self.pointer).value();
        let written = spot.text.text.get(spot.span.clone()).unwrap_or_default();
        let header = written.starts_with('[') && written.ends_with(']') && !written.contains('\n');
        if !self.pointer.is_empty() && self.scope.name.is_empty() && header {
            return format!(" {preposition} `{written}`");
        }
        format!(" {preposition} {}", self.name())
    }
}

fn plain(message: &str, label: &str) -> Finding {
    Finding { message: message.to_owned(), label: label.to_owned(), hint: None }
}

const INTEGER: &str = "an integer";
const LIST: &str = "a list";
const TABLE: &str = "a table";

fn expected_types(kind: &TypeKind) -> Vec<&'static str> {
    let name = |kind: &str| match kind {
        "array" => LIST,
        "boolean" => "`true` or `false`",
        "integer" => INTEGER,
        "null" => "nothing",
        "number" => "a number",
        "object" => TABLE,
        _ => "a string",
    };
    match kind {
        TypeKind::Single(single) => vec![name(single.as_str())],
        TypeKind::Multiple(set) => set.iter().map(|one| name(one.as_str())).collect(),
    }
}

fn types_of(error: &ValidationError<'_>) -> Vec<&'static str> {
    match error.kind() {
        Kind::Type { kind } => expected_types(kind),
        _ => Vec::new(),
    }
}

fn literals(error: &ValidationError<'_>) -> Vec<Value> {
    match error.kind() {
        Kind::Constant { expected_value } => vec![(**expected_value).clone()],
        Kind::Enum { options } => options.as_array().cloned().unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn mixed(words: &[Value], types: &[&str]) -> String {
    let words = words.iter().map(|word| format!("`{}`", literal(word)));
    let types = unique(types).into_iter().map(ToOwned::to_owned);
    join(&words.chain(types).collect::<Vec<_>>(), "or")
}

fn unique<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut unique = Vec::new();
    for word in words {
        if !unique.contains(word) {
            unique.push(*word);
        }
    }
    unique
}

/// The type of a value, with its article.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => LIST,
        Value::Object(_) => TABLE,
    }
}

/// The value itself where it is short, else its type.
fn found(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) | Value::Null => kind(value).to_owned(),
        _ => {
            let literal = literal(value);
            if literal.chars().count() > SHORT { kind(value).to_owned() } else { format!("`{literal}`") }
        }
    }
}

/// The most characters of a value that a message repeats.
const SHORT: usize = 40;

fn literal(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.escape_debug().to_string())
}

/// The bounds of a number, of which one was `broken`. The other is left out where it is only that of the type.
fn range(node: &Value, broken: &str) -> String {
    let bound = |key| {
        let bound = node.get(key).and_then(Value::as_f64);
        bound.filter(|bound| key == broken || bound.abs() < CHOSEN)
    };
    match (bound("minimum"), bound("exclusiveMinimum"), bound("maximum"), bound("exclusiveMaximum")) {
        (Some(least), _, Some(most), _) => format!("from {least} to {most}"),
        (Some(least), _, None, Some(most)) => format!("at least {least} and less than {most}"),
        (_, Some(least), Some(most), _) => format!("more than {least} and at most {most}"),
        (_, Some(least), None, Some(most)) => format!("between {least} and {most}"),
        (Some(least), _, None, None) => format!("at least {least}"),
        (None, Some(least), None, None) => format!("more than {least}"),
        (None, None, Some(most), _) => format!("at most {most}"),
        (None, None, None, Some(most)) => format!("less than {most}"),
        (None, None, None, None) => "of a smaller size".to_owned(),
    }
}

/// Larger bounds than this are those of machine integers.
const CHOSEN: f64 = 1e9;

fn items(count: u64) -> String {
    if count == 1 { "1 item".to_owned() } else { format!("{count} items") }
}

fn text(node: &Value, key: &str) -> Option<String> {
    node.get(key).and_then(Value::as_str).map(ToOwned::to_owned)
}

/// The keys that a schema knows, its own and those of the schemas it is made of.
pub(crate) fn known_keys<'a>(root: &'a Value, node: &'a Value) -> Vec<&'a str> {
    let mut keys = Vec::new();
    gather_keys(root, node, &mut keys, 0);
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn gather_keys<'a>(root: &'a Value, node: &'a Value, keys: &mut Vec<&'a str>, depth: usize) {
    // A schema can refer to itself.
    if depth > DEEPEST {
        return;
    }
    let properties = node.get("properties").and_then(Value::as_object);
    keys.extend(properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str)));
    let target =
        node.get("$ref").and_then(Value::as_str).and_then(|target| root.pointer(target.strip_prefix('#')?));
    let parts = ["allOf", "anyOf", "oneOf"].iter().filter_map(|key| node.get(key)?.as_array()).flatten();
    for part in target.into_iter().chain(parts) {
        gather_keys(root, part, keys, depth + 1);
    }
}

/// How far references are followed for the names of keys.
const DEEPEST: usize = 8;
