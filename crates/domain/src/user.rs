use serde_json::Value;

use crate::{Accessibility, Fields, Read, ThemeId, UserId, route_request::theme_ids};

/// A walker's profile.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// Grows with every change of the profile.
    pub revision: i64,
    /// What they like, sorted.
    pub interest_theme_ids: Vec<ThemeId>,
    /// Bias of their latest request, or the default.
    pub popularity_bias: f64,
    /// Needs of their latest request, or none.
    pub accessibility: Accessibility,
}

impl User {
    /// Most themes of one profile.
    pub const MOST_INTERESTS: usize = 100;

    /// Reads the public JSON form of a walker's interests; an empty list clears them.
    pub fn parse_interests(value: &Value) -> Read<Vec<ThemeId>> {
        let mut fields = Fields::of(value, "", &["interest_theme_ids"]);
        let themes = fields.required("interest_theme_ids", |value, pointer| {
            theme_ids(value, pointer, 0..=Self::MOST_INTERESTS)
        });
        fields.finish(|| themes)
    }
}
