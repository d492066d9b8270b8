use std::{fmt, str::FromStr};

/// A URL, or several of them separated by commas, that may carry a password or a token, which is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

/// Schemes whose user names say something and are no secret by themselves.
const NAMED_USERS: [&str; 6] = ["postgres", "postgresql", "redis", "rediss", "nats", "tls"];
/// Schemes where a user without a password is still a user; with the others that is a token.
const USERS_ALONE: [&str; 2] = ["postgres", "postgresql"];

impl Address {
    /// The URL as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before `://`.
    pub(crate) fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }
}

impl FromStr for Address {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() => Ok(Self(text.to_owned())),
            _ => Err("must be a URL, such as scheme://host:port".into()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> = self.0.split(',').collect();
        let shown: Vec<String> = parts
            .iter()
            .enumerate()
            .map(|(number, part)| {
                // A comma may belong to a password: what stands before an `@` without having one itself is not shown.
                let is_cut = !part.contains('@') && parts[number..].iter().any(|later| later.contains('@'));
                if is_cut { "(hidden)".into() } else { show(part, self.scheme()) }
            })
            .collect();
        f.write_str(&shown.join(","))
    }
}

/// One address. What does not look like `scheme://user:password@host:port/path?query` is hidden as a whole.
fn show(part: &str, usual_scheme: &str) -> String {
    let (prefix, scheme, rest) = match part.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), scheme, rest),
        None => (String::new(), usual_scheme, part),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    // An `@` further on: the password holds a character that should have been escaped.
    if tail.contains('@') || !is_host_and_port(host) {
        return format!("{prefix}(hidden)");
    }
    let path = tail.split(['?', '#']).next().unwrap_or_default();
    let query = if path.len() < tail.len() { "?(hidden)" } else { "" };
    let user = user.map(|user| show_user(user, scheme)).unwrap_or_default();
    format!("{prefix}{user}{host}{path}{query}")
}

fn show_user(user: &str, scheme: &str) -> String {
    match user.split_once(':') {
        Some((name, password)) if NAMED_USERS.contains(&scheme) && !password.is_empty() => {
            format!("{name}:(secret)@")
        }
        None if USERS_ALONE.contains(&scheme) => format!("{user}@"),
        _ => "(secret)@".into(),
    }
}

fn is_host_and_port(text: &str) -> bool {
    let port = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(_, port)| port.strip_prefix(':').unwrap_or(port)),
        None => Some(text.split_once(':').map_or("", |(_, port)| port)),
    };
    port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        format!("{:?}", url.parse::<Address>().unwrap())
    }

    #[test]
    fn a_password_or_a_token_is_shown_in_no_kind_of_url() {
        for url in [
            "postgres://wildside:hunter2@db/wildside?password=hunter2",
            "postgres://wildside@db/wildside?sslmode=require&password=hunter2",
            "postgres:///wildside?host=/run/postgresql&password=hunter2",
            "postgres://wildside:hun/hunter2@db/wildside",
            "postgres://wildside:hunter2?x@db/wildside",
            "postgres://wildside:a@hunter2/b@db",
            "postgres://wildside:a@hunter2?b@db",
            "nats://hunter2@nats:4222",
            "nats://hunter2@a:4222,nats://hunter2@b:4222",
            "nats://user:hunter2@a:4222,user:hunter2@b:4222",
            "nats://user:hunter2,x@a:4222,b:4222",
            "nats://user:x,hunter2@a:4222",
            "nats://user:1,hunter2,y@a:4222",
            "nats://:hunter2@nats",
            "redis://:hunter2@redis/1",
            "rediss://default:hunter2@[::1]:6379/0?sslkey=hunter2",
            "https://hunter2:@collector:4318",
            "https://hunter2:x@collector:4318",
            "https://hunter2@collector",
            "https://collector/v1?token=hunter2",
            "https://collector/v1#hunter2",
            "https://user:hunter2",
        ] {
            assert!(!shown(url).contains("hunter2"), "{url}: {}", shown(url));
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for (url, expected) in [
            (
                "postgres://wildside:x@db:5432/wildside?a=b",
                "postgres://wildside:(secret)@db:5432/wildside?(hidden)",
            ),
            ("postgres://martin_ro@db/wildside", "postgres://martin_ro@db/wildside"),
            ("nats://a:4222,nats://b:4222", "nats://a:4222,nats://b:4222"),
            ("nats://gateway:x@a:4222,b:4222", "nats://gateway:(secret)@a:4222,b:4222"),
            ("tls://x@[::1]:4222", "tls://(secret)@[::1]:4222"),
            ("https://overpass.example/api/interpreter", "https://overpass.example/api/interpreter"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
