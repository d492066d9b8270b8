use anyhow::Context;
use sha2::{Digest, Sha256};
use std::{fs::File, io::Read};

/// So many random bytes, in hex.
pub(crate) fn random_hex(bytes: usize) -> anyhow::Result<String> {
    let mut random = vec![0; bytes];
    File::open("/dev/urandom")?.read_exact(&mut random).context("reading /dev/urandom")?;
    Ok(hex(&random))
}

/// The password of somebody at a server whose superuser has this one: whoever knows that one knows all.
pub(crate) fn password_of(somebody: &str, superuser: &str) -> String {
    // A letter in front: some configuration files take digits for a number.
    format!("p{}", &sha256(&format!("{superuser}/{somebody}"))[..40])
}

/// SHA-256, in hex.
pub(crate) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
