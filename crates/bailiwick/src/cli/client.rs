//! Asking a running server: where it is, whom to trust, who asks.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A server that does not answer within this time is taken for dead.
const ANSWER_MAX: Duration = Duration::from_secs(90);

/// Which server, and who asks.
#[derive(Args, Clone, Debug)]
pub(crate) struct Server {
    /// The URL of the server
    #[arg(
        long,
        value_name = "URL",
        default_value = "https://localhost:7443",
        env = "BAILIWICK_SERVER",
        global = true
    )]
    server: String,
    /// A file with the CA of the server's listener; the data folder's tls/root.pem where absent
    #[arg(long, value_name = "FILE", env = "BAILIWICK_TRUST", global = true)]
    trust: Option<PathBuf>,
    /// A file with the token to use; `bailiwick login` writes one
    #[arg(long, value_name = "FILE", env = "BAILIWICK_TOKEN_FILE", global = true)]
    token_file: Option<PathBuf>,
    /// In the lab: ask as this person
    #[arg(long = "as", value_name = "PERSON", global = true)]
    person: Option<String>,
    /// The server's data folder, for `--as` and its CA
    #[arg(
        long,
        value_name = "DIR",
        default_value = "bailiwick-data",
        env = "BAILIWICK_DATA",
        global = true
    )]
    data: PathBuf,
}

/// Why an answer could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// The server could not be reached.
    #[error(
        "{url} could not be reached: {cause}; is `bailiwick up` running, and is --server right?"
    )]
    Unreachable {
        /// Which URL.
        url: String,
        /// Why.
        cause: String,
    },
    /// It said no.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// A file could not be used.
    #[error("`{path}` cannot be used: {cause}; {remedy}")]
    File {
        /// Which.
        path: String,
        /// Why.
        cause: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Nobody of the lab has this name.
    #[error("there is no `{person}` in the lab: {people}")]
    NobodyOfTheLab {
        /// Who was asked for.
        person: String,
        /// Who is there, or where to look.
        people: String,
    },
    /// The server wants to know who asks, and this user has no token.
    #[error("nobody is signed in here; use `bailiwick login LINK`, or in the lab --as PERSON")]
    NobodySignedIn,
    /// The answer is not what this version understands.
    #[error("the server's answer cannot be understood ({0}); is it another version?")]
    Strange(String),
}

impl NoAnswer {
    /// The exit code for it.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Refused { status: 400..500, .. } => super::exit::NO,
            Self::NobodySignedIn => super::exit::NO,
            Self::Refused { .. }
            | Self::NobodyOfTheLab { .. }
            | Self::Unreachable { .. }
            | Self::File { .. }
            | Self::Strange(_) => super::exit::FAILED,
        }
    }
}

/// A server that can be asked.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    /// Whether no token is meant to be there.
    as_nobody: bool,
}

impl Server {
    /// Prepares to ask.
    pub(crate) fn client(&self) -> Result<Client, NoAnswer> {
        let trust = self.trust.clone().unwrap_or_else(|| self.data.join("tls/root.pem"));
        let pem = read(&trust, "give the CA of the server's listener with --trust")?;
        let root = reqwest::Certificate::from_pem(pem.as_bytes())
            .map_err(|cause| NoAnswer::Strange(cause.to_string()))?;
        let http = reqwest::Client::builder()
            .tls_certs_only([root])
            .timeout(ANSWER_MAX)
            .build()
            .map_err(|cause| NoAnswer::Strange(cause.to_string()))?;
        Ok(Client {
            http,
            base: self.server.trim_end_matches('/').to_owned(),
            token: self.token()?,
            as_nobody: false,
        })
    }

    /// Prepares to ask as nobody known yet: a workload that enrols, a person who signs in.
    pub(crate) fn client_of_nobody(&self) -> Result<Client, NoAnswer> {
        let client = Self { token_file: None, person: None, ..self.clone() }.client()?;
        Ok(Client { token: None, as_nobody: true, ..client })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        self.server.trim_end_matches('/')
    }

    fn token(&self) -> Result<Option<String>, NoAnswer> {
        if let Ok(token) = std::env::var("BAILIWICK_TOKEN") {
            return Ok(Some(token.trim().to_owned()));
        }
        let file = match (&self.token_file, &self.person) {
            (Some(file), _) => file.clone(),
            (None, Some(person)) => self.lab_token(person)?,
            (None, None) => {
                let own = token_path();
                if !own.exists() {
                    return Ok(None);
                }
                own
            }
        };
        let remedy = "sign in with `bailiwick login LINK`, or in the lab use --as PERSON";
        read(&file, remedy).map(|token| Some(token.trim().to_owned()))
    }

    /// The file with the token of somebody of the lab.
    fn lab_token(&self, person: &str) -> Result<PathBuf, NoAnswer> {
        let folder = self.data.join("lab");
        let file = folder.join(format!("{person}.token"));
        if file.exists() {
            return Ok(file);
        }
        let name = |file: std::fs::DirEntry| {
            file.file_name().to_str()?.strip_suffix(".token").map(str::to_owned)
        };
        let listed = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut people: Vec<String> = listed.filter_map(name).collect();
        people.sort();
        Err(NoAnswer::NobodyOfTheLab {
            person: person.to_owned(),
            people: match people.is_empty() {
                true => format!(
                    "`{}` is no data folder of a lab; say which with --data, or sign in with `bailiwick login LINK`",
                    self.data.display()
                ),
                false => format!("use one of {}", people.join(", ")),
            },
        })
    }
}

/// Where `bailiwick login` keeps the token of this user.
pub(crate) fn token_path() -> PathBuf {
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map_or_else(PathBuf::new, PathBuf::from).join(".config");
    config.unwrap_or_else(home).join("bailiwick/token")
}

fn read(path: &std::path::Path, remedy: &'static str) -> Result<String, NoAnswer> {
    std::fs::read_to_string(path).map_err(|cause| NoAnswer::File {
        path: path.display().to_string(),
        cause: cause.to_string(),
        remedy,
    })
}

impl Client {
    /// Reads something.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, NoAnswer> {
        self.send(self.http.get(self.url(path))).await
    }

    /// Sends something.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, NoAnswer> {
        self.send(self.http.post(self.url(path)).json(body)).await
    }

    /// Sends something that needs no answer.
    pub(crate) async fn tell(&self, path: &str, body: &impl Serialize) -> Result<(), NoAnswer> {
        self.answer(self.http.post(self.url(path)).json(body)).await.map(drop)
    }

    /// Ends something.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), NoAnswer> {
        self.answer(self.http.delete(self.url(path))).await.map(drop)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base)
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, NoAnswer> {
        let text = self.answer(request).await?;
        serde_json::from_str(&text).map_err(|cause| NoAnswer::Strange(cause.to_string()))
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<String, NoAnswer> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let unreachable = |cause: reqwest::Error| NoAnswer::Unreachable {
            url: self.base.clone(),
            cause: innermost(&cause),
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let text = response.text().await.map_err(unreachable)?;
        if status.is_success() {
            return Ok(text);
        }
        if status == reqwest::StatusCode::UNAUTHORIZED && self.token.is_none() && !self.as_nobody {
            return Err(NoAnswer::NobodySignedIn);
        }
        let message = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|body| body.get("message").and_then(Value::as_str).map(str::to_owned))
            .unwrap_or_else(|| format!("the server answered {status}"));
        Err(NoAnswer::Refused { status: status.as_u16(), message })
    }
}

/// The cause at the bottom of a chain: the one a person can act on.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(below) = at.source() {
        at = below;
    }
    at.to_string()
}
