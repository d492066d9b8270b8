use std::collections::BTreeSet;

use axum::{extract::State, response::Response};
use domain::{FieldError, ThemeId, User, UserId};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use service::{EntityTags, SessionError, analytics::Event};
use store::{InterestsChange, set_interests, user};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    endpoints::{
        users::{Profile, etag, with_profile},
        wire::ProblemDocument,
    },
    error::ApiError,
    extract::{JsonBody, Walker, entity_tags},
};

/// What a walker likes. Read by `domain::User::parse_interests`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only describes the body")]
pub(crate) struct Interests {
    /// Ids of interest themes, none twice; an empty list clears them.
    #[schema(max_items = 100)]
    interest_theme_ids: BTreeSet<Uuid>,
}

/// Replaces the walker's interests.
#[utoipa::path(
    put, path = "/api/v1/users/me/interests", tag = "walkers", security(("session" = [])),
    params(("If-Match" = Option<String>, Header, description = "Change only these revisions: ETags of the profile")),
    request_body = Interests,
    responses(
        (status = 200, description = "The profile as it is now", body = Profile,
            headers(("etag" = String, description = "The revision"))),
        (status = 412, description = "The profile was changed meanwhile", body = ProblemDocument, content_type = "application/problem+json",
            headers(("etag" = String, description = "The revision that there is"))),
        (status = 422, description = "Unknown themes, each with a pointer", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn put_interests(
    State(app): State<App>,
    Walker(id): Walker,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let themes = User::parse_interests(&body)?;
    let expected = expected_revision(&app, id, &headers).await?;
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

/// The revision that may be changed; `None` for any. Of several that are listed it is the one that the profile has.
async fn expected_revision(app: &App, id: UserId, headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let Some(EntityTags::Listed(tags)) = entity_tags(headers, &header::IF_MATCH)? else { return Ok(None) };
    // A tag that we never gave out matches nothing.
    let revision = |tag: &Vec<u8>| {
        let revision = std::str::from_utf8(tag).ok()?.parse().ok()?;
        (etag(revision).trim_matches('"').as_bytes() == tag).then_some(revision)
    };
    let listed: Vec<i64> = tags.iter().filter_map(revision).collect();
    Ok(Some(match listed[..] {
        [] => NO_REVISION,
        [only] => only,
        _ => {
            let user = user(&app.database, id).await?;
            if listed.contains(&user.revision) { user.revision } else { NO_REVISION }
        }
    }))
}

/// No profile has it.
const NO_REVISION: i64 = -1;

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
