//! Sessions: a cookie that says who, since when and until when, signed so that nobody else can make one. A session that
//! ends before its cookie expires is remembered elsewhere: see `store::RevokedSessions`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use crate::config::Secret;

/// What the signature is for, so that a signed value of another kind is never taken for a session.
const PURPOSE: &str = "wildside-session-2";
/// Cookies of the releases before sessions had an id. They are good until they expire, and are renewed no earlier than
/// others: during a roll-out a walker's next request may meet a replica that only knows these.
const PURPOSE_WITHOUT_ID: &str = "wildside-session-1";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// After so long a session gets a new cookie.
const RENEWAL: Duration = Duration::from_secs(30 * DAY.as_secs());
/// A cookie from the future was signed by a clock that ran ahead; so much of that is forgiven.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// A walker, known by their cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub user_id: Uuid,
    /// Which of their sessions. A renewed cookie, or a copy of one, is the same session.
    pub id: Uuid,
    /// When it was begun; a renewal changes nothing about that.
    pub begun: DateTime<Utc>,
    /// Signed by the previous key, or long ago: a new cookie is due, so that who comes now and then is never logged out.
    pub is_old: bool,
}

impl Session {
    /// How long a cookie is good: as long as browsers keep one.
    pub const LIFETIME: Duration = Duration::from_secs(400 * DAY.as_secs());
    /// How long a session is good, however often it is renewed, unless [`SessionKeys::lasting`] says otherwise.
    pub const MAX_AGE: Duration = Duration::from_secs(730 * DAY.as_secs());

    /// A new session.
    pub fn begin(user_id: Uuid, now: SystemTime) -> Self {
        Self { user_id, id: Uuid::new_v4(), begun: in_millis(now), is_old: false }
    }
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SessionError {
    /// There is no cookie.
    #[error("There is no session. POST /api/v1/users begins one.")]
    Missing,
    /// The cookie was not signed by us, or it was changed.
    #[error("The session is not valid. POST /api/v1/users begins a new one.")]
    Forged,
    /// The cookie is too old.
    #[error("The session has expired. POST /api/v1/users begins a new one.")]
    Expired,
    /// The session was ended, or its walker was erased.
    #[error("The session has ended. POST /api/v1/users begins a new one.")]
    Revoked,
    /// Nobody can tell yet whether it was ended.
    #[error("Sessions cannot be checked right now. Please try again in a moment.")]
    Unchecked,
}

/// Signs and verifies sessions.
#[derive(Clone)]
pub struct SessionKeys {
    /// The first one signs; all verify.
    keys: Vec<SigningKey>,
    secure: bool,
    max_age: Duration,
}

#[derive(Clone)]
struct SigningKey {
    id: String,
    mac: Hmac<Sha256>,
}

impl SigningKey {
    fn new(secret: &Secret) -> Self {
        // The id tells which key signed without telling anything of the key.
        let digest = Sha256::new().chain_update(b"wildside key id").chain_update(secret.bytes()).finalize();
        let id = URL_SAFE_NO_PAD.encode(&digest[..6]);
        // An HMAC takes keys of any length.
        let mac = Hmac::new_from_slice(secret.bytes()).unwrap_or_else(|_| unreachable!("HMAC takes any key"));
        Self { id, mac }
    }

    fn sign(&self, text: &str) -> Hmac<Sha256> {
        self.mac.clone().chain_update(text)
    }
}

impl SessionKeys {
    /// `secure`: browsers reach us on https.
    pub fn new(current: &Secret, previous: Option<&Secret>, secure: bool) -> Self {
        let keys = std::iter::once(current).chain(previous).map(SigningKey::new).collect();
        Self { keys, secure, max_age: Session::MAX_AGE }
    }

    /// Sets how long a session is good, however often it is renewed.
    pub fn lasting(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// The cookie's name. Browsers keep a `__Host-` cookie from being set by a sister domain or over plain http.
    pub fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-wildside" } else { "wildside" }
    }

    /// The `Set-Cookie` value that begins a session of a walker.
    pub fn begin(&self, user_id: Uuid, now: SystemTime) -> String {
        self.issue(&Session::begin(user_id, now), now)
    }

    /// A `Set-Cookie` value for a session, new or not. It is good for [`Session::LIFETIME`], within what is left of the
    /// session.
    pub fn issue(&self, session: &Session, now: SystemTime) -> String {
        let issued = seconds(now);
        let expiry = (issued + Session::LIFETIME.as_secs()).min(self.end_of(session));
        let key = &self.keys[0];
        let claims = format!(
            "{PURPOSE}.{}.{}.{}.{issued}.{expiry}.{}",
            session.user_id.simple(),
            session.id.simple(),
            session.begun.timestamp_millis(),
            key.id
        );
        let signature = URL_SAFE_NO_PAD.encode(key.sign(&claims).finalize().into_bytes());
        self.cookie(&format!("{claims}.{signature}"), expiry.saturating_sub(issued))
    }

    /// The `Set-Cookie` value that ends a session.
    pub fn end(&self) -> String {
        self.cookie("", 0)
    }

    fn cookie(&self, value: &str, max_age_s: u64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}", self.cookie_name())
    }

    /// The session of a request.
    pub fn session(&self, headers: &HeaderMap, now: SystemTime) -> Result<Session, SessionError> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut values = cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .filter(|(name, _)| *name == self.cookie_name())
            .map(|(_, value)| value);
        let value = values.next().ok_or(SessionError::Missing)?;
        self.verify(value, seconds(now))
    }

    fn verify(&self, value: &str, now: u64) -> Result<Session, SessionError> {
        let (claims, signature) = value.rsplit_once('.').ok_or(SessionError::Forged)?;
        let (_, key_id) = claims.rsplit_once('.').ok_or(SessionError::Forged)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| SessionError::Forged)?;
        let key = self.keys.iter().find(|key| key.id == key_id).ok_or(SessionError::Forged)?;
        key.sign(claims).verify_slice(&signature).map_err(|_| SessionError::Forged)?;
        let Claims { mut session, issued, expiry } = Claims::read(claims).ok_or(SessionError::Forged)?;
        let end = expiry.min(self.end_of(&session));
        if issued > now + CLOCK_SKEW.as_secs() || end <= now {
            return Err(SessionError::Expired);
        }
        // One that cannot last any longer is not renewed only because it is old.
        let is_due = issued + RENEWAL.as_secs() < now && end < self.end_of(&session);
        session.is_old |= is_due || key.id != self.keys[0].id;
        Ok(session)
    }

    /// When a session is over for good.
    fn end_of(&self, session: &Session) -> u64 {
        session.begun.timestamp().max(0) as u64 + self.max_age.as_secs()
    }
}

/// What a cookie says.
struct Claims {
    session: Session,
    issued: u64,
    expiry: u64,
}

impl Claims {
    fn read(claims: &str) -> Option<Self> {
        let parts: Vec<&str> = claims.split('.').collect();
        match parts[..] {
            [PURPOSE, user_id, id, begun, issued, expiry, _] => {
                let begun = DateTime::from_timestamp_millis(begun.parse().ok()?)?;
                let session =
                    Session { user_id: user_id.parse().ok()?, id: id.parse().ok()?, begun, is_old: false };
                Some(Self { session, issued: issued.parse().ok()?, expiry: expiry.parse().ok()? })
            }
            [PURPOSE_WITHOUT_ID, user_id, issued, expiry, _] => {
                let user_id: Uuid = user_id.parse().ok()?;
                let issued: u64 = issued.parse().ok()?;
                let begun = DateTime::from_timestamp(i64::try_from(issued).ok()?, 0)?;
                // All of a walker's cookies without an id came from one POST /api/v1/users, by renewal or by copying.
                let id = Uuid::new_v5(&user_id, PURPOSE_WITHOUT_ID.as_bytes());
                let session = Session { user_id, id, begun, is_old: false };
                Some(Self { session, issued, expiry: expiry.parse().ok()? })
            }
            _ => None,
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// As a cookie tells it.
fn in_millis(time: SystemTime) -> DateTime<Utc> {
    let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    i64::try_from(millis).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(letter: &str) -> Secret {
        letter.repeat(64).parse().unwrap()
    }

    fn headers(cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            format!("theme=dark; {}", cookie.split(';').next().unwrap()).parse().unwrap(),
        );
        headers
    }

    #[test]
    fn a_session_is_good_until_it_expires() {
        let keys = SessionKeys::new(&secret("a"), None, false);
        let (user_id, now) = (Uuid::from_u128(7), SystemTime::now());
        let session = Session::begin(user_id, now);
        let cookie = headers(&keys.issue(&session, now));
        assert_eq!(keys.session(&cookie, now), Ok(session));
        let later = now + 2 * RENEWAL;
        assert_eq!(keys.session(&cookie, later), Ok(Session { is_old: true, ..session }));
        assert_eq!(keys.session(&cookie, now + Session::LIFETIME), Err(SessionError::Expired));
        assert_eq!(keys.session(&cookie, now - Duration::from_secs(3600)), Err(SessionError::Expired));
        assert_eq!(keys.session(&HeaderMap::new(), now), Err(SessionError::Missing));
    }

    #[test]
    fn a_renewed_session_is_the_same_one_and_does_not_last_for_ever() {
        let keys = SessionKeys::new(&secret("a"), None, false).lasting(500 * DAY);
        let begun = SystemTime::now();
        let session = Session::begin(Uuid::from_u128(7), begun);
        let renewal = begun + 390 * DAY;
        let cookie = keys.issue(&Session { is_old: true, ..session }, renewal);
        assert!(cookie.contains(&format!("; Max-Age={}", (110 * DAY).as_secs())), "{cookie}");
        let cookie = headers(&cookie);
        assert_eq!(keys.session(&cookie, renewal), Ok(session));
        // Nothing is gained by renewing it again.
        assert_eq!(keys.session(&cookie, begun + 499 * DAY), Ok(session));
        assert_eq!(keys.session(&cookie, begun + 500 * DAY), Err(SessionError::Expired));
        // A shorter setting also ends what was signed before.
        let shorter = keys.lasting(391 * DAY);
        assert_eq!(shorter.session(&cookie, begun + 391 * DAY), Err(SessionError::Expired));
    }

    #[test]
    fn cookies_of_an_earlier_release_are_one_session() {
        let keys = SessionKeys::new(&secret("a"), None, false);
        let now = SystemTime::now();
        let user_id = Uuid::from_u128(7);
        let old = |days: u32| {
            let issued = seconds(now - days * DAY);
            let (expiry, key) = (issued + Session::LIFETIME.as_secs(), &keys.keys[0]);
            let claims = format!("wildside-session-1.{}.{issued}.{expiry}.{}", user_id.simple(), key.id);
            let signature = URL_SAFE_NO_PAD.encode(key.sign(&claims).finalize().into_bytes());
            keys.session(&headers(&format!("wildside={claims}.{signature}")), now)
        };
        let (first, second) = (old(1).unwrap(), old(5).unwrap());
        assert_eq!((first.user_id, first.id, first.is_old), (user_id, second.id, false));
        assert!(old(31).unwrap().is_old);
        assert_eq!(old(400), Err(SessionError::Expired));
        let renewed = keys.session(&headers(&keys.issue(&first, now)), now).unwrap();
        assert_eq!(renewed, first);
    }

    #[test]
    fn a_session_of_the_previous_key_is_still_good() {
        let (old, new) = (secret("a"), secret("b"));
        let now = SystemTime::now();
        let cookie = headers(&SessionKeys::new(&old, None, true).begin(Uuid::from_u128(7), now));
        assert!(SessionKeys::new(&new, Some(&old), true).session(&cookie, now).unwrap().is_old);
        assert_eq!(SessionKeys::new(&new, None, true).session(&cookie, now), Err(SessionError::Forged));
    }

    #[test]
    fn a_forged_session_is_refused() {
        let keys = SessionKeys::new(&secret("a"), None, false);
        let now = SystemTime::now();
        let cookie = keys.begin(Uuid::from_u128(7), now);
        let other = cookie
            .replace(&Uuid::from_u128(7).simple().to_string(), &Uuid::from_u128(8).simple().to_string());
        for forged in
            [other.as_str(), "wildside=", "wildside=....", "wildside=wildside-session-2.a.b.c.d.e.f"]
        {
            assert_eq!(keys.session(&headers(forged), now), Err(SessionError::Forged), "{forged}");
        }
        let mut cut = cookie.split(';').next().unwrap().to_owned();
        cut.pop();
        assert_eq!(keys.session(&headers(&cut), now), Err(SessionError::Forged));
    }

    #[test]
    fn on_https_the_cookie_is_bound_to_this_host() {
        let cookie = SessionKeys::new(&secret("a"), None, true).begin(Uuid::nil(), SystemTime::now());
        for part in ["__Host-wildside=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
            assert!(cookie.contains(part), "{cookie}");
        }
    }
}
