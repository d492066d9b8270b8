use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One thing wrong with what a caller sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Where, as a JSON Pointer (RFC 6901); empty for the whole document.
    pub pointer: String,
    /// Why, for a person.
    pub detail: String,
}

impl FieldError {
    /// An error at a place.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// Reads the members of a JSON object and gathers everything that is wrong with them, instead of stopping at the first.
pub struct Fields<'a> {
    pointer: String,
    members: Option<&'a Map<String, Value>>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// Starts on `value`, found at `pointer`. Members that are not in `known` are errors.
    pub fn of(value: &'a Value, pointer: &str, known: &[&str]) -> Self {
        let mut fields = Self { pointer: pointer.into(), members: value.as_object(), errors: Vec::new() };
        match fields.members {
            None => fields.errors.push(FieldError::new(pointer, "must be an object")),
            Some(members) => {
                for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
                    let escaped = name.replace('~', "~0").replace('/', "~1");
                    fields.wrong(&escaped, format!("unknown field; known are {}", known.join(", ")));
                }
            }
        }
        fields
    }

    /// Reads a member that must be there.
    pub fn required<T>(&mut self, name: &str, read: impl FnOnce(&'a Value, &str) -> Read<T>) -> Option<T> {
        if self.members.is_some_and(|members| !members.contains_key(name)) {
            self.wrong(name, "is missing");
        }
        self.optional(name, read)
    }

    /// Reads a member that may be missing. `null` counts as a value, so that a typing slip is not taken for a wish.
    pub fn optional<T>(&mut self, name: &str, read: impl FnOnce(&'a Value, &str) -> Read<T>) -> Option<T> {
        let value = self.members?.get(name)?;
        match read(value, &format!("{}/{name}", self.pointer)) {
            Ok(read) => Some(read),
            Err(errors) => {
                self.errors.extend(errors);
                None
            }
        }
    }

    /// Notes an error at a member.
    pub fn wrong(&mut self, name: &str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(format!("{}/{name}", self.pointer), detail));
    }

    /// Ends the reading: the value that `build` makes where nothing was wrong.
    pub fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Read<T> {
        match build() {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(self.errors),
        }
    }
}

/// A value, or everything that is wrong with it.
pub type Read<T> = Result<T, Vec<FieldError>>;
