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
    /// Longest pointer and longest detail, in characters; what is longer ends with an ellipsis.
    pub const MAX_CHARS: usize = 300;
    /// Most errors that a caller is shown at once, the one that counts the others included.
    pub const MAX_SHOWN: usize = 20;
    /// Most bytes of JSON that all errors shown take together.
    pub const MAX_SHOWN_BYTES: usize = 4096;

    /// An error at a place. Both texts may hold what a caller wrote, so both are cut to [`Self::MAX_CHARS`].
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: cut(pointer.into()), detail: cut(detail.into()) }
    }

    /// What a caller is shown of `errors`: the first ones, and how many more there are. A small body can be wrong in
    /// thousands of places, and must not buy a large answer.
    pub fn shown(mut errors: Vec<Self>) -> Vec<Self> {
        let bytes = |error: &Self| serde_json::to_string(error).map_or(0, |json| json.len());
        let mut left = Self::MAX_SHOWN_BYTES;
        let fitting = errors.iter().take_while(|error| {
            let fits = left.checked_sub(bytes(error));
            left = fits.unwrap_or(0);
            fits.is_some()
        });
        let fitting = fitting.count();
        if fitting == errors.len() && fitting <= Self::MAX_SHOWN {
            return errors;
        }
        let shown = fitting.min(Self::MAX_SHOWN - 1);
        let more = errors.len() - shown;
        errors.truncate(shown);
        errors.push(Self::new("", format!("{more} more errors are not listed")));
        errors
    }
}

/// A text of at most [`FieldError::MAX_CHARS`] characters.
fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(FieldError::MAX_CHARS) {
        let last = text[..at].char_indices().next_back().map_or(0, |(at, _)| at);
        text.truncate(last);
        text.push('…');
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn unknown_fields(names: impl Iterator<Item = String>) -> Vec<FieldError> {
        let members: Map<String, Value> = names.map(|name| (name, json!(1))).collect();
        Fields::of(&Value::Object(members), "", &["seed"]).finish(|| Some(())).unwrap_err()
    }

    #[test]
    fn what_a_caller_is_shown_is_bounded() {
        let many = FieldError::shown(unknown_fields((0..3000).map(|number| format!("{number:04}"))));
        assert_eq!(many.len(), FieldError::MAX_SHOWN);
        assert_eq!(many.last(), Some(&FieldError::new("", "2981 more errors are not listed")));
        for letter in ["\u{1}", "é", "😀", "\"", "/", "~"] {
            let long = unknown_fields((0..10).map(|number| letter.repeat(1600) + &number.to_string()));
            let long = FieldError::shown(long);
            let bytes = serde_json::to_string(&long).unwrap().len();
            assert!(bytes < FieldError::MAX_SHOWN_BYTES + 200, "{letter:?}: {bytes}");
            assert!(long.iter().all(|error| error.pointer.chars().count() <= FieldError::MAX_CHARS));
        }
    }

    #[test]
    fn a_few_short_errors_are_shown_as_they_are() {
        let few = unknown_fields((0..20).map(|number| number.to_string()));
        assert_eq!(FieldError::shown(few.clone()), few);
        let name = "n".repeat(FieldError::MAX_CHARS - 1);
        assert_eq!(unknown_fields([name.clone()].into_iter())[0].pointer, format!("/{name}"));
    }
}
