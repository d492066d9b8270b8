//! Which answer leads to which request: links (OpenAPI 3.1, 4.8.20), for those who explore the API and for tests.

use serde_json::{Value, json};

/// From which operation and status, to which operation, with which parameters.
type Link = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const ROUTE_OF_ANSWER: &[(&str, &str)] = &[("route_id", "$response.body#/route_id")];
const ROUTE_OF_REQUEST: &[(&str, &str)] = &[("route_id", "$request.path.route_id")];
const FIRST_OF_PAGE: &[(&str, &str)] = &[("route_id", "$response.body#/routes/0/route_id")];

const LINKS: &[Link] = &[
    ("create_user", "201", "get_me", &[]),
    ("create_user", "200", "get_me", &[]),
    ("get_me", "200", "get_me", &[("If-None-Match", "$response.header.etag")]),
    ("get_me", "200", "put_interests", &[("If-Match", "$response.header.etag")]),
    ("get_interest_themes", "200", "get_interest_themes", &[("If-None-Match", "$response.header.etag")]),
    ("post_route", "202", "get_route", ROUTE_OF_ANSWER),
    ("post_route", "202", "save_route", ROUTE_OF_ANSWER),
    ("post_route", "200", "get_route", ROUTE_OF_ANSWER),
    ("post_route", "200", "save_route", ROUTE_OF_ANSWER),
    ("get_route", "200", "get_poi", &[("poi_id", "$response.body#/stops/0/poi_id")]),
    ("get_route", "200", "get_route_tile", ROUTE_OF_ANSWER),
    ("get_route", "200", "save_route", ROUTE_OF_ANSWER),
    ("save_route", "204", "unsave_route", ROUTE_OF_REQUEST),
    ("save_route", "204", "get_my_routes", &[]),
    ("get_my_routes", "200", "get_my_routes", &[("cursor", "$response.body#/next_cursor")]),
    ("get_my_routes", "200", "get_route", FIRST_OF_PAGE),
];

/// Adds them to the document.
pub(super) fn add(document: &mut Value) {
    let operations = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let operations =
        operations.flat_map(|methods| methods.as_object_mut()).flat_map(|methods| methods.values_mut());
    for operation in operations {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        for (_, status, to, parameters) in LINKS.iter().filter(|(from, ..)| *from == id) {
            let parameters: serde_json::Map<String, Value> =
                parameters.iter().map(|(name, from)| ((*name).into(), json!(from))).collect();
            let link = json!({"operationId": to, "parameters": parameters});
            operation["responses"][*status]["links"][*to] = link;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_leads_from_an_answer_to_an_operation() {
        let document = crate::openapi::document();
        let paths = document["paths"].as_object().unwrap();
        let operations: Vec<&Value> =
            paths.values().flat_map(|methods| methods.as_object().unwrap().values()).collect();
        let find = |id: &str| operations.iter().find(|operation| operation["operationId"] == id);
        for (from, status, to, parameters) in LINKS {
            let response = &find(from).unwrap()["responses"][status];
            assert!(response["description"].is_string(), "{from} {status}");
            let known = find(to).unwrap()["parameters"].as_array().cloned().unwrap_or_default();
            for (name, _) in *parameters {
                assert!(known.iter().any(|parameter| parameter["name"] == *name), "{to}: {name}");
            }
        }
    }
}
