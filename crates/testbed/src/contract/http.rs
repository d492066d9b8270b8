use anyhow::Context;
use jsonschema::{Draft, Validator};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashMap;

use super::{committed, schema};
use crate::client::Answer;

/// Statuses with which the door answers before it looks where a request leads.
const OF_THE_DOOR: [u16; 6] = [400, 403, 408, 429, 500, 503];
/// Statuses that the HTTP library answers by itself, without a body, to what is no request.
const BARE: [u16; 3] = [400, 414, 431];
/// Headers of HTTP itself and of the rules of browsers. They are no part of an operation.
const OF_THE_TRANSPORT: [&str; 11] = [
    "age",
    "allow",
    "connection",
    "content-length",
    "content-type",
    "date",
    "server",
    "transfer-encoding",
    "via",
    "x-cache",
    "x-content-type-options",
];

/// What the gateway promises to answer.
pub struct HttpContract {
    document: Value,
    /// The schemas of bodies, by status, media type and address in the document.
    bodies: HashMap<String, Validator>,
    problem: Validator,
}

impl HttpContract {
    /// The contract of docs/openapi.json.
    pub fn committed() -> anyhow::Result<Self> {
        Self::of(committed("openapi.json")?)
    }

    fn of(document: Value) -> anyhow::Result<Self> {
        let mut bodies = HashMap::new();
        for operation in operations(&document) {
            for response in responses(&document, operation) {
                for (media_type, schema) in contents(response) {
                    if let std::collections::hash_map::Entry::Vacant(entry) =
                        bodies.entry(key(media_type, schema))
                    {
                        entry.insert(schema::compile_closed(schema, &document)?);
                    }
                }
            }
        }
        let problem = schema::compile_closed(&json!({"$ref": "#/components/schemas/Problem"}), &document)?;
        Ok(Self { document, bodies, problem })
    }

    /// The schema of the body that an operation takes.
    pub fn request_body(&self, method: &Method, path: &str) -> anyhow::Result<Validator> {
        let operation = self.operation(method, path).context("there is no such operation")?;
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        schema::compile_open(schema, &self.document, Draft::Draft202012)
    }

    /// Everything in an answer that the document does not promise.
    pub fn wrongs(&self, method: &Method, target: &str, answer: &Answer) -> Vec<String> {
        let status = answer.status.as_u16();
        // Preflights are between browsers and the door.
        if *method == Method::OPTIONS || (BARE.contains(&status) && answer.header("x-request-id").is_empty())
        {
            return Vec::new();
        }
        let path = target.split(['?', '#']).next().unwrap_or_default();
        match self.operation(method, path) {
            Some(operation) => self.wrongs_of_operation(operation, method, answer),
            None => self.wrongs_of_nothing(method, path, answer),
        }
    }

    /// What is wrong with an answer where no operation is: it can only be a refusal.
    fn wrongs_of_nothing(&self, method: &Method, path: &str, answer: &Answer) -> Vec<String> {
        let status = answer.status.as_u16();
        let refusal = if self.template(path).is_some() { 405 } else { 404 };
        if status != refusal && !OF_THE_DOOR.contains(&status) {
            return vec![format!("there is no {method} {path} in it: add the endpoint to the document")];
        }
        if *method == Method::HEAD { Vec::new() } else { schema::wrongs(&self.problem, &answer.json()) }
    }

    fn wrongs_of_operation(&self, operation: &Value, method: &Method, answer: &Answer) -> Vec<String> {
        let status = answer.status.as_u16().to_string();
        let Some(response) = operation["responses"].get(&status) else {
            return vec![format!("this operation has no {status}")];
        };
        let response = resolved(&self.document, response);
        let mut wrongs = wrongs_of_headers(response, answer);
        let media_type = answer.header("content-type");
        let documented: Vec<(&str, &Value)> = contents(response).collect();
        match documented.iter().find(|(documented, _)| *documented == media_type) {
            None if documented.is_empty() => {
                if !media_type.is_empty() || !answer.body.is_empty() {
                    wrongs.push(format!(
                        "it has no body, and {} bytes of {media_type:?} came",
                        answer.body.len()
                    ));
                }
            }
            None => wrongs.push(format!("it has no body of the type {media_type:?}")),
            Some(_) if *method == Method::HEAD => {}
            Some((media_type, schema)) if media_type.ends_with("json") => {
                let validator = &self.bodies[&key(media_type, schema)];
                match serde_json::from_slice(&answer.body) {
                    Ok(body) => wrongs.extend(schema::wrongs(validator, &body)),
                    Err(error) => wrongs.push(format!("the body is no JSON: {error}")),
                }
            }
            Some(_) if answer.body.is_empty() => wrongs.push("the body is empty".into()),
            Some(_) => {}
        }
        wrongs
    }

    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        self.template(path)?.get(method.as_str().to_lowercase())
    }

    /// The operations of a path, where words fit better than parameters.
    fn template(&self, path: &str) -> Option<&Value> {
        let paths = self.document["paths"].as_object()?;
        let fitting =
            paths.iter().filter_map(|(template, methods)| Some((words_that_fit(template, path)?, methods)));
        fitting.max_by_key(|(words, _)| *words).map(|(_, methods)| methods)
    }
}

/// How many words of a path template stand in the path, where it fits.
fn words_that_fit(template: &str, path: &str) -> Option<usize> {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(template, part): (&&str, &&str)| {
        if template.starts_with('{') { !part.is_empty() } else { template == part }
    };
    let all_fit = template.len() == path.len() && template.iter().zip(&path).all(fits);
    all_fit.then(|| template.iter().filter(|word| !word.starts_with('{')).count())
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    paths.flat_map(|methods| methods.as_object()).flat_map(|methods| methods.values())
}

fn responses<'a>(document: &'a Value, operation: &'a Value) -> impl Iterator<Item = &'a Value> {
    let responses = operation["responses"].as_object().into_iter().flat_map(|responses| responses.values());
    responses.map(|response| resolved(document, response))
}

fn contents(response: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let contents = response["content"].as_object().into_iter().flatten();
    contents.map(|(media_type, content)| (media_type.as_str(), &content["schema"]))
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn key(media_type: &str, schema: &Value) -> String {
    format!("{media_type} {schema}")
}

fn wrongs_of_headers(response: &Value, answer: &Answer) -> Vec<String> {
    let documented = response["headers"].as_object();
    let mut wrongs = Vec::new();
    for (name, header) in documented.into_iter().flatten() {
        if header["required"] == true && !answer.headers.contains_key(name) {
            wrongs.push(format!("the header {name} is missing"));
        }
        let values = answer.headers.get_all(name).iter();
        wrongs.extend(
            values
                .filter_map(|value| wrong_of_header(&header["schema"], value.as_bytes()))
                .map(|wrong| format!("the header {name} is wrong: {wrong}")),
        );
    }
    for name in answer.headers.keys().map(|name| name.as_str()) {
        let is_known = documented.is_some_and(|documented| documented.contains_key(name));
        if !is_known && !OF_THE_TRANSPORT.contains(&name) && !name.starts_with("access-control-") {
            wrongs.push(format!("it has no header {name}"));
        }
    }
    wrongs
}

fn wrong_of_header(schema: &Value, value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value).into_owned();
    let value = match (schema["type"].as_str(), text.parse::<i64>()) {
        (Some("integer"), Ok(number)) => json!(number),
        _ => json!(text),
    };
    jsonschema::options().should_validate_formats(true).build(schema).map_or_else(
        |error| Some(error.to_string()),
        |validator| validator.validate(&value).err().map(|error| error.to_string()),
    )
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
