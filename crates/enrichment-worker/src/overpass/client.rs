use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{Client, header};
use service::{
    config::TlsConfig,
    http_client::{self, reason},
};
use store::OVERPASS_MAX_PAUSE;

use super::AnswerError;
use crate::OverpassConfig;

/// Asks an Overpass API.
#[derive(Clone)]
pub(crate) struct Overpass {
    client: Client,
    url: Arc<str>,
    most_bytes: usize,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub status: u16,
    /// How long the API wants to be left alone.
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

impl Overpass {
    /// `None` where nobody is to be asked.
    pub(crate) fn new(config: &OverpassConfig, tls: &TlsConfig) -> anyhow::Result<Option<Self>> {
        let Some(url) = config.overpass_url.0.as_ref() else { return Ok(None) };
        let product = concat!("wildside/", env!("CARGO_PKG_VERSION"));
        let user_agent = match config.overpass_contact.as_str() {
            "" => product.to_owned(),
            contact => format!("{product} ({contact})"),
        };
        // A certificate of ours is for servers of ours.
        let tls = TlsConfig { tls_ca_file: tls.tls_ca_file.clone(), ..TlsConfig::default() };
        // No redirect is followed: wherever it points to, it is not what the operator has chosen.
        let client = http_client::builder(&tls).map_err(anyhow::Error::msg)?;
        let client = client.timeout(config.patience()).user_agent(user_agent).build()?;
        let most_bytes = usize::try_from(config.budget().largest_answer)?;
        Ok(Some(Self { client, url: url.as_str().into(), most_bytes }))
    }

    /// Asks, once.
    pub(crate) async fn ask(&self, query: String) -> Result<Raw, AnswerError> {
        let silent = |error: reqwest::Error| AnswerError::Silent(reason(error));
        let asked = self.client.post(&*self.url).form(&[("data", query)]).send().await;
        let mut answer = asked.map_err(silent)?;
        let retry_after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| pause(text, Utc::now()));
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(silent)? {
            if body.len() + chunk.len() > self.most_bytes {
                return Err(AnswerError::TooMuch(format!("more than {} bytes", self.most_bytes)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Raw { status, retry_after, body })
    }
}

/// Seconds, or a date (RFC 9110, 10.2.3); never more than the longest pause that we take.
pub(crate) fn pause(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    let asked = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Seconds that do not fit into a number are more than any pause.
        text.parse().map_or(OVERPASS_MAX_PAUSE, Duration::from_secs)
    } else {
        (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().ok()?
    };
    Some(asked.min(OVERPASS_MAX_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::{
        io::{Read, Write},
        net::{Shutdown, TcpListener},
        thread,
    };

    /// What becomes of an answer of so many bytes where one mebibyte is the most.
    async fn asked(bytes: usize) -> Result<usize, AnswerError> {
        let api = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"));
        let url = format!("http://{}/", api.local_addr().unwrap_or_else(|error| panic!("{error}")));
        let answering = thread::spawn(move || {
            let Ok((mut asker, _)) = api.accept() else { return };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\nConnection: close\r\n\r\n");
            // Who has read enough hangs up.
            let _ = asker.read(&mut [0; 4096]);
            let _ = asker.write_all(head.as_bytes()).and_then(|()| asker.write_all(&vec![b' '; bytes]));
            // To close with a part of the request unread would cut the answer off.
            let _ = asker.shutdown(Shutdown::Write);
            let _ = std::io::copy(&mut asker, &mut std::io::sink());
        });
        let names = ["x", "--database-url", "a://b", "--nats-url", "a://b", "--overpass-largest-mib", "1"];
        let names = names.into_iter().chain(["--overpass-url", &url]);
        let config = crate::Config::try_parse_from(names).unwrap_or_else(|error| panic!("{error}"));
        let overpass = Overpass::new(&config.overpass, &config.tls).unwrap_or_else(|error| panic!("{error}"));
        let overpass = overpass.unwrap_or_else(|| panic!("nobody to ask"));
        let answer = overpass.ask("out;".into()).await.map(|raw| raw.body.len());
        // It hangs up.
        drop(overpass);
        drop(answering.join());
        answer
    }

    // The client closes its connection in the background, while this thread waits for the server's.
    #[tokio::test(flavor = "multi_thread")]
    async fn an_answer_that_is_too_large_is_not_read_to_its_end() {
        const MIB: usize = 1024 * 1024;
        assert_eq!(asked(MIB).await, Ok(MIB));
        for bytes in [MIB + 1, 40 * MIB] {
            assert!(matches!(asked(bytes).await, Err(AnswerError::TooMuch(_))), "{bytes}");
        }
    }

    #[test]
    fn without_an_address_nobody_is_asked() {
        let names = ["x", "--database-url", "a://b", "--nats-url", "a://b"];
        let config = crate::Config::try_parse_from(names).unwrap_or_else(|error| panic!("{error}"));
        assert!(Overpass::new(&config.overpass, &config.tls).is_ok_and(|nobody| nobody.is_none()));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::from_timestamp(1_445_412_450, 0).unwrap_or_default();
        assert_eq!(pause("120", now), Some(Duration::from_secs(120)));
        assert_eq!(pause("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(pause("Wed, 21 Oct 2015 07:27:00 GMT", now), None);
        assert_eq!(pause("soon", now), None);
    }

    #[test]
    fn retry_after_is_bounded_whatever_is_written() {
        let now = DateTime::from_timestamp(1_445_412_450, 0).unwrap_or_default();
        for longest in [
            "86401",
            "9999999999",
            "18446744073709551615",
            "18446744073709551616",
            "99999999999999999999999999999999999999",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Fri, 31 Dec 99999 23:59:59 GMT",
        ] {
            assert_eq!(pause(longest, now), Some(OVERPASS_MAX_PAUSE), "{longest}");
        }
        for nonsense in ["", " ", "-1", "+5", "1e9", "1.5", "0x10", "NaN", "12 34"] {
            assert_eq!(pause(nonsense, now), None, "{nonsense}");
        }
        assert_eq!(pause(" 000120 ", now), Some(Duration::from_secs(120)));
    }
}
