//! The description as a JSON Schema, for editors.
//!
//! It cannot say everything: that a key stands twice, that text is broken, that an ignored key
//! hides a device. Where it and the program differ, the program is right.

use serde_json::{Map, Value, json};

use super::document::{CLUSTER_FILE, POLICY_FILE, SHORT_FILE};
use super::shape::{Field, MAX_INTEGER, MapShape, Role, Shape, Unknown};

/// The JSON Schema (draft 2020-12) of a configuration.
pub fn schema() -> Value {
    let mut definitions = definitions();
    let files = [&CLUSTER_FILE, &SHORT_FILE].map(|file| map(file, &mut definitions));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ai-how:schema:cluster:1",
        "title": "ai-how configuration",
        "description": "VMs and the PCI devices of the host that they get.",
        "type": "object",
        "anyOf": files,
        "$defs": definitions,
    })
}

/// The JSON Schema (draft 2020-12) of `.ai-how.yaml`.
pub fn policy_schema() -> Value {
    let mut definitions = definitions();
    let file = map(&POLICY_FILE, &mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ai-how:schema:policy:1",
        "title": "ai-how policy",
        "description": POLICY_FILE.doc,
        "anyOf": [file, { "type": "null" }],
        "$defs": definitions,
    })
}

fn definitions() -> Map<String, Value> {
    let variable = json!({
        "description": "A value that the environment gives: ${NAME}, ${NAME:-default}, ${NAME:?message}.",
        "type": "string",
        "pattern": "\\$\\{[A-Za-z_][A-Za-z0-9_]*(:?[-?][^}]*)?\\}",
    });
    Map::from_iter([("variable".to_owned(), variable)])
}

/// A reference to the definition of a map, which is added where it is missing.
fn map(shape: &'static MapShape, definitions: &mut Map<String, Value>) -> Value {
    let reference = json!({ "$ref": format!("#/$defs/{}", shape.name) });
    if definitions.contains_key(shape.name) {
        return reference;
    }
    // Its place is taken before its fields are described, which may name it again.
    definitions.insert(shape.name.to_owned(), Value::Null);
    let properties: Map<String, Value> = shape
        .all()
        .map(|field| (field.key.to_owned(), property(field, shape, definitions)))
        .collect();
    let required: Vec<&str> =
        shape.required.iter().filter(|keys| keys.len() == 1).map(|keys| keys[0]).collect();
    let mut out = json!({ "description": shape.doc, "type": "object", "properties": properties });
    if !required.is_empty() {
        out["required"] = json!(required);
    }
    if shape.unknown == Unknown::Refused {
        out["additionalProperties"] = json!(false);
    }
    for keys in shape.required.iter().filter(|keys| keys.len() > 1) {
        out["oneOf"] = keys.iter().map(|key| json!({ "required": [key] })).collect();
    }
    if shape.role == Role::Group {
        out["if"] = json!({ "properties": { "count": { "type": "integer", "minimum": 2 } } });
        out["then"] = json!({ "properties": { "ip": { "not": { "pattern": IPV4 } } } });
    }
    definitions.insert(shape.name.to_owned(), out);
    reference
}

fn property(field: &Field, map: &MapShape, definitions: &mut Map<String, Value>) -> Value {
    let mut out = value(field.shape, definitions);
    if field.may_be_empty && !map.requires(field.key) {
        out = or_null(out);
    }
    out["description"] = json!(field.doc);
    if let Some(default) = field.default {
        out["default"] = serde_json::from_str(default)
            .expect("a default is written as JSON: a test makes the schema");
    }
    out
}

/// The same shape, or nothing.
fn or_null(mut shape: Value) -> Value {
    let nothing = json!({ "type": "null" });
    if let Some(choices) = shape.get_mut("anyOf").and_then(Value::as_array_mut) {
        choices.push(nothing);
        shape
    } else if shape.as_object().is_some_and(Map::is_empty) {
        shape
    } else {
        json!({ "anyOf": [shape, nothing] })
    }
}

const ADDRESS: &str = "^[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[01][0-9A-Fa-f]\\.[0-7]$";
const IPV4: &str = "^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\\.(?!$)|$)){4}$";
const SUBNET: &str =
    "^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\\.(?!/)|/)){4}([12]?[0-9]|3[0-2])$";

fn value(shape: Shape, definitions: &mut Map<String, Value>) -> Value {
    let typed = match shape {
        Shape::Map(shape) => return map(shape, definitions),
        Shape::List(entry) => {
            return json!({ "type": "array", "items": value(*entry, definitions) });
        }
        Shape::Nodes { vm, group } => {
            let vms = json!({ "type": "array", "items": map(vm, definitions) });
            return json!({ "anyOf": [vms, map(group, definitions)] });
        }
        Shape::Free => return json!({}),
        Shape::Text => return json!({ "type": ["string", "number", "boolean"] }),
        Shape::Name => return json!({ "type": ["string", "number", "boolean"], "pattern": "\\S" }),
        Shape::Integer { min } => {
            json!({ "type": "integer", "minimum": min, "maximum": MAX_INTEGER })
        }
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Word(words) => one_of(words),
        Shape::Address => json!({ "type": "string", "pattern": ADDRESS }),
        // Unquoted, most ids are numbers to an editor: the program reads the digits as typed.
        Shape::Id => json!({
            "type": ["string", "number"], "pattern": "^[0-9A-Fa-f]{4}$", "minimum": 0,
        }),
        Shape::Ip => json!({ "type": "string", "pattern": format!("^DHCP$|{IPV4}") }),
        Shape::Subnet => json!({ "type": "string", "pattern": SUBNET }),
        Shape::Path { suffix } => {
            json!({ "type": "string", "pattern": format!(".{}$", suffix.replace('.', "\\.")) })
        }
    };
    json!({ "anyOf": [typed, { "$ref": "#/$defs/variable" }] })
}

/// Words, and the numbers that some of them are when they are not quoted.
fn one_of(words: &[&str]) -> Value {
    let numbers =
        words.iter().filter_map(|word| word.parse::<f64>().ok()).map(|number| json!(number));
    let all: Vec<Value> = words.iter().map(|word| json!(word)).chain(numbers).collect();
    json!({ "enum": all })
}
