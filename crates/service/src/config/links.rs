//! A link to a server is one URL. What an operator says in settings of their own (a password from a file, a CA) is put
//! into it here, in the form that `store` and `bus` read.

use std::path::PathBuf;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;
use url::Url;

use super::{DatabaseConfig, NatsConfig, Password, RedisConfig, TlsConfig};

/// The settings of a link contradict each other.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct LinkError(String);

/// CA, client certificate and client key of one link, and those that all links have in common.
struct Files<'a> {
    setting: &'static str,
    own: [Option<&'a PathBuf>; 3],
    common: [Option<&'a PathBuf>; 3],
}

/// How files are called in the query of a URL, as PostgreSQL does.
const CA: &str = "sslrootcert";
const CERTIFICATE: &str = "sslcert";
const KEY: &str = "sslkey";

impl<'a> Files<'a> {
    fn new(setting: &'static str, own: [&'a Option<PathBuf>; 3], tls: &'a TlsConfig) -> Self {
        let common = [&tls.tls_ca_file, &tls.tls_client_cert_file, &tls.tls_client_key_file];
        Self { setting, own: own.map(Option::as_ref), common: common.map(Option::as_ref) }
    }

    /// Whether this link has settings of its own.
    fn are_own(&self) -> bool {
        self.own.iter().any(Option::is_some)
    }

    fn add_to(&self, url: &mut Url) -> Result<(), LinkError> {
        let ([own_ca, own_certificate, own_key], [ca, certificate, key]) = (self.own, self.common);
        // A certificate and its key come from one place.
        for (own, common) in [
            (vec![(CA, own_ca)], vec![(CA, ca)]),
            (
                vec![(CERTIFICATE, own_certificate), (KEY, own_key)],
                vec![(CERTIFICATE, certificate), (KEY, key)],
            ),
        ] {
            let (is_own, in_url) = (own[0].1.is_some(), has_parameter(url, own[0].0));
            if is_own && in_url {
                return Err(LinkError(format!(
                    "{} and `{}` in the URL are both given",
                    self.setting, own[0].0
                )));
            }
            let files = if is_own { own } else { common };
            for (parameter, file) in files.into_iter().filter(|_| !in_url) {
                if let Some(file) = file {
                    url.query_pairs_mut().append_pair(parameter, &file.display().to_string());
                }
            }
        }
        Ok(())
    }
}

fn has_parameter(url: &Url, name: &str) -> bool {
    url.query_pairs().any(|(key, _)| key == name)
}

fn parse(setting: &str, text: &str) -> Result<Url, LinkError> {
    Url::parse(text).map_err(|error| LinkError(format!("{setting}: {error}")))
}

impl DatabaseConfig {
    /// The URL with all that the other settings say.
    pub fn url(&self, tls: &TlsConfig) -> Result<String, LinkError> {
        let mut url = parse("DATABASE_URL", self.database_url.as_str())?;
        let own = [&self.database_ca_file, &self.database_client_cert_file, &self.database_client_key_file];
        let files = Files::new("DATABASE_CA_FILE or DATABASE_CLIENT_CERT_FILE", own, tls);
        files.add_to(&mut url)?;
        if self.database_ca_file.is_some() && !has_parameter(&url, "sslmode") {
            url.query_pairs_mut().append_pair("sslmode", "verify-full");
        }
        if let Some(Password(password)) = &self.database_password {
            if url.password().is_some() || has_parameter(&url, "password") {
                return Err(both("DATABASE_PASSWORD", "DATABASE_URL"));
            }
            // In the query, since a URL of a Unix socket has no host that a password could stand before.
            url.query_pairs_mut().append_pair("password", password);
        }
        Ok(url.into())
    }
}

impl RedisConfig {
    /// The URL with all that the other settings say.
    pub fn url(&self, tls: &TlsConfig) -> Result<String, LinkError> {
        let mut url = parse("REDIS_URL", self.redis_url.as_str())?;
        let own = [&self.redis_ca_file, &self.redis_client_cert_file, &self.redis_client_key_file];
        let files = Files::new("REDIS_CA_FILE or REDIS_CLIENT_CERT_FILE", own, tls);
        let is_tls = url.scheme() == "rediss";
        if files.are_own() && !is_tls {
            return Err(LinkError("REDIS_CA_FILE or REDIS_CLIENT_CERT_FILE is given, but REDIS_URL does not begin with rediss://".into()));
        }
        if is_tls {
            files.add_to(&mut url)?;
        }
        if let Some(Password(password)) = &self.redis_password {
            if url.password().is_some() {
                return Err(both("REDIS_PASSWORD", "REDIS_URL"));
            }
            url.set_password(Some(&escaped(password))).map_err(|()| {
                LinkError("REDIS_URL has no host: its password belongs into its query".into())
            })?;
        }
        Ok(url.into())
    }
}

impl NatsConfig {
    /// The URL with all that the other settings say; several, separated by commas, where the setting has several.
    pub fn url(&self, tls: &TlsConfig) -> Result<String, LinkError> {
        let scheme = self.nats_url.scheme();
        let addresses = self.nats_url.as_str().split(',').map(str::trim);
        let mut urls = addresses
            .map(|address| match address.contains("://") {
                true => parse("NATS_URL", address),
                false => parse("NATS_URL", &format!("{scheme}://{address}")),
            })
            .collect::<Result<Vec<_>, _>>()?;
        if let (Some(way), Some(_)) =
            (self.way_in(), urls.iter().find(|url| !url.username().is_empty() || url.password().is_some()))
        {
            return Err(both(way, "NATS_URL"));
        }
        let own = [&self.nats_ca_file, &self.nats_client_cert_file, &self.nats_client_key_file];
        let files = Files::new("NATS_CA_FILE or NATS_CLIENT_CERT_FILE", own, tls);
        for url in &mut urls {
            if files.are_own() && url.scheme() == "nats" {
                url.query_pairs_mut().append_pair("tls", "required");
            }
            files.add_to(url)?;
            self.add_way_in(url)
                .map_err(|()| LinkError("NATS_URL has no host: nobody can be logged in there".into()))?;
        }
        Ok(urls.iter().map(Url::as_str).collect::<Vec<_>>().join(","))
    }

    /// The setting that says who we are.
    fn way_in(&self) -> Option<&'static str> {
        let ways = [
            (self.nats_user.is_some(), "NATS_USER"),
            (self.nats_token.is_some(), "NATS_TOKEN"),
            (self.nats_nkey_seed.is_some(), "NATS_NKEY_SEED"),
            (self.nats_creds.is_some(), "NATS_CREDS_FILE"),
        ];
        ways.into_iter().find(|(given, _)| *given).map(|(_, name)| name)
    }

    fn add_way_in(&self, url: &mut Url) -> Result<(), ()> {
        if let (Some(user), Some(Password(password))) = (&self.nats_user, &self.nats_password) {
            url.set_username(&escaped(user))?;
            url.set_password(Some(&escaped(password)))?;
        }
        if let Some(Password(token)) = &self.nats_token {
            url.set_username(&escaped(token))?;
        }
        for (parameter, secret) in [("nkey", &self.nats_nkey_seed), ("creds", &self.nats_creds)] {
            if let Some(Password(secret)) = secret {
                url.query_pairs_mut().append_pair(parameter, secret);
            }
        }
        Ok(())
    }
}

/// As it may stand in a URL, and in a list of URLs: signs that mean something there, percent and comma among them, are
/// escaped here, since `url` leaves them as they are.
fn escaped(secret: &str) -> String {
    utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string()
}

fn both(one: &str, other: &str) -> LinkError {
    LinkError(format!("{one} and a user or password in {other} are both given: give one of them"))
}
