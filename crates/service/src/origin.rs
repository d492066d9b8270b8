use std::str::FromStr;

use http::HeaderMap;

/// Origins (RFC 6454) whose pages may change things and open WebSockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// A browser tells the origin of every request that changes something, and of every WebSocket handshake. A caller
    /// that tells none is not a page in a browser, and cannot misuse anybody's cookie.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(http::header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => true,
            (Some(origin), None) => self.contains(origin.as_bytes()),
            (Some(_), Some(_)) => false,
        }
    }

    /// The origin is in the list.
    pub fn contains(&self, origin: &[u8]) -> bool {
        self.0.iter().any(|allowed| allowed.as_bytes().eq_ignore_ascii_case(origin))
    }
}

impl FromStr for AllowedOrigins {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let origins: Vec<String> = text.split(',').map(|origin| origin.trim().to_owned()).collect();
        for origin in &origins {
            let uri: http::Uri = origin.parse().map_err(|_| format!("{origin:?} is not an origin"))?;
            let is_origin = matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.path() == "/"
                && uri.query().is_none()
                && !origin.ends_with('/');
            if !is_origin {
                return Err(format!("{origin:?} is not an origin, such as https://app.example.org"));
            }
        }
        Ok(Self(origins))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_origins_are_let_in() {
        let allowed: AllowedOrigins = "https://wildside.example, http://localhost:5173".parse().unwrap();
        let from = |origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(http::header::ORIGIN, origin.parse().unwrap());
            allowed.allow(&headers)
        };
        assert!(from("https://wildside.example") && from("http://localhost:5173"));
        assert!(!from("https://wildside.example.evil") && !from("null") && !from("http://localhost"));
        assert!(allowed.allow(&HeaderMap::new()));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in ["", "*", "wildside.example", "https://wildside.example/app", "https://wildside.example/"]
        {
            assert!(text.parse::<AllowedOrigins>().is_err(), "{text}");
        }
    }
}
