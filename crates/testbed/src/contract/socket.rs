use jsonschema::{Draft, Validator};
use serde_json::Value;
use std::collections::BTreeMap;

use super::{committed, schema};

/// What the notifier promises to say.
pub struct SocketContract {
    /// By the `type` of the message.
    messages: BTreeMap<String, Validator>,
}

impl SocketContract {
    /// The contract of docs/asyncapi.json.
    pub fn committed() -> anyhow::Result<Self> {
        let document = committed("asyncapi.json")?;
        let said = document["operations"]["hear"]["messages"].as_array().cloned().unwrap_or_default();
        let mut messages = BTreeMap::new();
        for reference in said.iter().filter_map(|message| message["$ref"].as_str()) {
            let message = document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null);
            let name = message["name"].as_str().unwrap_or_default().to_owned();
            messages.insert(name, schema::compile_closed(&message["payload"], &document)?);
        }
        Ok(Self { messages })
    }

    /// The schema of what a client may say.
    pub fn client_message() -> anyhow::Result<Validator> {
        let document = committed("asyncapi.json")?;
        let payload = &document["channels"]["walker"]["messages"]["update_location"]["payload"];
        // AsyncAPI's schemas are those of draft 7, which this draft reads alike, and it knows more formats.
        schema::compile_open(payload, &document, Draft::Draft201909)
    }

    /// Everything in a message that the document does not promise.
    pub fn wrongs(&self, message: &Value) -> Vec<String> {
        let kind = message["type"].as_str().unwrap_or_default();
        match self.messages.get(kind) {
            Some(validator) => schema::wrongs(validator, message),
            None => vec![format!("it has no message of the type {kind:?}")],
        }
    }
}
