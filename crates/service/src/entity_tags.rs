//! What a caller says it knows (RFC 9110, 13.1): the entity tags of If-Match and If-None-Match.

use http::{HeaderMap, HeaderName};
use thiserror::Error;

/// What a conditional header names. Tags are compared weakly: what compresses an answer on its way makes our tag a weak
/// one, and it still names the version that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntityTags {
    /// `*`: any version, as long as there is one.
    Any,
    /// These, without their quotes and whether they were weak.
    Listed(Vec<Vec<u8>>),
}

/// The header is neither a star nor a list of entity tags.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0} must be * or a list of entity tags in double quotes, such as \"1\", W/\"2\".")]
pub struct MalformedTags(HeaderName);

impl EntityTags {
    /// Reads all lines of a conditional header; `None` where there are none.
    pub fn of(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, MalformedTags> {
        let lines: Vec<&[u8]> = headers.get_all(name).iter().map(|line| line.as_bytes()).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        let list = lines.join(&b","[..]);
        if list.trim_ascii() == b"*" {
            return Ok(Some(Self::Any));
        }
        let tags = parse(&list).filter(|tags| !tags.is_empty());
        tags.map(Self::Listed).map(Some).ok_or_else(|| MalformedTags(name.clone()))
    }

    /// Whether it names this version, given with its quotes.
    pub fn name(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => {
                tags.iter().any(|tag| tag == etag.trim_start_matches("W/").trim_matches('"').as_bytes())
            }
        }
    }
}

fn parse(mut list: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut tags = Vec::new();
    loop {
        list = list.trim_ascii_start();
        match list {
            [] => return Some(tags),
            [b',', rest @ ..] => list = rest,
            _ => {
                let quoted = list.strip_prefix(b"W/").unwrap_or(list).strip_prefix(b"\"")?;
                let end = quoted.iter().position(|byte| *byte == b'"')?;
                let (tag, rest) = (&quoted[..end], quoted[end + 1..].trim_ascii_start());
                let is_legal = tag.iter().all(|byte| matches!(byte, 0x21..=0x7e | 0x80..));
                if !is_legal || !matches!(rest, [] | [b',', ..]) {
                    return None;
                }
                tags.push(tag.to_vec());
                list = rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, header::IF_MATCH};

    fn tags(lines: &[&[u8]]) -> Result<Option<EntityTags>, MalformedTags> {
        let line = |line: &&[u8]| (IF_MATCH, HeaderValue::from_bytes(line).unwrap());
        EntityTags::of(&lines.iter().map(line).collect(), &IF_MATCH)
    }

    #[test]
    fn a_version_is_named_by_its_tag_weak_or_strong_alone_or_among_others() {
        for lines in [
            &[&b"\"1\""[..]][..],
            &[b"W/\"1\""],
            &[b"*"],
            &[b" * "],
            &[b"\"0\", \"1\""],
            &[b"\"0\",W/\"1\" ,\"2\""],
            &[b", ,\"1\","],
            &[b"\"0\"", b"\"1\""],
            &[b"\"a,b\", \"1\""],
            &[b"\"\xe9\\\", \"1\""],
        ] {
            assert!(tags(lines).unwrap().unwrap().name("\"1\""), "{lines:?}");
        }
        for lines in [&[&b"\"0\""[..]][..], &[b"\"\""], &[b"\"1,\""], &[b"\"W/1\""], &[b"\"11\", \"01\""]] {
            assert!(!tags(lines).unwrap().unwrap().name("\"1\""), "{lines:?}");
        }
        assert_eq!(tags(&[]), Ok(None));
    }

    #[test]
    fn what_is_no_list_of_tags_is_malformed() {
        for lines in [
            &[&b""[..]][..],
            &[b","],
            &[b"1"],
            &[b"\"1"],
            &[b"1\""],
            &[b"'1'"],
            &[b"w/\"1\""],
            &[b"W/1"],
            &[b"\"1\" \"2\""],
            &[b"\"1\"2"],
            &[b"\"1\", *"],
            &[b"*", b"*"],
            &[b"\"1 2\""],
            &[b"\"1\"", b"2"],
        ] {
            assert!(tags(lines).is_err(), "{lines:?}");
        }
    }
}
