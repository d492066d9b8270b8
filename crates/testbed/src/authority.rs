//! Certificates of a private CA, made on the fly.

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{random::random_hex, scratch::Scratch};

/// A certificate and its private key, as files.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The certificate (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}

/// A private CA.
pub struct Authority {
    dir: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes one, with its files in a folder.
    pub fn new(dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        let mut params = CertificateParams::default();
        // A name of its own: of two CAs of one name, the wrong one is taken for a forgery.
        params.distinguished_name.push(DnType::CommonName, format!("Wildside testbed {}", random_hex(8)?));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let authority = Self { dir: dir.to_owned(), issuer };
        fs::write(authority.ca_file(), authority.issuer.pem()).context("writing the CA")?;
        Ok(authority)
    }

    /// The file of its own certificate (PEM), for whoever is to trust it.
    pub fn ca_file(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// A certificate for servers on this machine.
    pub fn server(&self) -> anyhow::Result<CertificateFiles> {
        self.issue("server", &["localhost", "127.0.0.1", "::1"], |_| ())
    }

    /// One for a server of another name.
    pub fn server_named(&self, name: &str) -> anyhow::Result<CertificateFiles> {
        self.issue(name, &[name], |_| ())
    }

    /// One for servers on this machine whose time is over.
    pub fn expired_server(&self) -> anyhow::Result<CertificateFiles> {
        self.issue("expired", &["localhost", "127.0.0.1"], |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        })
    }

    /// One for a client of this name.
    pub fn client(&self, name: &str) -> anyhow::Result<CertificateFiles> {
        self.issue(name, &[], |params| {
            params.distinguished_name.push(DnType::CommonName, name);
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    }

    fn issue(
        &self,
        name: &str,
        hosts: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> anyhow::Result<CertificateFiles> {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(hosts)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let files = CertificateFiles {
            certificate: self.dir.join(format!("{name}.pem")),
            key: self.dir.join(format!("{name}.key")),
        };
        fs::write(&files.certificate, certificate.pem()).context("writing a certificate")?;
        write_private(&files.key, &key.serialize_pem())?;
        Ok(files)
    }
}

/// The CA of all servers of this process, and the certificate that they share.
#[derive(Debug)]
pub(crate) struct Ours {
    pub authority: Authority,
    pub server: CertificateFiles,
    _scratch: Scratch,
}

/// The CA of all servers of this process.
pub fn authority() -> anyhow::Result<&'static Authority> {
    Ok(&ours()?.authority)
}

/// Makes them once for this process.
pub(crate) fn ours() -> anyhow::Result<&'static Ours> {
    // A static is not dropped; the folder's cleaner removes it after the process.
    static OURS: Mutex<Option<&'static Ours>> = Mutex::new(None);
    let mut ours = OURS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(ours) = *ours {
        return Ok(ours);
    }
    let scratch = Scratch::new("tls")?;
    let authority = Authority::new(scratch.path())?;
    let server = authority.server()?;
    Ok(ours.insert(Box::leak(Box::new(Ours { authority, server, _scratch: scratch }))))
}

/// Writes a file that nobody else may read.
pub(crate) fn write_private(file: &Path, content: &str) -> anyhow::Result<()> {
    use std::io::Write;
    let open = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file);
    let mut open = open.with_context(|| format!("writing {}", file.display()))?;
    open.write_all(content.as_bytes()).with_context(|| format!("writing {}", file.display()))
}
