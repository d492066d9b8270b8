use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName},
};

use super::*;

fn contract() -> HttpContract {
    let response = json!({
        "headers": {
            "x-request-id": {"required": true, "schema": {"type": "string", "format": "uuid"}},
            "retry-after": {"required": false, "schema": {"type": "integer", "minimum": 1}}
        },
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Walk"}}}
    });
    let document = json!({
        "paths": {
            "/walks/{id}": {"get": {"responses": {"200": response, "304": {}}}},
            "/walks/mine": {"get": {"responses": {"204": {}}}}
        },
        "components": {"schemas": {
            "Head": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "format": "uuid"}}},
            "Walk": {"oneOf": [
                {"allOf": [{"$ref": "#/components/schemas/Head"}, {
                    "type": "object", "required": ["status", "stops"],
                    "properties": {
                        "status": {"const": "complete"},
                        "stops": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}
                    }
                }]},
                {"allOf": [{"$ref": "#/components/schemas/Head"}, {
                    "type": "object", "required": ["status"], "properties": {"status": {"enum": ["pending", "failed"]}}
                }]}
            ]},
            "Problem": {"type": "object", "required": ["status"], "properties": {"status": {"type": "integer"}}}
        }}
    });
    HttpContract::of(document).unwrap()
}

const ID: &str = "f47ac10b-58cc-4372-a567-0e02b2c3d479";

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let header = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    let headers: HeaderMap = headers.iter().map(header).collect();
    Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.into() }
}

fn walk(body: &Value) -> Answer {
    answer(200, &[("content-type", "application/json"), ("x-request-id", ID)], &body.to_string())
}

#[test]
fn what_is_promised_is_right() {
    let (contract, get) = (contract(), Method::GET);
    for body in [
        json!({"id": ID, "status": "complete", "stops": [{"name": "Kiasma"}]}),
        json!({"id": ID, "status": "pending"}),
    ] {
        assert_eq!(contract.wrongs(&get, "/walks/7?x=1", &walk(&body)), [""; 0]);
    }
    assert_eq!(contract.wrongs(&get, "/walks/mine", &answer(204, &[("date", "today")], "")), [""; 0]);
    assert_eq!(contract.wrongs(&get, "/walks/7", &answer(304, &[], "")), [""; 0]);
    assert_eq!(contract.wrongs(&get, "/nowhere", &answer(404, &[], "{\"status\":404}")), [""; 0]);
    assert_eq!(contract.wrongs(&Method::PUT, "/walks/7", &answer(405, &[], "{\"status\":405}")), [""; 0]);
    let head = answer(200, &[("content-type", "application/json"), ("x-request-id", ID)], "");
    assert_eq!(contract.wrongs(&Method::HEAD, "/walks/7", &head), [""; 0]);
}

#[test]
fn what_is_not_promised_is_wrong() {
    let (contract, get) = (contract(), Method::GET);
    for body in [
        json!({"id": ID, "status": "complete"}),
        json!({"id": ID, "status": "late"}),
        json!({"id": "7", "status": "pending"}),
        json!({"id": ID, "status": "pending", "stops": []}),
        json!({"id": ID, "status": "pending", "colour": "red"}),
        json!({"id": ID, "status": "complete", "stops": [{"name": "Kiasma", "colour": "red"}]}),
        json!({"id": ID, "status": "complete", "stops": [{"name": null}]}),
        json!([]),
    ] {
        assert_ne!(contract.wrongs(&get, "/walks/7", &walk(&body)), [""; 0], "{body}");
    }
    let body = json!({"id": ID, "status": "pending"}).to_string();
    let json = ("content-type", "application/json");
    let id = ("x-request-id", ID);
    for (what, headers, body) in [
        ("no content type", &[id][..], body.as_str()),
        ("another content type", &[("content-type", "application/json; charset=utf-8"), id], &body),
        ("no id", &[json], &body),
        ("an id that is none", &[json, ("x-request-id", "7")], &body),
        ("a number that is too small", &[json, id, ("retry-after", "0")], &body),
        ("a number that is none", &[json, id, ("retry-after", "soon")], &body),
        ("an undocumented header", &[json, id, ("x-colour", "red")], &body),
        ("half a body", &[json, id], &body[1..]),
    ] {
        assert_ne!(contract.wrongs(&get, "/walks/7", &answer(200, headers, body)), [""; 0], "{what}");
    }
    let nothing = answer(200, &[], "{}");
    for (method, target) in
        [(&get, "/nowhere"), (&Method::PUT, "/walks/7"), (&get, "/walks/mine"), (&get, "/walks/")]
    {
        assert_ne!(contract.wrongs(method, target, &nothing), [""; 0], "{method} {target}");
    }
    assert_ne!(contract.wrongs(&get, "/walks/mine", &answer(204, &[], "{}")), [""; 0]);
    assert_ne!(contract.wrongs(&get, "/nowhere", &answer(404, &[], "lost")), [""; 0]);
}
