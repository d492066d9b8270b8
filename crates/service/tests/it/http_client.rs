use axum::{Router, routing::get};
use service::{
    config::TlsConfig,
    http_client::{builder, reason},
};
use std::path::PathBuf;
use testbed::{Authority, CertificateFiles, Scratch, TlsListener};

async fn serve(certificate: &CertificateFiles, clients: Option<&Authority>) -> String {
    let clients = clients.map(Authority::ca_file);
    let listener = TlsListener::bind(certificate, clients.as_deref()).await.unwrap();
    let url = listener.url().unwrap();
    tokio::spawn(async { axum::serve(listener, Router::new().route("/", get(async || "walk"))).await });
    url
}

fn trusting(ca: PathBuf) -> TlsConfig {
    TlsConfig { tls_ca_file: Some(ca), ..TlsConfig::default() }
}

async fn ask(url: &str, tls: &TlsConfig) -> Result<String, String> {
    let client = builder(tls).unwrap().build().unwrap();
    let answer = client.get(url).send().await.map_err(reason)?;
    answer.text().await.map_err(reason)
}

#[tokio::test]
async fn a_private_ca_is_trusted_where_it_is_named_and_only_there() {
    let scratch = Scratch::new("ca").unwrap();
    let (ours, theirs) = (
        Authority::new(&scratch.path().join("a")).unwrap(),
        Authority::new(&scratch.path().join("b")).unwrap(),
    );
    let url = serve(&ours.server().unwrap(), None).await;
    assert_eq!(ask(&url, &trusting(ours.ca_file())).await, Ok("walk".into()));
    for tls in [TlsConfig::default(), trusting(theirs.ca_file())] {
        let why = ask(&url, &tls).await.unwrap_err();
        assert!(why.contains("invalid peer certificate: UnknownIssuer"), "{why}");
    }
}

#[tokio::test]
async fn the_reason_names_what_is_wrong_with_a_certificate_and_no_url() {
    let scratch = Scratch::new("ca").unwrap();
    let ca = Authority::new(scratch.path()).unwrap();
    for (certificate, reason) in [
        (ca.expired_server().unwrap(), "certificate expired"),
        (ca.server_named("collector.example").unwrap(), "certificate not valid for name"),
    ] {
        let url = serve(&certificate, None).await;
        let secret = format!("{url}/?token=hunter2").replace("https://", "https://user:hunter2@");
        let why = ask(&secret, &trusting(ca.ca_file())).await.unwrap_err();
        assert!(why.contains(reason) && !why.contains("hunter2"), "{why}");
    }
    let why = ask("http://user:hunter2@127.0.0.1:1/?token=hunter2", &TlsConfig::default()).await.unwrap_err();
    assert!(why.contains("Connection refused") && !why.contains("hunter2"), "{why}");
}

#[tokio::test]
async fn a_certificate_of_ours_is_shown_to_whom_asks_for_one() {
    let scratch = Scratch::new("ca").unwrap();
    let ca = Authority::new(scratch.path()).unwrap();
    let url = serve(&ca.server().unwrap(), Some(&ca)).await;
    let why = ask(&url, &trusting(ca.ca_file())).await.unwrap_err();
    assert!(why.contains("CertificateRequired"), "{why}");
    let ours = ca.client("gateway").unwrap();
    let tls = TlsConfig {
        tls_client_cert_file: Some(ours.certificate),
        tls_client_key_file: Some(ours.key),
        ..trusting(ca.ca_file())
    };
    assert_eq!(ask(&url, &tls).await, Ok("walk".into()));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let scratch = Scratch::new("ca").unwrap();
    let ca = Authority::new(scratch.path()).unwrap();
    let listener = TlsListener::bind(&ca.server().unwrap(), None).await.unwrap();
    let url = listener.url().unwrap();
    let elsewhere = get(async || axum::response::Redirect::temporary("/elsewhere"));
    let router = Router::new().route("/", elsewhere).route("/elsewhere", get(async || "walk"));
    tokio::spawn(async { axum::serve(listener, router).await });
    let client = builder(&trusting(ca.ca_file())).unwrap().build().unwrap();
    assert_eq!(client.get(url).send().await.unwrap().status(), 307);
}
