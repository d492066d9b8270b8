//! What every operation can answer besides what stands at its handler: the problems of the door, the headers that all
//! answers have, and how headers are written. A new endpoint gets them with its place in the table.

use serde_json::{Map, Value, json};

use super::problem_kinds;

const PROBLEM: &str = "application/problem+json";
const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// Adds them to each operation of the document.
pub(super) fn complete(document: &mut Value) {
    document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"] =
        json!(problem_kinds::types(None));
    let of_the_door = PROBLEMS_OF_THE_DOOR.iter();
    let shared = of_the_door
        .map(|(status, description, _)| (format!("Problem{status}"), problem(*status, description)));
    document["components"]["responses"] = Value::Object(shared.collect());
    for (_, operations) in members(&mut document["paths"]) {
        for method in METHODS {
            if let Some(operation) = operations.get_mut(method) {
                complete_operation(method, operation);
            }
        }
    }
    name_constants(document);
}

fn complete_operation(method: &str, operation: &mut Value) {
    let asked = Asked::of(method, operation);
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    parameters.into_iter().flatten().for_each(complete_parameter);
    for (_, response) in members(&mut operation["responses"]) {
        complete_headers(response);
    }
    for (status, response) in members(&mut operation["responses"]) {
        let status = status.parse().unwrap_or_default();
        add_headers(response, status, &asked);
        if let Some(content) = response.pointer_mut("/content/application~1problem+json") {
            content["schema"] = problem_schema(status);
        }
    }
    for (status, _, can_happen) in PROBLEMS_OF_THE_DOOR {
        if can_happen(&asked) {
            let shared = json!({"$ref": format!("#/components/responses/Problem{status}")});
            let responses = &mut operation["responses"];
            if responses.get(status.to_string()).is_none() {
                responses[status.to_string()] = shared;
            }
        }
    }
}

/// What decides how a request can go wrong before its handler has a say.
struct Asked {
    needs_session: bool,
    is_public: bool,
    changes_something: bool,
    has_body: bool,
    has_path_parameter: bool,
}

impl Asked {
    fn of(method: &str, operation: &Value) -> Self {
        let list = |name: &str| operation[name].as_array().cloned().unwrap_or_default();
        let security = list("security");
        Self {
            needs_session: !security.is_empty() && security.iter().all(|scheme| scheme != &json!({})),
            is_public: security.is_empty() && method == "get",
            changes_something: method != "get",
            has_body: operation.get("requestBody").is_some(),
            has_path_parameter: list("parameters").iter().any(|parameter| parameter["in"] == "path"),
        }
    }
}

type Condition = fn(&Asked) -> bool;

const PROBLEMS_OF_THE_DOOR: [(u16, &str, Condition); 10] = [
    (400, "The request cannot be read", |_| true),
    (401, "There is no session, or it is not valid", |asked| asked.needs_session),
    (403, "A page of an origin that is not listed", |asked| asked.changes_something),
    (404, "It does not exist, or it is somebody else's", |asked| asked.has_path_parameter),
    (408, "The request did not arrive in time", |_| true),
    (413, "The body is larger than 16 KiB", |asked| asked.has_body),
    (415, "The body is not plain JSON by its own account", |asked| asked.has_body),
    (429, "Too many requests", |_| true),
    (500, "Something went wrong on our side", |_| true),
    (503, "Something that this needs is away; it will be back", |_| true),
];

/// A response that is a problem of the door.
fn problem(status: u16, description: &str) -> Value {
    let mut response =
        json!({"description": description, "content": {PROBLEM: {"schema": problem_schema(status)}}});
    let asked = Asked {
        needs_session: false,
        is_public: false,
        changes_something: false,
        has_body: false,
        has_path_parameter: false,
    };
    add_headers(&mut response, status, &asked);
    response
}

/// A problem of one status, with the types that it can have.
fn problem_schema(status: u16) -> Value {
    json!({
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {
                "type": "object",
                "properties": {"status": {"const": status}, "type": {"enum": problem_kinds::types(Some(status))}}
            }
        ]
    })
}

/// A header that is not sent is missing, not null; and each has its grammar.
fn complete_parameter(parameter: &mut Value) {
    if parameter["in"] != "header" {
        return;
    }
    let (pattern, example) = match parameter["name"].as_str().unwrap_or_default() {
        "If-Match" | "If-None-Match" => (r#"^([*]|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#, "\"1\""),
        "Idempotency-Key" => ("^[!-~]([ -~]{0,253}[!-~])?$", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        _ => ("^[!-~]([ -~]*[!-~])?$", "1"),
    };
    parameter["schema"] = json!({"type": "string", "pattern": pattern});
    parameter["example"] = json!(example);
}

/// Headers at a handler are required, unless their type there is an `Option`.
fn complete_headers(response: &mut Value) {
    for (name, header) in members(response.get_mut("headers").unwrap_or(&mut Value::Null)) {
        let may_be_missing =
            header["schema"]["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
        header["required"] = json!(!may_be_missing);
        header["schema"] = header_schema(name);
    }
}

fn add_headers(response: &mut Value, status: u16, asked: &Asked) {
    // The door answers these itself, before or after the caller was counted.
    let is_counted = !matches!(status, 400 | 403 | 408 | 500 | 503) && !asked.is_public;
    let is_success = (200..400).contains(&status);
    let mut wanted = vec![
        ("x-request-id", "The id of this request, for the operator's logs", !asked.is_public || !is_success),
        ("ratelimit-policy", "The limit that is nearest, and its window in seconds", is_counted),
        ("ratelimit", "How many requests are left, and for how many seconds", is_counted),
        ("cache-control", "Who may keep this answer, and for how long", !is_success),
        ("vary", "What else the answer depends on", false),
    ];
    match status {
        415 => wanted.extend([
            ("accept", "The media type that is understood, where another was sent", false),
            ("accept-encoding", "The content coding that is understood, where another was sent", false),
        ]),
        429 | 503 => wanted.push(("retry-after", "Seconds until it is worth another try", true)),
        200..400 if !asked.is_public => {
            wanted.push(("set-cookie", "The session, where it was time to renew it", false));
        }
        _ => {}
    }
    // A problem is never public: it may bring a new cookie as well.
    if !is_success {
        wanted.push(("set-cookie", "The session, where it was time to renew it", false));
    }
    if response.get("headers").is_none() {
        response["headers"] = json!({});
    }
    for (name, description, required) in wanted {
        if response["headers"].get(name).is_none() {
            let schema = header_schema(name);
            response["headers"][name] =
                json!({"description": description, "required": required, "schema": schema});
        }
    }
}

/// What a header's value looks like.
fn header_schema(name: &str) -> Value {
    let pattern = |pattern: &str| json!({"type": "string", "pattern": pattern});
    match name {
        "x-request-id" => json!({"type": "string", "format": "uuid"}),
        "retry-after" => json!({"type": "integer", "minimum": 1}),
        "etag" => pattern("^(W/)?\"[!#-~]*\"$"),
        "location" => pattern(
            "^/(api/v1|tiles)/routes/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[0-9]+/[0-9]+/[0-9]+[.]pbf)?$",
        ),
        "link" => pattern("^<[!-;=?-~]+>; rel=\"next\"$"),
        "ratelimit" => pattern("^\"[a-z]+\";r=[0-9]+;t=[0-9]+$"),
        "ratelimit-policy" => pattern("^\"[a-z]+\";q=[0-9]+;w=[0-9]+$"),
        "set-cookie" => pattern(
            "^(__Host-)?wildside=[!-:<-~]*; Path=/; HttpOnly; SameSite=Lax; Max-Age=[0-9]+(; Secure)?$",
        ),
        "content-disposition" => pattern("^attachment; filename=\"[!#-~]+\"$"),
        "content-encoding" => json!({"type": "string", "enum": ["gzip", "br", "zstd"]}),
        "accept" => json!({"type": "string", "const": "application/json"}),
        "accept-encoding" => json!({"type": "string", "const": "identity"}),
        _ => json!({"type": "string", "minLength": 1}),
    }
}

/// An enumeration of one value is a constant, by which a program tells bodies apart.
fn name_constants(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some([only]) = members.get("enum").and_then(Value::as_array).map(Vec::as_slice) {
                let only = only.clone();
                members.remove("enum");
                members.insert("const".into(), only);
            }
            members.values_mut().for_each(name_constants);
        }
        Value::Array(list) => list.iter_mut().for_each(name_constants),
        _ => {}
    }
}

/// The members of an object, or none.
fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(Map::iter_mut)
}
