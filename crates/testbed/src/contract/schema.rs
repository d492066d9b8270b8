use anyhow::anyhow;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

/// Compiles a schema of a document for what we send: where the document is open for members that come later, an answer
/// of today must not have any that it does not describe.
pub(super) fn compile_closed(schema: &Value, document: &Value) -> anyhow::Result<Validator> {
    let (mut schema, mut components) = (schema.clone(), document["components"].clone());
    for component in
        components["schemas"].as_object_mut().into_iter().flat_map(|schemas| schemas.values_mut())
    {
        close_members(component);
    }
    close(&mut schema);
    compile(schema, components, Draft::Draft202012)
}

/// Compiles a schema of a document as it stands.
pub(super) fn compile_open(schema: &Value, document: &Value, draft: Draft) -> anyhow::Result<Validator> {
    compile(schema.clone(), document["components"].clone(), draft)
}

fn compile(mut schema: Value, components: Value, draft: Draft) -> anyhow::Result<Validator> {
    // References lead into the document: its components go along.
    schema["components"] = components;
    jsonschema::options()
        .with_draft(draft)
        .should_validate_formats(true)
        .build(&schema)
        .map_err(|error| anyhow!("a schema cannot be used: {error}"))
}

/// What is wrong with a value, one line each.
pub(super) fn wrongs(validator: &Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|error| format!("at {:?}: {error}", error.instance_path().to_string()))
        .collect()
}

fn close(schema: &mut Value) {
    close_members(schema);
    // What describes no members at all is open on purpose.
    let describes = ["properties", "$ref", "allOf", "anyOf", "oneOf"];
    if describes.iter().any(|keyword| schema.get(keyword).is_some())
        && schema.get("additionalProperties").is_none()
    {
        schema["unevaluatedProperties"] = json!(false);
    }
}

/// Closes the schemas of all members and items; those that are put together to one value stay open among themselves.
fn close_members(schema: &mut Value) {
    let Some(keywords) = schema.as_object_mut() else { return };
    for (keyword, value) in keywords {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(members)) => members.values_mut().for_each(close),
            ("prefixItems", Value::Array(items)) => items.iter_mut().for_each(close),
            ("items" | "additionalProperties", value) => close(value),
            ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => parts.iter_mut().for_each(close_members),
            _ => {}
        }
    }
}
