//! TLS for the testbed itself: as a client of its servers, and as a stand-in for servers of others.

use anyhow::Context;
use axum::serve::Listener;
use std::{net::SocketAddr, path::Path, sync::Arc};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor, TlsConnector, client,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig, crypto,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
        server::WebPkiClientVerifier,
    },
    server,
};

use crate::authority::CertificateFiles;

/// Makes ring the provider of cryptography of this process, which HTTP clients ask for. Harmless when it is done again.
pub fn install() {
    let _ = crypto::ring::default_provider().install_default();
}

/// Begins TLS with a server on this machine, which must have a certificate of this CA.
pub(crate) async fn client(ca: &Path, socket: TcpStream) -> anyhow::Result<client::TlsStream<TcpStream>> {
    install();
    let config = ClientConfig::builder().with_root_certificates(roots(ca)?).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    Ok(connector.connect(ServerName::try_from("127.0.0.1")?, socket).await?)
}

/// A door behind which an `axum` router can be served over TLS.
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    /// A door on this machine with this certificate. Where `clients` names a CA, whoever comes must have a certificate of it.
    pub async fn bind(certificate: &CertificateFiles, clients: Option<&Path>) -> anyhow::Result<Self> {
        install();
        let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&certificate.certificate)
            .context("reading a certificate")?
            .collect();
        let key = PrivateKeyDer::from_pem_file(&certificate.key).context("reading a key")?;
        let builder = match clients {
            Some(ca) => {
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots(ca)?)).build()?;
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
            None => ServerConfig::builder().with_no_client_auth(),
        };
        let config = builder.with_single_cert(chain?, key)?;
        let tcp = TcpListener::bind("127.0.0.1:0").await?;
        Ok(Self { tcp, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Where it is.
    pub fn url(&self) -> anyhow::Result<String> {
        Ok(format!("https://{}", self.tcp.local_addr()?))
    }
}

impl Listener for TlsListener {
    type Io = server::TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // Whoever fails the handshake is gone; the next one is waited for.
            if let Ok((socket, from)) = self.tcp.accept().await
                && let Ok(stream) = self.acceptor.accept(socket).await
            {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

fn roots(ca: &Path) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).context("reading a CA")? {
        roots.add(certificate?)?;
    }
    Ok(roots)
}
