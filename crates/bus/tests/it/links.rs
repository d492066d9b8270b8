//! A broker that demands credentials gets them, and where they are wrong the reason is told.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bus::Bus;
use nkeys::KeyPair;
use serde_json::{Value, json};
use std::{fs, path::Path};
use testbed::{Authority, CertificateFiles, Nats, Scratch, Signal};

use crate::{broker::direct, soon};

/// Makes the streams, which takes leave to do so, and finds all in order.
async fn works(url: &str) {
    let bus = Bus::connect(url, "bus-tests").await.unwrap();
    soon("the connection", async || bus.ensure_streams(1).await.is_ok()).await;
    assert_eq!(bus.ready().await, Ok(()));
}

/// Waits until readiness says more than that there is no connection.
async fn fails(url: &str, reason: &str) {
    let bus = Bus::connect(url, "bus-tests").await.unwrap();
    let mut last = String::new();
    let told = async || {
        last = bus.ready().await.unwrap_err();
        last.contains(reason)
    };
    let told = tokio::time::timeout(std::time::Duration::from_secs(10), soon(reason, told)).await;
    assert!(told.is_ok(), "wanted {reason}, told {last}");
    assert!(!last.contains("hunter2"), "{last}");
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn tls(certificate: &CertificateFiles, clients: Option<&Authority>) -> String {
    let (file, key) = (certificate.certificate.display(), certificate.key.display());
    let clients = clients.map(|ca| format!(", ca_file: \"{}\", verify: true", ca.ca_file().display()));
    format!("tls {{ cert_file: \"{file}\", key_file: \"{key}\"{} }}\n", clients.unwrap_or_default())
}

#[tokio::test]
async fn a_user_with_a_password_is_let_in_and_with_another_one_is_told_so() {
    let config = "authorization { user: gateway, password: \"hunter2@/\" }";
    let nats = Nats::start_with(config).await.unwrap();
    works(&format!("nats://gateway:hunter2%40%2F@{}", nats.address())).await;
    for who in ["", "gateway:hunter2@", "stranger:hunter2%40%2F@", "hunter2@"] {
        fails(&format!("nats://{who}{}", nats.address()), "authorization violation").await;
    }
}

#[tokio::test]
async fn streams_that_cannot_be_made_are_told_with_the_reason() {
    let nats = Nats::start_with("authorization { token: hunter2 }").await.unwrap();
    let bus = Bus::connect(&format!("nats://hunter3@{}", nats.address()), "bus-tests").await.unwrap();
    let why = bus.ensure_streams(1).await.unwrap_err().to_string();
    assert!(why.contains("not connected: authorization violation"), "{why}");
}

#[tokio::test]
async fn a_token_is_let_in() {
    let nats = Nats::start_with("authorization { token: hunter2 }").await.unwrap();
    works(&format!("nats://hunter2@{}", nats.address())).await;
    fails(&format!("nats://hunter3@{}", nats.address()), "authorization violation").await;
}

#[tokio::test]
async fn an_nkey_is_let_in() {
    let (ours, theirs) = (KeyPair::new_user(), KeyPair::new_user());
    let config = format!("authorization {{ users: [{{ nkey: {} }}] }}", ours.public_key());
    let nats = Nats::start_with(&config).await.unwrap();
    works(&format!("nats://{}?nkey={}", nats.address(), ours.seed().unwrap())).await;
    let other = format!("nats://{}?nkey={}", nats.address(), theirs.seed().unwrap());
    fails(&other, "authorization violation").await;
}

/// A JSON web token as NATS has them, signed by `issuer`.
fn jwt(issuer: &KeyPair, subject: &KeyPair, nats: &Value) -> String {
    let header = json!({"typ": "JWT", "alg": "ed25519-nkey"});
    let claims = json!({
        "jti": "wildside", "iat": 1_700_000_000, "iss": issuer.public_key(), "name": "wildside",
        "sub": subject.public_key(), "nats": nats
    });
    let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn a_credentials_file_is_let_in() {
    let (operator, account, user) = (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_user());
    let all = json!({"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
        "conn": -1, "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1});
    let operator_jwt = jwt(&operator, &operator, &json!({"type": "operator", "version": 2}));
    let account_jwt = jwt(&operator, &account, &json!({"type": "account", "version": 2, "limits": all}));
    let of_user = json!({"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1});
    let user_jwt = jwt(&account, &user, &of_user);
    // JetStream asks for a system account, which has no streams itself.
    let system = KeyPair::new_account();
    let none = json!({"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
        "conn": -1, "leaf": -1});
    let system_jwt = jwt(&operator, &system, &json!({"type": "account", "version": 2, "limits": none}));
    let (account, system) = (account.public_key(), system.public_key());
    let config = format!(
        "operator: {operator_jwt}\nsystem_account: {system}\nresolver: MEMORY\n\
         resolver_preload: {{ {account}: {account_jwt}, {system}: {system_jwt} }}\n"
    );
    let nats = Nats::start_with(&config).await.unwrap();
    let creds = |seed: &str| {
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{user_jwt}\n------END NATS USER JWT------\n\n\
             ************************* IMPORTANT *************************\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        format!("nats://{}?creds={}", nats.address(), encoded(&text))
    };
    works(&creds(&user.seed().unwrap())).await;
    fails(&creds(&KeyPair::new_user().seed().unwrap()), "authorization violation").await;
}

#[tokio::test]
async fn tls_is_spoken_and_what_is_wrong_with_a_certificate_is_told() {
    let scratch = Scratch::new("ca").unwrap();
    let ca = Authority::new(&scratch.path().join("a")).unwrap();
    let other = Authority::new(&scratch.path().join("b")).unwrap();
    let trusting = |ca: &Authority| format!("?sslrootcert={}", encoded(&ca.ca_file().display().to_string()));
    let nats = Nats::start_with(&tls(&ca.server().unwrap(), None)).await.unwrap();
    works(&format!("tls://{}{}", nats.address(), trusting(&ca))).await;
    // A server that demands TLS gets it, whatever the scheme.
    works(&format!("nats://{}{}", nats.address(), trusting(&ca))).await;
    fails(&format!("tls://{}{}", nats.address(), trusting(&other)), "UnknownIssuer").await;
    fails(&format!("tls://{}", nats.address()), "UnknownIssuer").await;
    for (certificate, reason) in [
        (ca.expired_server().unwrap(), "certificate expired"),
        (ca.server_named("nats.example").unwrap(), "certificate not valid for name"),
    ] {
        let nats = Nats::start_with(&tls(&certificate, None)).await.unwrap();
        fails(&format!("tls://{}{}", nats.address(), trusting(&ca)), reason).await;
    }
    // Where TLS is demanded by us, nothing is said in the open.
    let open = Nats::start_open().await.unwrap();
    let url = format!("nats://user:hunter2@{}{}&tls=required", open.address(), trusting(&ca));
    fails(&url, "NATS: not connected: ").await;
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let scratch = Scratch::new("ca").unwrap();
    let ca = Authority::new(scratch.path()).unwrap();
    let nats = Nats::start_with(&tls(&ca.server().unwrap(), Some(&ca))).await.unwrap();
    let file = |file: &Path| encoded(&file.display().to_string());
    let trusting = format!("tls://{}?sslrootcert={}", nats.address(), file(&ca.ca_file()));
    let ours = ca.client("gateway").unwrap();
    works(&format!("{trusting}&sslcert={}&sslkey={}", file(&ours.certificate), file(&ours.key))).await;
    fails(&trusting, "CertificateRequired").await;
}

#[tokio::test]
async fn several_servers_have_one_identity_and_one_that_answers_is_enough() {
    let nats = Nats::start_with("authorization { user: gateway, password: hunter2 }").await.unwrap();
    let nowhere = testbed::free_port().unwrap();
    works(&format!("nats://gateway:hunter2@127.0.0.1:{nowhere},{}", nats.address())).await;
}

#[tokio::test]
async fn another_password_counts_from_the_next_connection_on() {
    let config = |password: &str| format!("authorization {{ user: gateway, password: {password} }}");
    let nats = Nats::start_with(&config("hunter2")).await.unwrap();
    let url = |password: &str| format!("nats://gateway:{password}@{}", nats.address());
    let bus = Bus::connect(&url("hunter2"), "bus-tests").await.unwrap();
    soon("the connection", async || bus.ensure_streams(1).await.is_ok()).await;
    fs::write(nats.config(), config("hunter3")).unwrap();
    // The server reads it anew, and throws those out whose password it was not.
    nats.process().signal(Signal::HUP);
    let refused = async || bus.ready().await.is_err_and(|why| why.contains("authorization violation"));
    soon("it is refused", refused).await;
    bus.set_identity(&url("hunter3")).unwrap();
    soon("it is let in again", async || bus.ready().await.is_ok()).await;
}

#[tokio::test]
async fn each_service_may_say_and_hear_what_is_its_own() {
    let nats = Nats::start().await.unwrap();
    let admin = Bus::connect(&nats.url_as("wildside-admin"), "wildside-admin").await.unwrap();
    soon("the streams", async || admin.ensure_streams(1).await.is_ok()).await;
    for service in ["api-gateway", "route-worker", "enrichment-worker", "notifier"] {
        let bus = Bus::connect(&nats.url_as(service), service).await.unwrap();
        soon(service, async || bus.ready().await.is_ok()).await;
        // Under another name its answers would go where it may not listen.
        let bus = Bus::connect(&nats.url_as(service), "somebody-else").await.unwrap();
        let denied =
            async || bus.ready().await.is_err_and(|why| why.to_lowercase().contains("permissions violation"));
        soon("the reason", denied).await;
    }
    let notifier = Bus::connect(&nats.url_as("notifier"), "notifier").await.unwrap();
    soon("the notifier", async || notifier.ready().await.is_ok()).await;
    let denied = notifier.publish_job(&crate::broker::job(), 0, None).await.unwrap_err().to_string();
    assert!(denied.to_lowercase().contains("permissions violation for publish to \"jobs.route"), "{denied}");
    assert!(notifier.ensure_streams(1).await.is_err());
    // Nobody hears the answers of another service.
    let (_, ca) = nats.url().split_once("?sslrootcert=").map(|(_, ca)| ((), ca.to_owned())).unwrap();
    let user = "route-worker";
    let options = async_nats::ConnectOptions::with_user_and_password(user.into(), nats.password_of(user));
    let worker =
        options.add_root_certificates(ca.into()).connect(format!("tls://{}", nats.address())).await.unwrap();
    let mut heard = worker.subscribe("_INBOX.api-gateway.>").await.unwrap();
    let mut status = worker.subscribe("status.>").await.unwrap();
    worker.flush().await.unwrap();
    let superuser = direct(&nats).await;
    superuser.publish("_INBOX.api-gateway.answer", "secret".into()).await.unwrap();
    superuser.publish("status.a.b", "secret".into()).await.unwrap();
    superuser.flush().await.unwrap();
    let silent = std::time::Duration::from_millis(300);
    use futures_util::StreamExt;
    assert!(tokio::time::timeout(silent, heard.next()).await.is_err());
    assert!(tokio::time::timeout(silent, status.next()).await.is_err());
}
