//! The Overpass API: <https://wiki.openstreetmap.org/wiki/Overpass_API>. `query` is what is asked, `client` how, `answer`
//! what is made of what comes back.

mod answer;
mod client;
mod query;

pub(crate) use answer::{Answer, AnswerError};
pub(crate) use client::{Overpass, Raw, pause};
pub(crate) use query::query;
