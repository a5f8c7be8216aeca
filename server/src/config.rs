//! Settings: one `penstock.toml`, each key also as a `PENSTOCK_…` variable; read once, passed down.
//!
//! None is required. Precedence: command line, environment, file, default.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use model::Network;
use serde::Deserialize;
use url::Url;

mod environment;
mod lake;
mod limits;
mod log;
mod session;
mod sign_in;

pub use environment::Environment;
pub use lake::LakeSettings;
pub use limits::LimitSettings;
pub use log::{LogFormat, LogSettings};
pub use session::SessionSettings;
pub use sign_in::{Provider, SignInSettings};

/// The file that is read from the working directory when `--config` names no other.
pub const FILE: &str = "penstock.toml";

/// All settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub server: ServerSettings,
    pub lake: LakeSettings,
    pub limits: LimitSettings,
    pub sign_in: SignInSettings,
    pub session: SessionSettings,
    pub log: LogSettings,
}

/// Where the server listens and how it is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Address and port to listen on; `PENSTOCK_BIND`.
    pub bind: SocketAddr,
    /// The address by which people reach the server (`https://data.example.com`); `PENSTOCK_PUBLIC_URL`.
    /// Needed as soon as the server does not listen on loopback alone.
    pub public_url: Option<Url>,
    /// Folder of the built web app; `PENSTOCK_SITE`. Default: what `Leptos.toml` says.
    pub site: Option<PathBuf>,
    /// Seconds that running requests get to end when the server stops; `PENSTOCK_SHUTDOWN_SECONDS`.
    pub shutdown_seconds: u64,
    /// Networks of the proxies that say truly where a request came from; `PENSTOCK_TRUSTED_PROXIES`. Without them the
    /// headers of proxies are ignored, since anyone can send them.
    pub trusted_proxies: Vec<Network>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 3000)),
            public_url: None,
            site: None,
            shutdown_seconds: 20,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Config {
    /// Reads the file (`penstock.toml` when there is one) and lays the environment over it.
    ///
    /// # Errors
    /// When a named file is absent, a key is unknown or a value has the wrong form; the message names it.
    pub fn read(file: Option<&Path>, environment: &Environment) -> anyhow::Result<Self> {
        let path = file.unwrap_or(Path::new(FILE));
        let mut table: toml::Table = match std::fs::read_to_string(path) {
            Ok(text) => text.parse().with_context(|| format!("{} is not valid TOML", path.display()))?,
            Err(e) if file.is_none() && e.kind() == std::io::ErrorKind::NotFound => toml::Table::new(),
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", path.display())),
        };
        environment.lay_over(&mut table)?;
        let mut config: Self =
            table.try_into().with_context(|| format!("settings in {} or the environment", path.display()))?;
        config.lake.read_secret_file()?;
        config.sign_in.read_secret_file()?;
        Ok(config)
    }

    /// Refuses what would be unsafe to serve.
    ///
    /// # Errors
    /// When the server could be reached from outside without a public address or with the demo sign-in.
    pub fn check(&self) -> anyhow::Result<()> {
        if let Some(url) = &self.server.public_url {
            let bare = matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/";
            if !bare || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
                bail!("public_url = {url} must be a scheme and a host alone, such as https://data.example.com");
            }
            if url.scheme() == "http" && !is_loopback(url) {
                bail!("public_url = {url} must use https: session cookies would travel in the clear");
            }
        }
        self.sign_in.check()?;
        if self.loopback_only() {
            return Ok(());
        }
        if self.sign_in.demo == Some(true) {
            bail!(
                "the demo sign-in lets anyone in, so it works on loopback alone; bind to 127.0.0.1 and leave \
                 public_url away, or configure [sign_in] issuer and client_id"
            );
        }
        if self.sign_in.issuer.is_none() {
            bail!(
                "{} can be reached from other machines, and there is no sign-in: set [sign_in] issuer and client_id \
                 (PENSTOCK_ISSUER, PENSTOCK_CLIENT_ID), or bind to 127.0.0.1 for the demo",
                self.server.public_url.as_ref().map_or_else(|| self.server.bind.to_string(), ToString::to_string)
            );
        }
        if self.server.public_url.is_none() {
            bail!(
                "set [server] public_url (PENSTOCK_PUBLIC_URL), the address by which people reach the server; sign-in \
                 needs it exactly"
            );
        }
        Ok(())
    }

    /// Whether nothing but this machine can reach the server.
    #[must_use]
    pub fn loopback_only(&self) -> bool {
        self.server.bind.ip().is_loopback() && self.server.public_url.as_ref().is_none_or(is_loopback)
    }

    /// Whether the built-in people may sign in.
    #[must_use]
    pub fn demo(&self) -> bool {
        self.loopback_only() && self.sign_in.issuer.is_none() && self.sign_in.demo != Some(false)
    }

    /// The origin under which browsers know the server, without a trailing slash.
    #[must_use]
    pub fn origin(&self) -> String {
        match &self.server.public_url {
            Some(url) => url.origin().ascii_serialization(),
            None => format!("http://{}", self.server.bind),
        }
    }

    /// With what the command line of `serve` says.
    #[must_use]
    pub fn with(mut self, args: &crate::cli::ServeArgs) -> Self {
        if let Some(bind) = args.bind {
            self.server.bind = bind;
        }
        if args.no_watch {
            self.lake.watch = false;
        }
        self
    }
}

/// Whether an address names this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// What a secret's file holds, without the line break at its end.
fn read_secret(path: &Path) -> anyhow::Result<String> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the secret in {}", path.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests;
