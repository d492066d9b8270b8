use clap::{Args, CommandFactory, Parser, error::ErrorKind};
use service::{
    AllowedOrigins,
    config::{DatabaseConfig, DoorConfig, NatsConfig, RedisConfig, ReportingConfig, TlsConfig},
};

/// A service that has a group of settings.
#[derive(Parser, Debug)]
struct Service<C: Args> {
    #[command(flatten)]
    config: C,
}

const KEY: &str = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";

/// Reads settings that are given by name. Those given win over the environment in which the test runs.
fn read<C: Args>(settings: &[(&str, &str)]) -> Result<C, clap::Error> {
    let args = settings.iter().map(|(name, value)| format!("--{name}={value}"));
    Service::<C>::try_parse_from(std::iter::once("service".to_owned()).chain(args))
        .map(|service| service.config)
}

/// What a service says about a setting that it refuses.
fn refusal<C: Args + std::fmt::Debug>(settings: &[(&str, &str)]) -> String {
    let error = read::<C>(settings).unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (ErrorKind::ValueValidation, 2), "{error}");
    error.to_string()
}

/// The environment variables of a group, and whether each has to be there.
fn variables<C: Args>() -> Vec<(String, bool)> {
    let command = Service::<C>::command();
    let variables = command
        .get_arguments()
        .filter_map(|arg| Some((arg.get_env()?.to_str().unwrap().to_owned(), arg.is_required_set())));
    variables.collect()
}

#[test]
fn every_setting_has_its_variable_and_is_required_where_there_is_no_good_default() {
    let named = |wanted: &[(&str, bool)]| {
        wanted.iter().map(|(name, required)| ((*name).to_owned(), *required)).collect::<Vec<_>>()
    };
    let reporting = [("ADMIN_ADDR", false), ("LOG", false), ("OTEL_EXPORTER_OTLP_ENDPOINT", false)];
    assert_eq!(variables::<ReportingConfig>(), named(&reporting));
    let database = [
        ("DATABASE_URL", true),
        ("DATABASE_PASSWORD", false),
        ("DATABASE_CA_FILE", false),
        ("DATABASE_CLIENT_CERT_FILE", false),
        ("DATABASE_CLIENT_KEY_FILE", false),
        ("DATABASE_MAX_CONNECTIONS", false),
    ];
    assert_eq!(variables::<DatabaseConfig>(), named(&database));
    let nats = [
        ("NATS_URL", true),
        ("NATS_USER", false),
        ("NATS_PASSWORD", false),
        ("NATS_TOKEN", false),
        ("NATS_NKEY_SEED", false),
        ("NATS_CREDS", false),
        ("NATS_CA_FILE", false),
        ("NATS_CLIENT_CERT_FILE", false),
        ("NATS_CLIENT_KEY_FILE", false),
    ];
    assert_eq!(variables::<NatsConfig>(), named(&nats));
    let redis = [
        ("REDIS_URL", true),
        ("REDIS_PASSWORD", false),
        ("REDIS_CA_FILE", false),
        ("REDIS_CLIENT_CERT_FILE", false),
        ("REDIS_CLIENT_KEY_FILE", false),
        ("ROUTE_CACHE_MIB", false),
    ];
    assert_eq!(variables::<RedisConfig>(), named(&redis));
    let tls = [("TLS_CA_FILE", false), ("TLS_CLIENT_CERT_FILE", false), ("TLS_CLIENT_KEY_FILE", false)];
    assert_eq!(variables::<TlsConfig>(), named(&tls));
    let door = [
        ("RATE_LIMIT_ADDRESS_PER_MINUTE", false),
        ("TRUSTED_PROXIES", false),
        ("MAX_CONNECTIONS", false),
        ("MAX_CONNECTIONS_PER_ADDRESS", false),
        ("SHUTDOWN_DELAY_SECONDS", false),
        ("LISTEN_ADDR", false),
        ("SESSION_KEY", true),
        ("SESSION_KEY_PREVIOUS", false),
        ("ALLOWED_ORIGINS", true),
        ("PUBLIC_URL", false),
        ("SESSION_MAX_DAYS", false),
    ];
    assert_eq!(variables::<DoorConfig>(), named(&door));
}

#[test]
fn addresses_are_read_as_they_are() {
    let url = "postgres://wildside:hunter2@db:5432/wildside?sslmode=require";
    let database: DatabaseConfig =
        read(&[("database-url", url), ("database-max-connections", "40")]).unwrap();
    assert_eq!((database.database_url.as_str(), database.database_max_connections), (url, 40));
    let nats: NatsConfig = read(&[("nats-url", "nats://nats:4222")]).unwrap();
    assert_eq!(nats.nats_url.as_str(), "nats://nats:4222");
    let redis: RedisConfig = read(&[("redis-url", "rediss://:pass@redis/1")]).unwrap();
    assert_eq!(redis.redis_url.as_str(), "rediss://:pass@redis/1");
    let shown = format!("{database:?} {redis:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("pass@"), "{shown}");
}

#[test]
fn addresses_that_are_none_are_refused() {
    for nonsense in ["", "localhost", "db:5432", "://db", "postgres://"] {
        assert!(refusal::<DatabaseConfig>(&[("database-url", nonsense)]).contains("must be a URL"));
        assert!(refusal::<NatsConfig>(&[("nats-url", nonsense)]).contains("must be a URL"));
        assert!(refusal::<RedisConfig>(&[("redis-url", nonsense)]).contains("must be a URL"));
    }
    for nonsense in ["0", "1001", "-1", "many"] {
        let settings = [("database-url", "postgres://db/wildside"), ("database-max-connections", nonsense)];
        assert!(refusal::<DatabaseConfig>(&settings).contains("--database-max-connections"));
    }
}

#[test]
fn reporting_is_read_and_nonsense_is_refused() {
    let reporting: ReportingConfig = read(&[
        ("admin-addr", "[::1]:9000"),
        ("log", "warn,store=debug"),
        ("otlp-endpoint", "http://collector:4318"),
    ])
    .unwrap();
    assert_eq!(reporting.admin_addr, "[::1]:9000".parse().unwrap());
    assert_eq!(reporting.log, "warn,store=debug");
    assert_eq!(reporting.otlp_endpoint.as_ref().map(|url| url.as_str()), Some("http://collector:4318"));
    for (name, nonsense) in [
        ("admin-addr", "localhost"),
        ("admin-addr", "127.0.0.1"),
        ("admin-addr", "127.0.0.1:99999"),
        ("log", "store=loudly"),
    ] {
        assert!(refusal::<ReportingConfig>(&[(name, nonsense)]).contains(name), "{nonsense}");
    }
}

fn door(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut settings = vec![
        ("session-key", KEY),
        ("allowed-origins", "https://wildside.example, http://localhost:5173"),
        ("public-url", "https://wildside.example/"),
        ("listen-addr", "0.0.0.0:80"),
    ];
    settings.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    settings.extend(changes);
    settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn borrowed(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn a_door_is_read() {
    let config: DoorConfig = read(&borrowed(&door(&[]))).unwrap();
    assert_eq!(config.listen_addr, "0.0.0.0:80".parse().unwrap());
    assert_eq!(config.public_url, "https://wildside.example");
    let origins: AllowedOrigins = "https://wildside.example,http://localhost:5173".parse().unwrap();
    assert_eq!(config.allowed_origins, origins);
    assert_eq!(config.session_keys().cookie_name(), "__Host-wildside");
    assert!(!format!("{config:?}").contains("kkkk"));
    let plain: DoorConfig = read(&borrowed(&door(&[("public-url", "http://localhost:8080")]))).unwrap();
    assert_eq!(plain.session_keys().cookie_name(), "wildside");
}

#[test]
fn a_door_that_would_let_the_wrong_ones_in_is_refused() {
    let short = &KEY[1..];
    for (name, nonsense, why) in [
        ("session-key", short, "is 63 bytes long; 64 are the least"),
        ("session-key", "", "is 0 bytes long"),
        ("session-key-previous", "old", "is 3 bytes long"),
        ("allowed-origins", "*", "is not an origin"),
        ("allowed-origins", "", "is not an origin"),
        ("allowed-origins", "https://wildside.example,", "is not an origin"),
        ("allowed-origins", "https://wildside.example/app", "is not an origin"),
        ("public-url", "wildside.example", "must start with http"),
        ("public-url", "ftp://wildside.example", "must start with http"),
        ("listen-addr", "here", "invalid socket address"),
    ] {
        let said = refusal::<DoorConfig>(&borrowed(&door(&[(name, nonsense)])));
        assert!(said.contains(name) && said.contains(why), "{said}");
    }
}

#[test]
fn a_secret_in_the_environment_is_not_shown_by_help() {
    fn shown<C: Args>() -> Vec<String> {
        let command = Service::<C>::command();
        let open = command.get_arguments().filter(|arg| !arg.is_hide_env_values_set());
        open.filter_map(|arg| Some(arg.get_env()?.to_str()?.to_owned())).collect()
    }
    let files = |link: &str| ["CA", "CLIENT_CERT", "CLIENT_KEY"].map(|part| format!("{link}_{part}_FILE"));
    let database = [&files("DATABASE")[..], &["DATABASE_MAX_CONNECTIONS".to_owned()]].concat();
    assert_eq!(shown::<DatabaseConfig>(), database);
    assert_eq!(shown::<NatsConfig>(), [&["NATS_USER".to_owned()], &files("NATS")[..]].concat());
    assert_eq!(shown::<RedisConfig>(), [&files("REDIS")[..], &["ROUTE_CACHE_MIB".to_owned()]].concat());
    let open = [
        "RATE_LIMIT_ADDRESS_PER_MINUTE",
        "TRUSTED_PROXIES",
        "MAX_CONNECTIONS",
        "MAX_CONNECTIONS_PER_ADDRESS",
        "SHUTDOWN_DELAY_SECONDS",
        "LISTEN_ADDR",
        "ALLOWED_ORIGINS",
        "PUBLIC_URL",
        "SESSION_MAX_DAYS",
    ];
    assert_eq!(shown::<DoorConfig>(), open);
}
