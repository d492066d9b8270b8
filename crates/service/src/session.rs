//! Stateless sessions: a cookie that says who and until when, signed so that nobody else can make one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use crate::config::Secret;

/// What the signature is for, so that a signed value of another kind is never taken for a session.
const PURPOSE: &str = "wildside-session-1";
/// How long a session is good.
const LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// After so long a session gets a new cookie.
const RENEWAL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A walker, known by their cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub user_id: Uuid,
    /// Signed by the previous key, or long ago: a new cookie is due, so that who comes now and then is never logged out.
    pub is_old: bool,
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
}

/// Signs and verifies sessions.
#[derive(Clone)]
pub struct SessionKeys {
    /// The first one signs; all verify.
    keys: Vec<SigningKey>,
    secure: bool,
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
        Self { keys: std::iter::once(current).chain(previous).map(SigningKey::new).collect(), secure }
    }

    /// The cookie's name. Browsers keep a `__Host-` cookie from being set by a sister domain or over plain http.
    pub fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-wildside" } else { "wildside" }
    }

    /// The `Set-Cookie` value that begins a session.
    pub fn begin(&self, user_id: Uuid, now: SystemTime) -> String {
        let issued = seconds(now);
        let key = &self.keys[0];
        let claims =
            format!("{PURPOSE}.{}.{issued}.{}.{}", user_id.simple(), issued + LIFETIME.as_secs(), key.id);
        let signature = URL_SAFE_NO_PAD.encode(key.sign(&claims).finalize().into_bytes());
        self.cookie(&format!("{claims}.{signature}"), LIFETIME.as_secs())
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
        self.verify(value, now)
    }

    fn verify(&self, value: &str, now: SystemTime) -> Result<Session, SessionError> {
        let (claims, signature) = value.rsplit_once('.').ok_or(SessionError::Forged)?;
        let parts: Vec<&str> = claims.split('.').collect();
        let [PURPOSE, user_id, issued, expiry, key_id] = parts[..] else { return Err(SessionError::Forged) };
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| SessionError::Forged)?;
        let key = self.keys.iter().find(|key| key.id == key_id).ok_or(SessionError::Forged)?;
        key.sign(claims).verify_slice(&signature).map_err(|_| SessionError::Forged)?;
        let time = |text: &str| text.parse::<u64>().map_err(|_| SessionError::Forged);
        // A cookie from the future was signed by a clock that ran ahead; a few minutes of that are forgiven.
        if time(issued)? > seconds(now) + 300 || time(expiry)? <= seconds(now) {
            return Err(SessionError::Expired);
        }
        let user_id = user_id.parse().map_err(|_| SessionError::Forged)?;
        let is_old = key.id != self.keys[0].id || time(issued)? + RENEWAL.as_secs() < seconds(now);
        Ok(Session { user_id, is_old })
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
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
        let cookie = headers(&keys.begin(user_id, now));
        assert_eq!(keys.session(&cookie, now), Ok(Session { user_id, is_old: false }));
        let later = now + 2 * RENEWAL;
        assert_eq!(keys.session(&cookie, later), Ok(Session { user_id, is_old: true }));
        assert_eq!(keys.session(&cookie, now + LIFETIME), Err(SessionError::Expired));
        assert_eq!(keys.session(&cookie, now - Duration::from_secs(3600)), Err(SessionError::Expired));
        assert_eq!(keys.session(&HeaderMap::new(), now), Err(SessionError::Missing));
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
        for forged in [other.as_str(), "wildside=", "wildside=....", "wildside=wildside-session-1.a.b.c.d.e"]
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
