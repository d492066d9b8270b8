//! What the URL of a NATS server says: where it is, who we are there, and whom we trust.

use std::path::PathBuf;

use async_nats::{Auth, AuthError, ServerAddr};
use nkeys::KeyPair;
use url::Url;

/// A parsed URL, or several of them. Its servers carry no secrets any more.
pub(crate) struct Link {
    pub servers: Vec<ServerAddr>,
    pub identity: Identity,
    pub is_tls_required: bool,
    pub ca_file: Option<PathBuf>,
    /// Our certificate and its key.
    pub client_files: Option<(PathBuf, PathBuf)>,
}

/// Who we are for the server.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum Identity {
    #[default]
    Nobody,
    User {
        name: String,
        password: String,
    },
    Token(String),
    /// The seed of an nkey.
    Nkey(String),
    /// A JWT, and the seed of its user.
    Jwt {
        jwt: String,
        seed: String,
    },
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

impl Link {
    /// Reads one URL, or several of a cluster, separated by commas: `nats://` or `tls://`, with `user:password@` or
    /// `token@`, and in the query `nkey` (a seed), `creds` (the content of a credentials file), `sslrootcert`, `sslcert`,
    /// `sslkey` (files) and `tls=required`. The error repeats nothing of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut link = Self {
            servers: Vec::new(),
            identity: Identity::Nobody,
            is_tls_required: false,
            ca_file: None,
            client_files: None,
        };
        let mut scheme = "nats".to_owned();
        for address in text.split(',').map(str::trim) {
            let address =
                if address.contains("://") { address.to_owned() } else { format!("{scheme}://{address}") };
            let url = Url::parse(&address).map_err(|error| format!("the address is none: {error}"))?;
            url.scheme().clone_into(&mut scheme);
            link.add(url)?;
        }
        Ok(link)
    }

    fn add(&mut self, mut url: Url) -> Result<(), String> {
        let (mut certificate, mut key) = (None, None);
        let mut identities = vec![Identity::in_front_of(&url)?];
        for (name, value) in url.query_pairs() {
            let value = value.into_owned();
            match &*name {
                "nkey" => identities.push(Identity::of_seed(&value)?),
                "creds" => identities.push(Identity::of_credentials(&value)?),
                "sslrootcert" => self.ca_file = Some(value.into()),
                "sslcert" => certificate = Some(value.into()),
                "sslkey" => key = Some(value.into()),
                "tls" if value == "required" => self.is_tls_required = true,
                _ => return Err("the address has a parameter that NATS has none of".into()),
            }
        }
        match (certificate, key) {
            (Some(certificate), Some(key)) => self.client_files = Some((certificate, key)),
            (None, None) => {}
            _ => return Err("a client certificate and its key must be given together".into()),
        }
        identities.retain(|identity| *identity != Identity::Nobody);
        identities.push(std::mem::take(&mut self.identity));
        identities.retain(|identity| *identity != Identity::Nobody);
        identities.dedup();
        if identities.len() > 1 {
            return Err("there is more than one way to log in".into());
        }
        self.identity = identities.pop().unwrap_or_default();
        url.set_query(None);
        if !url.username().is_empty() || url.password().is_some() {
            // Cannot fail where there was one.
            let _ = (url.set_username(""), url.set_password(None));
        }
        self.servers.push(ServerAddr::from_url(url).map_err(|error| error.to_string())?);
        Ok(())
    }
}

impl Identity {
    /// `user:password@`, or a token alone.
    fn in_front_of(url: &Url) -> Result<Self, String> {
        let name = decode(url.username())?;
        match url.password() {
            Some(password) => Ok(Self::User { name, password: decode(password)? }),
            None if name.is_empty() => Ok(Self::Nobody),
            None => Ok(Self::Token(name)),
        }
    }

    fn of_seed(seed: &str) -> Result<Self, String> {
        let seed = seed.trim();
        // What is wrong with it is not repeated: it is a secret.
        KeyPair::from_seed(seed).map_err(|_| "the seed of the nkey is none (SU...)")?;
        Ok(Self::Nkey(seed.to_owned()))
    }

    /// A JWT and a seed between lines such as `-----BEGIN NATS USER JWT-----`.
    fn of_credentials(text: &str) -> Result<Self, String> {
        let part = |name: &str| {
            let (_, rest) = text.split_once(&format!("BEGIN {name}"))?;
            rest.lines().skip(1).map(str::trim).find(|line| !line.is_empty())
        };
        let (jwt, seed) = (part("NATS USER JWT"), part("USER NKEY SEED"));
        let (Some(jwt), Some(seed)) = (jwt, seed) else {
            return Err("the credentials lack a JWT or a seed".into());
        };
        Self::of_seed(seed)?;
        Ok(Self::Jwt { jwt: jwt.to_owned(), seed: seed.to_owned() })
    }

    /// The answer to a server that asks who we are.
    pub fn answer(&self, nonce: &[u8]) -> Result<Auth, AuthError> {
        let mut auth = Auth::new();
        match self {
            Self::Nobody => {}
            Self::User { name, password } => {
                (auth.username, auth.password) = (Some(name.clone()), Some(password.clone()));
            }
            Self::Token(token) => auth.token = Some(token.clone()),
            Self::Nkey(seed) => {
                let pair = KeyPair::from_seed(seed).map_err(AuthError::new)?;
                auth.nkey = Some(pair.public_key());
                auth.signature = Some(pair.sign(nonce).map_err(AuthError::new)?);
            }
            Self::Jwt { jwt, seed } => {
                let pair = KeyPair::from_seed(seed).map_err(AuthError::new)?;
                auth.jwt = Some(jwt.clone());
                auth.signature = Some(pair.sign(nonce).map_err(AuthError::new)?);
            }
        }
        Ok(auth)
    }
}

fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| "the user or password of the address is not UTF-8".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_who_we_are() {
        let user = Identity::User { name: "gateway".into(), password: "a@b".into() };
        for (url, identity) in [
            ("nats://a", Identity::Nobody),
            ("nats://gateway:a%40b@a:4222", user.clone()),
            ("nats://gateway:a%40b@a:4222,b:4222", user.clone()),
            ("tls://gateway:a%40b@a:4222,tls://gateway:a%40b@b:4222", user),
            ("nats://s3cr3t@a", Identity::Token("s3cr3t".into())),
        ] {
            let link = Link::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert!(link.identity == identity, "{url}");
            assert!(link.servers.iter().all(|server| !server.has_user_pass()), "{url}");
        }
        assert_eq!(Link::parse("tls://a:1,b:2").unwrap_or_else(|error| panic!("{error}")).servers.len(), 2);
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_repeating_it() {
        for url in [
            "nats://hunter2@a,nats://other@b",
            "nats://a?nkey=hunter2",
            "nats://a?creds=hunter2",
            "nats://a?hunter2=1",
            "nats://a?sslcert=hunter2",
            "http://hunter2@a",
            "nats://a:hunter2",
            "not an address",
        ] {
            let error = Link::parse(url).err().unwrap_or_else(|| panic!("{url} is taken"));
            assert!(!error.contains("hunter2"), "{url}: {error}");
        }
    }
}
