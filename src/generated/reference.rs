//! A page out of JSON Schemas: a table a definition, so that what is described is what is checked.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

const DEFINITION: &str = "#/$defs/";

/// The definitions that several documents share stand once, at the end.
pub struct Page {
    text: String,
    definitions: BTreeMap<String, Value>,
}

impl Page {
    pub fn new(opening: &str) -> Self {
        Self { text: opening.to_owned(), definitions: BTreeMap::new() }
    }

    pub fn document(&mut self, heading: &str, schema: &Value) {
        section(&mut self.text, heading, schema);
        for (name, definition) in object(schema, "$defs").into_iter().flatten() {
            let before = self.definitions.insert(name.clone(), definition.clone());
            assert!(
                before.is_none_or(|before| before == *definition),
                "two documents mean different things by {name}"
            );
        }
    }

    pub fn finish(mut self) -> String {
        self.text.push_str("\n## Definitions\n");
        for (name, definition) in &self.definitions {
            let heading = format!("### {name}");
            section(&mut self.text, &heading, definition);
        }
        self.text
    }
}

fn section(out: &mut String, heading: &str, schema: &Value) {
    writeln!(out, "\n{heading}\n").expect("a string takes all");
    if let Some(words) = schema["description"].as_str() {
        writeln!(out, "{words}\n").expect("a string takes all");
    }
    let Some(properties) = object(schema, "properties") else {
        writeln!(out, "{}", capital(&kind(schema))).expect("a string takes all");
        return;
    };
    out.push_str("| key | what | |\n|---|---|---|\n");
    let required = |key: &str| texts(&schema["required"]).any(|it| it == key);
    for (key, property) in properties {
        let must = if required(key) { "**required** " } else { "" };
        let default = match &property["default"] {
            Value::Null => String::new(),
            value => format!(" Default `{value}`."),
        };
        let words = property["description"].as_str().unwrap_or_default();
        let words = format!("{words}{default}").replace('\n', " ").replace('|', "\\|");
        writeln!(out, "| `{key}` | {must}{} | {words} |", kind(property).replace('|', "\\|"))
            .expect("a string takes all");
    }
}

/// What may stand there, in words.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches(DEFINITION);
        return format!("[{name}](#{})", name.to_lowercase());
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[choice].as_array() {
            return choices.iter().map(alternative).collect::<Vec<_>>().join(", or ");
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    match &schema["const"] {
        Value::Null => {}
        value => return format!("`{value}`"),
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        names => texts(names).collect(),
    };
    if types.is_empty() {
        return "anything".to_owned();
    }
    types.into_iter().map(|name| of_type(name, schema)).collect::<Vec<_>>().join(" or ")
}

/// One of several, with the words that it has to itself.
fn alternative(schema: &Value) -> String {
    let kind = match object(schema, "properties") {
        // A line of a stream: a definition and the word that tells it from the others.
        Some(properties) => {
            let words = properties.iter().map(|(key, it)| format!("`{key}`: {}", kind(it)));
            format!("{} with {}", kind(schema), words.collect::<Vec<_>>().join(", "))
        }
        None => kind(schema),
    };
    match schema["description"].as_str() {
        Some(words) => format!("{kind} ({})", words.trim_end_matches('.')),
        None => kind,
    }
}

fn of_type(name: &str, schema: &Value) -> String {
    match name {
        "null" => "null".to_owned(),
        "array" if schema["items"].is_null() => "list".to_owned(),
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" => match &schema["additionalProperties"] {
            Value::Object(value) => format!("map of {}", kind(&Value::Object(value.clone()))),
            _ => "map".to_owned(),
        },
        "string" => match schema["pattern"].as_str() {
            // Anything but blanks.
            Some(r"\S") | None => "string".to_owned(),
            Some(pattern) => format!("string like `{pattern}`"),
        },
        "integer" => match (schema["minimum"].as_u64(), schema["maximum"].as_u64()) {
            (Some(from), Some(to)) => format!("integer from {from} to {to}"),
            _ => "integer".to_owned(),
        },
        other => other.to_owned(),
    }
}

fn object<'a>(schema: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    schema[key].as_object()
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
