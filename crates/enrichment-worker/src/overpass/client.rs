use std::{sync::Arc, thread, time::Duration};

use chrono::{DateTime, Utc};
use store::OVERPASS_MAX_PAUSE;
use tokio::sync::oneshot;
use ureq::{Agent, http::header};

use super::AnswerError;
use crate::OverpassConfig;

/// How long an API may take to be reached at all.
const CONNECT: Duration = Duration::from_secs(5);

/// Asks an Overpass API. The questions run in threads of their own, which nobody waits for when the program ends.
#[derive(Clone)]
pub(crate) struct Overpass {
    agent: Agent,
    url: Arc<str>,
    most_bytes: u64,
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
    pub(crate) fn new(config: &OverpassConfig) -> Option<Self> {
        let url = config.overpass_url.0.as_ref()?.as_str().into();
        let product = concat!("wildside/", env!("CARGO_PKG_VERSION"));
        let user_agent = match config.overpass_contact.as_str() {
            "" => product.to_owned(),
            contact => format!("{product} ({contact})"),
        };
        let agent = Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(config.patience()))
            // Wherever it points to, it is not what the operator has chosen.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(user_agent)
            .build();
        let most_bytes = config.budget().largest_answer.unsigned_abs();
        Some(Self { agent: agent.into(), url, most_bytes })
    }

    /// Asks, once.
    pub(crate) async fn ask(&self, query: String) -> Result<Raw, AnswerError> {
        let (overpass, (tell, told)) = (self.clone(), oneshot::channel());
        let asking = move || {
            // Whoever asked may be gone by now.
            let _ = tell.send(overpass.ask_here(&query));
        };
        let started = thread::Builder::new().name("overpass".into()).spawn(asking);
        started.map_err(|error| AnswerError::Silent(error.to_string()))?;
        told.await.map_err(|_| AnswerError::Silent("the thread that asked is gone".into()))?
    }

    fn ask_here(&self, query: &str) -> Result<Raw, AnswerError> {
        let silent = |error: ureq::Error| AnswerError::Silent(error.to_string());
        let mut answer = self.agent.post(&*self.url).send_form([("data", query)]).map_err(silent)?;
        let retry_after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| pause(text, Utc::now()));
        let status = answer.status().as_u16();
        // One byte more than fits, to know that there is more.
        let body = answer.body_mut().with_config().limit(self.most_bytes + 1).read_to_vec();
        match body {
            Ok(body) if body.len() as u64 <= self.most_bytes => Ok(Raw { status, retry_after, body }),
            Ok(_) | Err(ureq::Error::BodyExceedsLimit(_)) => {
                Err(AnswerError::TooMuch(format!("more than {} bytes", self.most_bytes)))
            }
            Err(error) => Err(silent(error)),
        }
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
    };

    /// What becomes of an answer of so many bytes where one mebibyte is the most.
    fn asked(bytes: usize) -> Result<usize, AnswerError> {
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
        let overpass = Overpass::new(&config.overpass).unwrap_or_else(|| panic!("nobody to ask"));
        let answer = overpass.ask_here("out;").map(|raw| raw.body.len());
        drop(answering.join());
        answer
    }

    #[test]
    fn an_answer_that_is_too_large_is_not_read_to_its_end() {
        const MIB: usize = 1024 * 1024;
        assert_eq!(asked(MIB), Ok(MIB));
        for bytes in [MIB + 1, 40 * MIB] {
            assert!(matches!(asked(bytes), Err(AnswerError::TooMuch(_))), "{bytes}");
        }
    }

    #[test]
    fn without_an_address_nobody_is_asked() {
        let names = ["x", "--database-url", "a://b", "--nats-url", "a://b"];
        let config = crate::Config::try_parse_from(names).unwrap_or_else(|error| panic!("{error}"));
        assert!(Overpass::new(&config.overpass).is_none());
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
