//! The file `.ai-how.yaml` beside the configurations.

use crate::config::shape::{Field, MapShape, Role, Shape, Unknown};

pub(in crate::config) static POLICY_FILE: MapShape = MapShape {
    name: "policy_file",
    what: "a policy",
    doc: "What becomes of findings about the configurations beside this file.",
    required: &[],
    fields: &[&[
        Field::new("ignore", Shape::List(&Shape::Map(&IGNORE)), "What is passed over, and why."),
        Field::new("warn", Shape::List(&Shape::Map(&CHANGE)), "What is a warning."),
        Field::new("error", Shape::List(&Shape::Map(&CHANGE)), "What is an error."),
    ]],
    ..ENTRY
};

static IGNORE: MapShape = MapShape {
    name: "ignore",
    what: "an ignore",
    doc: "Findings of a rule that are passed over.",
    required: &[&["rule"], &["reason"]],
    fields: &[
        &[Field::new("reason", Shape::Name, "Why they may be passed over; it stands in reports.")],
        RULE,
    ],
    ..ENTRY
};

static CHANGE: MapShape = MapShape {
    name: "change",
    what: "a change of severity",
    doc: "Findings of a rule that are worse or better than the rule has them.",
    required: &[&["rule"]],
    fields: &[&[Field::new("reason", Shape::Text, "Why it is so.")], RULE],
    ..ENTRY
};

const RULE: &[Field] = &[
    Field::new("rule", Shape::Name, "Code or name of the rule, AH301 or group-incomplete."),
    Field::new("vm", Shape::Name, "Only of the VM with this name, or CLUSTER/NAME.").never_empty(),
    Field::new("device", Shape::Address, "Only of this device.").never_empty(),
];

/// An ignored key would pass over more than was meant.
const ENTRY: MapShape = MapShape {
    name: "",
    what: "",
    doc: "",
    role: Role::Plain,
    unknown: Unknown::Refused,
    required: &[],
    fields: &[],
    misplaced: &[],
};
