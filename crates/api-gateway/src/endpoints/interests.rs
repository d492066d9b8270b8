use axum::{extract::State, response::Response};
use domain::{FieldError, ThemeId, User};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use service::{SessionError, analytics::Event};
use store::{InterestsChange, set_interests, user};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    endpoints::{
        users::{Profile, with_profile},
        wire::ProblemDocument,
    },
    error::ApiError,
    extract::{JsonBody, Walker, names},
};

/// What a walker likes. Read by `domain::User::parse_interests`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct Interests {
    /// Ids of interest themes, none twice; an empty list clears them.
    #[schema(max_items = 100)]
    interest_theme_ids: Vec<Uuid>,
}

/// Replaces the walker's interests.
#[utoipa::path(
    put, path = "/api/v1/users/me/interests", tag = "walkers", security(("session" = [])),
    params(("If-Match" = Option<String>, Header, description = "Change only this revision: the ETag of the profile")),
    request_body = Interests,
    responses(
        (status = 200, description = "The profile as it is now", body = Profile),
        (status = 412, description = "The profile was changed meanwhile", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Unknown themes, each with a pointer", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "default", description = "A problem", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn put_interests(
    State(app): State<App>,
    Walker(id): Walker,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let themes = User::parse_interests(&body)?;
    let expected = expected_revision(&headers)?;
    match set_interests(&app.database, id, &themes, expected).await? {
        InterestsChange::Done { signed_up: true } => app.analytics.tell(id.0, Event::UserSignup),
        InterestsChange::Done { signed_up: false } => {}
        InterestsChange::LostUpdate(revision) => return Err(ApiError::LostUpdate(revision)),
        InterestsChange::UnknownThemes(unknown) => return Err(unknown_themes(&body, &unknown).into()),
        InterestsChange::Erased => return Err(SessionError::Forged.into()),
    }
    let user = user(&app.database, id).await?;
    Ok(with_profile(StatusCode::OK, user))
}

fn expected_revision(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    match names(headers, header::IF_MATCH).as_deref() {
        // One that cannot even be read is no leave to overwrite what somebody else has changed.
        None => Ok(headers.contains_key(header::IF_MATCH).then_some(-1)),
        Some([any]) if any == "*" => Ok(None),
        Some([tag]) => match tag.trim_matches('"').parse() {
            Ok(revision) => Ok(Some(revision)),
            // A tag that we never gave out matches nothing.
            Err(_) => Ok(Some(-1)),
        },
        Some(_) => Err(ApiError::Malformed("If-Match must hold one ETag.".into())),
    }
}

/// Points at each unknown theme in the body as it was sent.
pub(crate) fn unknown_themes(body: &Value, unknown: &[ThemeId]) -> Vec<FieldError> {
    let sent = body["interest_theme_ids"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_unknown = |value: &Value| {
        value.as_str().and_then(|text| text.parse().ok()).is_some_and(|theme| unknown.contains(&theme))
    };
    let wrong = sent.iter().enumerate().filter(|(_, value)| is_unknown(value));
    let errors = wrong.map(|(index, value)| {
        FieldError::new(
            format!("/interest_theme_ids/{index}"),
            format!("{value} is not the id of an interest theme"),
        )
    });
    errors.collect()
}
