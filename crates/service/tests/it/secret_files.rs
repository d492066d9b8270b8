use clap::{Parser, Subcommand, error::ErrorKind};
use service::config::{DatabaseConfig, DoorConfig, NatsConfig, TlsConfig, read_from};
use std::{fs, path::PathBuf};
use testbed::Scratch;

#[derive(Parser, Debug)]
struct Program {
    #[command(flatten)]
    door: DoorConfig,
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    nats: NatsConfig,
    #[command(flatten)]
    tls: TlsConfig,
}

#[derive(Parser, Debug)]
struct Tool {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Migrate(Database),
    Nothing,
}

#[derive(clap::Args, Debug)]
struct Database {
    #[command(flatten)]
    database: DatabaseConfig,
}

const KEY: &str = "hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2";

struct Folder(Scratch);

impl Folder {
    fn file(&self, name: &str, content: &[u8]) -> String {
        let file: PathBuf = self.0.path().join(name);
        fs::write(&file, content).unwrap();
        file.display().to_string()
    }
}

fn read(args: &[&str]) -> Result<Program, clap::Error> {
    let usual = ["program", "--allowed-origins=https://a.example", "--nats-url=nats://nats"];
    read_from(usual.iter().chain(args).map(Into::into).collect())
}

#[test]
fn a_secret_is_read_from_a_file_without_the_newline_at_its_end() {
    let folder = Folder(Scratch::new("secrets").unwrap());
    let url = "postgres://gateway@db/wildside?sslmode=verify-full";
    for end in ["", "\n", "\r\n"] {
        let key = folder.file("key", format!("{KEY}{end}").as_bytes());
        let database = folder.file("url", format!("{url}{end}").as_bytes());
        let program =
            read(&["--session-key-file", &key, &format!("--database-url-file={database}")]).unwrap();
        assert_eq!(program.database.database_url.as_str(), url);
        // What one signs the other verifies: it is the same key.
        let (user, now) = (uuid::Uuid::from_u128(7), std::time::SystemTime::now());
        let cookie = program.door.session_keys().begin(user, now);
        let headers = [(http::header::COOKIE, cookie.split(';').next().unwrap().parse().unwrap())];
        let given = read(&["--session-key", KEY, "--database-url", url]).unwrap().door.session_keys();
        let session = given.session(&headers.into_iter().collect(), now).unwrap();
        assert_eq!(session.user_id, user);
        assert!(!format!("{program:?}").contains("hunter2"));
    }
    // Only one of them: the others belong to the secret.
    let password = folder.file("password", b"hunter2 \n\n");
    let program = read(&[
        "--session-key",
        KEY,
        "--database-url",
        "postgres://a@db",
        "--database-password-file",
        &password,
    ]);
    let url = program.unwrap().database.url(&TlsConfig::default()).unwrap();
    assert!(url.ends_with("password=hunter2+%0A"), "{url}");
}

#[test]
fn a_secret_that_is_given_twice_is_refused_by_both_names() {
    let folder = Folder(Scratch::new("secrets").unwrap());
    let key = folder.file("key", KEY.as_bytes());
    let url = "--database-url=postgres://db";
    let error = read(&[url, "--session-key", KEY, "--session-key-file", &key]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let said = error.to_string();
    assert!(said.contains("SESSION_KEY and SESSION_KEY_FILE are both given"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_reason_and_never_its_content() {
    let folder = Folder(Scratch::new("secrets").unwrap());
    let (short, binary) = (folder.file("short", b"hunter2"), folder.file("binary", b"hunter2\xff"));
    let missing = folder.0.path().join("missing").display().to_string();
    let dir = folder.0.path().display().to_string();
    for (file, reasons) in [
        (&missing, ["SESSION_KEY_FILE", "No such file or directory"]),
        (&dir, ["SESSION_KEY_FILE", "Is a directory"]),
        (&binary, ["SESSION_KEY_FILE", "is not UTF-8"]),
        (&short, ["--session-key", "is 7 bytes long"]),
    ] {
        let error = read(&["--database-url=postgres://db", "--session-key-file", file]).unwrap_err();
        let said = error.to_string();
        assert_eq!(error.exit_code(), 2, "{said}");
        assert!(reasons.iter().all(|reason| said.contains(reason)), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn what_is_missing_is_asked_for_and_help_tells_of_the_files() {
    let error = read(&["--database-url=postgres://db"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingRequiredArgument);
    let help = read(&["--help"]).unwrap_err();
    assert_eq!(help.kind(), ErrorKind::DisplayHelp);
    for name in ["SESSION_KEY_FILE", "DATABASE_URL_FILE", "NATS_CREDS_FILE", "NATS_PASSWORD_FILE"] {
        assert!(help.to_string().contains(name), "{name}");
    }
}

#[test]
fn a_file_belongs_to_the_command_that_has_its_setting() {
    let folder = Folder(Scratch::new("secrets").unwrap());
    let url = folder.file("url", b"postgres://db/wildside\n");
    let tool: Tool =
        read_from(["tool", "migrate", "--database-url-file", &url].map(Into::into).into()).unwrap();
    let Command::Migrate(Database { database }) = tool.command else { panic!("another command") };
    assert_eq!(database.database_url.as_str(), "postgres://db/wildside");
    let wrong = read_from::<Tool>(["tool", "nothing", "--database-url-file", &url].map(Into::into).into());
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::UnknownArgument);
    read_from::<Tool>(["tool", "nothing"].map(Into::into).into()).unwrap();
}

#[test]
fn a_value_that_may_be_secret_is_repeated_by_no_error() {
    for setting in [
        "--database-url=hunter2",
        "--nats-url=hunter2",
        "--session-key=hunter2",
        "--session-key-previous=hunter2",
    ] {
        let said = read(&[setting]).unwrap_err().to_string();
        assert!(!said.contains("hunter2"), "{setting}: {said}");
    }
}
