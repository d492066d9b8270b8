//! Whatever may hold a secret can be given as a file: `NAME_FILE` (or `--name-file`) names a file that holds what `NAME`
//! would. Files are read when a program starts, and again when it is told to.

use std::{collections::BTreeMap, ffi::OsString, fs, path::Path};

use clap::{
    Arg, ArgMatches, Command, Parser,
    builder::{StyledStr, ValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use crate::tls;

/// Reads a program's settings. Ends the process with status 2 where they are wrong.
pub fn parse<C: Parser>() -> C {
    tls::install();
    read().unwrap_or_else(|error| error.exit())
}

/// Reads all settings of this process anew, and with them the files that hold secrets.
pub fn read_again<C: Parser>() -> Result<C, String> {
    read().map_err(|error| {
        let text = error.to_string();
        // The rest explains how the program is called.
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

fn read<C: Parser>() -> Result<C, clap::Error> {
    read_from(std::env::args_os().collect())
}

/// Reads the settings of these arguments and of the environment.
pub fn read_from<C: Parser>(mut args: Vec<OsString>) -> Result<C, clap::Error> {
    let mut command = with_files(C::command());
    let secrets = secrets(&command);
    let hidden = |error: clap::Error| without_secrets(error, &secrets);
    // Once without minding what is missing, to find the files that the chosen command has.
    let found = command.clone().ignore_errors(true).try_get_matches_from(&args).map_err(hidden)?;
    let given = contents(&found, &secrets)?;
    args.extend(given);
    let read = command.try_get_matches_from_mut(args);
    let read = read.and_then(|mut matches| C::from_arg_matches_mut(&mut matches));
    read.map_err(|error| without_secrets(error.format(&mut command), &secrets))
}

/// The ids of settings that may hold a secret: those whose value `--help` does not show, with their names in the
/// environment and on the command line.
type Secrets = BTreeMap<String, (String, String)>;

fn secrets(command: &Command) -> Secrets {
    let own = command.get_arguments().filter(|arg| arg.is_hide_env_values_set());
    let mut found: Secrets = own
        .filter_map(|arg| {
            let names = (arg.get_env()?.to_str()?.to_owned(), arg.get_long()?.to_owned());
            Some((arg.get_id().to_string(), names))
        })
        .collect();
    command.get_subcommands().for_each(|sub| found.extend(secrets(sub)));
    found
}

fn file_id(id: &str) -> String {
    format!("{id}_file")
}

/// Adds a setting for the file of each secret.
fn with_files(command: Command) -> Command {
    let files: Vec<Arg> = secrets(&Command::new("own").args(command.get_arguments().cloned()))
        .into_iter()
        .map(|(id, (env, long))| {
            Arg::new(file_id(&id))
                .long(format!("{long}-file"))
                .env(format!("{env}_FILE"))
                .value_name("FILE")
                .value_parser(ValueParser::path_buf())
                .help(StyledStr::from(format!("File that holds {env}; read again on SIGHUP")))
        })
        .collect();
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let command = command.args(files);
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_files))
}

/// What the files hold, as arguments.
fn contents(found: &ArgMatches, secrets: &Secrets) -> Result<Vec<OsString>, clap::Error> {
    let mut arguments = match found.subcommand() {
        Some((_, sub)) => contents(sub, secrets)?,
        None => Vec::new(),
    };
    for (id, (env, long)) in secrets {
        let Ok(Some(file)) = found.try_get_one::<std::path::PathBuf>(&file_id(id)) else { continue };
        // A variable that is set and empty is none.
        if file.as_os_str().is_empty() {
            continue;
        }
        if is_given(found, id) {
            let text = format!("{env} and {env}_FILE are both given: give one of them\n");
            return Err(clap::Error::raw(ErrorKind::ArgumentConflict, text));
        }
        let content = read_secret(file)
            .map_err(|why| clap::Error::raw(ErrorKind::ValueValidation, format!("{env}_FILE: {why}\n")))?;
        arguments.push(format!("--{long}={content}").into());
    }
    Ok(arguments)
}

fn is_given(found: &ArgMatches, id: &str) -> bool {
    let source = found.value_source(id);
    let mut values = found.get_raw(id).into_iter().flatten();
    source.is_some_and(|source| source != ValueSource::DefaultValue) && values.any(|value| !value.is_empty())
}

/// The content of a file without the newline that an editor leaves at its end.
fn read_secret(file: &Path) -> Result<String, String> {
    let content = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut content = String::from_utf8(content).map_err(|_| format!("{}: is not UTF-8", file.display()))?;
    if content.ends_with('\n') {
        content.pop();
        if content.ends_with('\r') {
            content.pop();
        }
    }
    Ok(content)
}

/// A wrong value is shown to whoever starts the service, but not one that may hold a key or a password: the message
/// ends up in logs.
fn without_secrets(mut error: clap::Error, secrets: &Secrets) -> clap::Error {
    let argument = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    let is_of = |long: &str| argument.split([' ', '=']).next() == Some(&format!("--{long}"));
    if secrets.values().any(|(_, long)| is_of(long)) {
        error.insert(ContextKind::InvalidValue, ContextValue::String("(hidden)".into()));
    }
    error
}
