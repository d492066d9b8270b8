//! TLS for every connection that this process opens over HTTP: rustls with ring, the roots that the system trusts, and
//! those of `TLS_CA_FILE`.

use std::{fs, path::Path, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::config::TlsConfig;

/// Makes ring the provider of cryptography of this process. Harmless when it is done again.
pub fn install() {
    // Fails where one is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// What a connection trusts, and the certificate by which this process is known where it is asked for one.
pub(crate) fn client_config(tls: &TlsConfig) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(tls.tls_ca_file.as_deref())?);
    match (&tls.tls_client_cert_file, &tls.tls_client_key_file) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| unreadable(certificate, &error))
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    // A machine without any is in order: then only TLS_CA_FILE counts.
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if let Some(file) = ca_file {
        for certificate in certificates(file)? {
            roots.add(certificate).map_err(|error| unreadable(file, &error))?;
        }
    }
    Ok(roots)
}

/// All certificates of a file, at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = fs::read(file).map_err(|error| unreadable(file, &error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| unreadable(file, &error))?;
    if found.is_empty() {
        return Err(unreadable(file, &"there is no certificate in it"));
    }
    Ok(found)
}

fn unreadable(file: &Path, why: &dyn std::fmt::Display) -> String {
    format!("{}: {why}", file.display())
}

/// Reads the name of a file with certificates, and refuses one that holds none.
pub(crate) fn certificate_file(text: &str) -> Result<PathBuf, String> {
    certificates(Path::new(text)).map(|_| text.into())
}

/// Reads the name of a file with a private key, and refuses one that holds none.
pub(crate) fn key_file(text: &str) -> Result<PathBuf, String> {
    let file = Path::new(text);
    let key = fs::read(file).map_err(|error| unreadable(file, &error))?;
    match PrivateKeyDer::from_pem_slice(&key) {
        Ok(_) => Ok(text.into()),
        Err(error) => Err(unreadable(file, &error)),
    }
}
