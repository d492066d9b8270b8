use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow, bail, ensure};
use extract::{Progress, sha256_of};
use reqwest::{Client, Response, StatusCode, header, redirect::Policy};
use service::{
    config::{Address, TlsConfig},
    http_client::{self, reason},
};
use tokio::time::sleep;

/// A server that says nothing for so long is taken for gone.
const SILENCE: Duration = Duration::from_secs(60);

/// A try takes no longer; the next goes on where it stopped, so that a connection gone silent costs no more than this.
const LONGEST_TRY: Duration = Duration::from_secs(20 * 60);

/// Pauses between tries. A try that brought something to go on from starts the count afresh.
const PAUSES_S: [u64; 4] = [1, 5, 15, 30];

/// Fetches a file, going on where an earlier try stopped. What is there under its final name is always whole.
pub(crate) async fn download(
    url: &str,
    sha256: Option<&str>,
    to: Option<&Path>,
    tls: &TlsConfig,
    progress: Progress,
) -> anyhow::Result<PathBuf> {
    let is_http = url.starts_with("https://") || url.starts_with("http://");
    // As it may be told: without a password or a token.
    let shown = match url.parse::<Address>() {
        Ok(address) if is_http => format!("{address:?}"),
        _ => bail!("what is to be downloaded is neither https:// nor http://"),
    };
    let client = client(tls)?;
    let sha256 = sha256.map(str::to_ascii_lowercase);
    let target = match to {
        Some(path) => path.to_owned(),
        None => {
            name_in(url).with_context(|| format!("{shown} names no file: say where to keep it with --to"))?
        }
    };
    if let Some(wanted) = &sha256
        && target.is_file()
        && sha256_of(&target, |_| {})? == *wanted
    {
        return Ok(target);
    }
    let part = Part::of(&target);
    let mut failures = 0;
    loop {
        let before = part.len();
        match part.fetch_rest(&client, url, progress).await {
            Ok(()) => break,
            Err(Failure::Lasting(error)) => return Err(error.context(format!("fetching {shown}"))),
            Err(Failure::Passing(error)) => {
                failures = if part.len() > before && part.tag.is_file() { 0 } else { failures + 1 };
                let Some(pause) = PAUSES_S.get(failures) else {
                    return Err(error.context(format!("fetching {shown}; the next try goes on from here")));
                };
                sleep(Duration::from_secs(*pause)).await;
            }
        }
    }
    if let Some(wanted) = sha256 {
        let got = sha256_of(&part.file, |_| {})?;
        if got != wanted {
            part.discard();
            bail!("{shown} hashes to {got}, not to {wanted}: what was fetched is thrown away");
        }
    }
    fs::rename(&part.file, &target).with_context(|| format!("naming it {}", target.display()))?;
    part.discard();
    Ok(target)
}

fn client(tls: &TlsConfig) -> anyhow::Result<Client> {
    let client = http_client::builder(tls).map_err(anyhow::Error::msg)?;
    let client = client
        .connect_timeout(SILENCE)
        .read_timeout(SILENCE)
        .timeout(LONGEST_TRY)
        // Mirrors are reached by redirects.
        .redirect(Policy::limited(10))
        .user_agent(concat!("wildside-admin/", env!("CARGO_PKG_VERSION")));
    client.build().context("making an HTTP client")
}

enum Failure {
    Passing(anyhow::Error),
    Lasting(anyhow::Error),
}

/// A file on its way, and beside it what tells whether the server still has the same one.
struct Part {
    file: PathBuf,
    tag: PathBuf,
}

impl Part {
    fn of(target: &Path) -> Self {
        let beside = |suffix: &str| {
            let mut name = target.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        Self { file: beside(".part"), tag: beside(".part.etag") }
    }

    fn len(&self) -> u64 {
        fs::metadata(&self.file).map_or(0, |metadata| metadata.len())
    }

    fn discard(&self) {
        // Neither has to be there.
        let _ = fs::remove_file(&self.file);
        let _ = fs::remove_file(&self.tag);
    }

    async fn fetch_rest(&self, client: &Client, url: &str, progress: Progress) -> Result<(), Failure> {
        let mut request = client.get(url);
        // Without knowing that it is still the same file, two halves of different ones might be joined.
        let known = fs::read_to_string(&self.tag).ok().filter(|_| self.len() > 0);
        if let Some(tag) = known {
            request = request.header("Range", format!("bytes={}-", self.len())).header("If-Range", tag);
        }
        let answer = request.send().await.map_err(|error| Failure::Passing(anyhow!(reason(error))))?;
        let status = answer.status();
        match status {
            StatusCode::OK => self.begin(&answer).map_err(Failure::Lasting)?,
            StatusCode::PARTIAL_CONTENT => self.check_start(&answer).map_err(Failure::Lasting)?,
            StatusCode::RANGE_NOT_SATISFIABLE => {
                self.discard();
                return Err(Failure::Passing(anyhow!("what was there did not fit, starting over")));
            }
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(Failure::Passing(anyhow!("the server answered {status}")));
            }
            _ => return Err(Failure::Lasting(anyhow!("the server answered {status}"))),
        }
        let whole = answer.content_length().map(|rest| rest + self.len());
        self.append(answer, whole, progress).await
    }

    /// A whole file comes: forget what was there.
    fn begin(&self, answer: &Response) -> anyhow::Result<()> {
        File::create(&self.file).with_context(|| format!("writing {}", self.file.display()))?;
        let strong = |name| answer.headers().get(name)?.to_str().ok().filter(|tag| !tag.starts_with("W/"));
        match strong(header::ETAG).or_else(|| strong(header::LAST_MODIFIED)) {
            Some(tag) => fs::write(&self.tag, tag)?,
            None => _ = fs::remove_file(&self.tag),
        }
        Ok(())
    }

    fn check_start(&self, answer: &Response) -> anyhow::Result<()> {
        let range = answer.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
        let expected = format!("bytes {}-", self.len());
        ensure!(
            range.is_some_and(|range| range.starts_with(&expected)),
            "the server sent another part than asked for"
        );
        Ok(())
    }

    async fn append(
        &self,
        mut from: Response,
        whole: Option<u64>,
        progress: Progress,
    ) -> Result<(), Failure> {
        let step = progress.bytes("Fetching the extract", whole.unwrap_or(0));
        let open = OpenOptions::new().append(true).open(&self.file).context("writing what was fetched");
        let mut file = open.map_err(Failure::Lasting)?;
        loop {
            match from.chunk().await {
                Ok(None) => break,
                Ok(Some(chunk)) => {
                    let written = file.write_all(&chunk).context("writing what was fetched");
                    written.map_err(Failure::Lasting)?;
                    step.at(self.len());
                }
                Err(error) => return Err(Failure::Passing(anyhow!(reason(error)))),
            }
        }
        if whole.is_some_and(|whole| self.len() < whole) {
            return Err(Failure::Passing(anyhow!("the connection ended early")));
        }
        file.sync_all().context("writing what was fetched").map_err(Failure::Lasting)
    }
}

/// The last part of the path of a URL.
fn name_in(url: &str) -> Option<PathBuf> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split(['?', '#']).next()?.split_once('/')?;
    let name = path.rsplit('/').next()?;
    (!name.is_empty() && name != "..").then(|| name.into())
}
