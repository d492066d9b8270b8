//! The table of all endpoints, as the OpenAPI document tells it: a test that goes through it cannot forget one.

use serde_json::{Value, json};
use testbed::{Answer, Method, Walker};

use crate::town::Town;

/// An operation of the OpenAPI document.
pub struct Operation {
    pub method: Method,
    pub path: String,
    /// It needs a session.
    pub session: bool,
}

impl Operation {
    pub fn all(document: &Value) -> Vec<Self> {
        let paths = document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, operation)| Self {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                session: operation["security"]
                    .as_array()
                    .is_some_and(|schemes| schemes.iter().any(|scheme| scheme.get("session").is_some())),
            })
        });
        operations.collect()
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// A legal body, where there is one.
    pub fn body(&self, town: &Town) -> Option<Value> {
        match self.name().as_str() {
            "POST /api/v1/routes" => Some(town.wish(2)),
            "PUT /api/v1/users/me/interests" => Some(json!({"interest_theme_ids": town.themes[..2]})),
            _ => None,
        }
    }

    /// Afterwards the walker, their sessions or the route are gone.
    pub fn is_last(&self) -> bool {
        let paths = ["/api/v1/routes/{route_id}", "/api/v1/users/me", "/api/v1/users/me/sessions"];
        self.method == Method::DELETE && paths.contains(&self.path.as_str())
    }

    /// A path with ids for its parameters.
    pub fn filled(path: &str, ids: &[(&str, &str)]) -> String {
        let path =
            ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id));
        assert!(!path.contains('{'), "{path}: nobody has told this test what to put there");
        path
    }

    pub async fn ask(&self, walker: &Walker, ids: [(&str, &str); 5], body: Option<&Value>) -> Answer {
        walker.send(self.method.clone(), &Self::filled(&self.path, &ids), body).await.unwrap()
    }
}
