use std::{fmt, str::FromStr};

/// A key that nobody gets to see; empty where there is none.
#[derive(Clone)]
pub struct ApiKey(pub(crate) String);

impl FromStr for ApiKey {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.trim().to_owned()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(none)" } else { "(secret)" })
    }
}

/// A password, token or credential that nobody gets to see; never empty.
#[derive(Clone)]
pub struct Password(pub(crate) String);

impl FromStr for Password {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() { Err("is empty") } else { Ok(Self(text.to_owned())) }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A key that nobody gets to see.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Shorter keys are refused.
    pub const LEAST_BYTES: usize = 64;

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for Secret {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() < Self::LEAST_BYTES {
            return Err(format!("is {} bytes long; {} are the least", text.len(), Self::LEAST_BYTES));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
