//! How the settings of a link become the URL that is handed to `store` and `bus`.

use clap::{Args, Parser};
use service::config::{DatabaseConfig, NatsConfig, RedisConfig, TlsConfig};
use testbed::{Authority, Scratch};

#[derive(Parser, Debug)]
struct Program<L: Args> {
    #[command(flatten)]
    link: L,
    #[command(flatten)]
    tls: TlsConfig,
}

fn read<L: Args>(args: &[(&str, &str)]) -> Program<L> {
    let args = args.iter().map(|(name, value)| format!("--{name}={value}"));
    Program::parse_from(std::iter::once("program".to_owned()).chain(args))
}

fn database(args: &[(&str, &str)]) -> Result<String, String> {
    let Program { link, tls } = read::<DatabaseConfig>(args);
    link.url(&tls).map_err(|error| error.to_string())
}

fn redis(args: &[(&str, &str)]) -> Result<String, String> {
    let Program { link, tls } = read::<RedisConfig>(args);
    link.url(&tls).map_err(|error| error.to_string())
}

fn nats(args: &[(&str, &str)]) -> Result<String, String> {
    let Program { link, tls } = read::<NatsConfig>(args);
    link.url(&tls).map_err(|error| error.to_string())
}

#[test]
fn a_link_without_further_settings_is_its_url() {
    assert_eq!(database(&[("database-url", "postgres://a:b@db/w")]), Ok("postgres://a:b@db/w".into()));
    assert_eq!(redis(&[("redis-url", "redis://redis:6379")]), Ok("redis://redis:6379".into()));
    assert_eq!(nats(&[("nats-url", "nats://a:1, b:2")]), Ok("nats://a:1,nats://b:2".into()));
}

#[test]
fn a_password_is_put_in_and_escaped() {
    let with = database(&[("database-url", "postgres://a@db/w"), ("database-password", "p&=@ä")]);
    assert_eq!(with, Ok("postgres://a@db/w?password=p%26%3D%40%C3%A4".into()));
    let with = redis(&[("redis-url", "redis://a@redis"), ("redis-password", "p@/?")]);
    assert_eq!(with, Ok("redis://a:p%40%2F%3F@redis".into()));
    let with = nats(&[("nats-url", "tls://a,tls://b"), ("nats-user", "u"), ("nats-password", "p,@")]);
    assert_eq!(with, Ok("tls://u:p%2C%40@a,tls://u:p%2C%40@b".into()));
    let with = nats(&[("nats-url", "nats://a"), ("nats-token", "t:t")]);
    assert_eq!(with, Ok("nats://t%3At@a".into()));
}

#[test]
fn what_is_said_twice_is_refused_by_name_and_without_the_secret() {
    for (said, names) in [
        (
            database(&[("database-url", "postgres://a:hunter2@db"), ("database-password", "hunter2")]),
            "DATABASE_PASSWORD DATABASE_URL",
        ),
        (
            redis(&[("redis-url", "redis://:hunter2@redis"), ("redis-password", "hunter2")]),
            "REDIS_PASSWORD REDIS_URL",
        ),
        (nats(&[("nats-url", "nats://hunter2@a"), ("nats-token", "hunter2")]), "NATS_TOKEN NATS_URL"),
    ] {
        let said = said.unwrap_err();
        assert!(names.split(' ').all(|name| said.contains(name)) && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_ca_is_put_in_its_own_before_the_common_one() {
    let scratch = Scratch::new("ca").unwrap();
    let [own, common] = ["own", "common"].map(|name| {
        let ca = Authority::new(&scratch.path().join(name)).unwrap();
        ca.ca_file().display().to_string()
    });
    let encoded = |file: &str| file.replace('/', "%2F");
    let url =
        database(&[("database-url", "postgres://db"), ("database-ca-file", &own), ("tls-ca-file", &common)]);
    assert_eq!(url, Ok(format!("postgres://db?sslrootcert={}&sslmode=verify-full", encoded(&own))));
    // A private CA for other links does not make this one go over TLS.
    let url = redis(&[("redis-url", "redis://redis"), ("tls-ca-file", &common)]);
    assert_eq!(url, Ok("redis://redis".into()));
    let url = redis(&[("redis-url", "rediss://redis"), ("tls-ca-file", &common)]);
    assert_eq!(url, Ok(format!("rediss://redis?sslrootcert={}", encoded(&common))));
    let url = nats(&[("nats-url", "nats://a"), ("nats-ca-file", &own)]);
    assert_eq!(url, Ok(format!("nats://a?tls=required&sslrootcert={}", encoded(&own))));
    let wrong = redis(&[("redis-url", "redis://redis"), ("redis-ca-file", &own)]).unwrap_err();
    assert!(wrong.contains("rediss://"), "{wrong}");
}

#[test]
fn a_file_that_is_no_certificate_is_refused() {
    let scratch = Scratch::new("ca").unwrap();
    let file = scratch.path().join("ca.pem");
    let args =
        ["program", "--nats-url=nats://a", "--nats-ca-file", &file.display().to_string()].map(String::from);
    for content in [None, Some("no certificate")] {
        content.into_iter().for_each(|content| std::fs::write(&file, content).unwrap());
        let error = Program::<NatsConfig>::try_parse_from(&args).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("ca.pem: "), "{error}");
    }
}

#[test]
fn only_one_way_to_log_in_is_taken() {
    let ways = [
        vec!["--nats-user=u", "--nats-password=hunter2"],
        vec!["--nats-token=hunter2"],
        vec!["--nats-nkey-seed=hunter2"],
        vec!["--nats-creds=hunter2"],
    ];
    for (number, one) in ways.iter().enumerate() {
        for other in &ways[number + 1..] {
            let args = ["program", "--nats-url=nats://a"].iter().chain(one).chain(other);
            let error = Program::<NatsConfig>::try_parse_from(args).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
