//! Environment variables laid over the settings file. The one list of their names.

use anyhow::bail;
use toml::{Table, Value};

/// How a variable's text becomes a value.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    Text,
    Integer,
    Boolean,
    /// Words between commas.
    List,
    /// `key=value` between commas.
    Map,
}

/// Variable, section, key, form.
pub const VARIABLES: &[(&str, &str, &str, Form)] = &[
    ("PENSTOCK_BIND", "server", "bind", Form::Text),
    ("PENSTOCK_PUBLIC_URL", "server", "public_url", Form::Text),
    ("PENSTOCK_SITE", "server", "site", Form::Text),
    ("PENSTOCK_SHUTDOWN_SECONDS", "server", "shutdown_seconds", Form::Integer),
    ("PENSTOCK_TRUSTED_PROXIES", "server", "trusted_proxies", Form::List),
    ("PENSTOCK_LAKE", "lake", "location", Form::Text),
    ("PENSTOCK_LAKE_OPTIONS", "lake", "options", Form::Map),
    ("PENSTOCK_SECRET", "lake", "secret", Form::Text),
    ("PENSTOCK_SECRET_FILE", "lake", "secret_file", Form::Text),
    ("PENSTOCK_FRESHNESS_MS", "lake", "freshness_ms", Form::Integer),
    ("PENSTOCK_WATCH", "lake", "watch", Form::Boolean),
    ("PENSTOCK_UPKEEP", "lake", "upkeep", Form::Boolean),
    ("PENSTOCK_KEEP_VERSIONS_DAYS", "lake", "keep_versions_days", Form::Integer),
    ("PENSTOCK_KEEP_RESULTS_DAYS", "lake", "keep_results_days", Form::Integer),
    ("PENSTOCK_QUERY_SECONDS", "limits", "query_seconds", Form::Integer),
    ("PENSTOCK_MEMORY_MIB", "limits", "memory_mib", Form::Integer),
    ("PENSTOCK_QUERY_MEMORY_MIB", "limits", "query_memory_mib", Form::Integer),
    ("PENSTOCK_SPILL_MIB", "limits", "spill_mib", Form::Integer),
    ("PENSTOCK_RESULT_ROWS", "limits", "result_rows", Form::Integer),
    ("PENSTOCK_RESULT_MIB", "limits", "result_mib", Form::Integer),
    ("PENSTOCK_RESULT_CACHE_MIB", "limits", "result_cache_mib", Form::Integer),
    ("PENSTOCK_RUNNING", "limits", "running", Form::Integer),
    ("PENSTOCK_WAITING", "limits", "waiting", Form::Integer),
    ("PENSTOCK_FILE_MIB", "limits", "file_mib", Form::Integer),
    ("PENSTOCK_EXPANDED_MIB", "limits", "expanded_mib", Form::Integer),
    ("PENSTOCK_ISSUER", "sign_in", "issuer", Form::Text),
    ("PENSTOCK_CLIENT_ID", "sign_in", "client_id", Form::Text),
    ("PENSTOCK_CLIENT_SECRET", "sign_in", "client_secret", Form::Text),
    ("PENSTOCK_CLIENT_SECRET_FILE", "sign_in", "client_secret_file", Form::Text),
    ("PENSTOCK_SCOPES", "sign_in", "scopes", Form::List),
    ("PENSTOCK_PROVIDER_NAME", "sign_in", "provider_name", Form::Text),
    ("PENSTOCK_PROVIDER", "sign_in", "provider", Form::Text),
    ("PENSTOCK_GROUPS_CLAIM", "sign_in", "groups_claim", Form::Text),
    ("PENSTOCK_AUTHORIZATION_ENDPOINT", "sign_in", "authorization_endpoint", Form::Text),
    ("PENSTOCK_TOKEN_ENDPOINT", "sign_in", "token_endpoint", Form::Text),
    ("PENSTOCK_END_SESSION_ENDPOINT", "sign_in", "end_session_endpoint", Form::Text),
    ("PENSTOCK_REVOCATION_ENDPOINT", "sign_in", "revocation_endpoint", Form::Text),
    ("PENSTOCK_ALLOW_MISSING_NONCE", "sign_in", "allow_missing_nonce", Form::Boolean),
    ("PENSTOCK_DEMO", "sign_in", "demo", Form::Boolean),
    ("PENSTOCK_SESSION_IDLE_MINUTES", "session", "idle_minutes", Form::Integer),
    ("PENSTOCK_SESSION_HOURS", "session", "absolute_hours", Form::Integer),
    ("PENSTOCK_SESSION_CACHE_SECONDS", "session", "cache_seconds", Form::Integer),
    ("PENSTOCK_LOG", "log", "filter", Form::Text),
    ("PENSTOCK_LOG_FORMAT", "log", "format", Form::Text),
];

/// Variables of the command line alone.
const COMMAND_LINE: [&str; 1] = ["PENSTOCK_CONFIG"];

/// The `PENSTOCK_…` variables of a process.
#[derive(Debug, Clone, Default)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// Those of this process. Empty ones count as unset.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect()
    }

    /// Lays every variable over its key.
    ///
    /// # Errors
    /// For a variable that no setting knows, so that a typo does not go unseen, and for a value of the wrong form.
    pub fn lay_over(&self, table: &mut Table) -> anyhow::Result<()> {
        for (name, text) in &self.0 {
            let Some((_, section, key, form)) = VARIABLES.iter().find(|v| v.0 == name) else {
                if COMMAND_LINE.contains(&name.as_str()) {
                    continue;
                }
                bail!("the environment variable {name} is not a setting of Penstock");
            };
            let section = table.entry(*section).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(section) = section else { bail!("[{section}] must be a table") };
            section.insert((*key).to_owned(), value(name, text, *form)?);
        }
        Ok(())
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(all: I) -> Self {
        Self(all.into_iter().filter(|(k, v)| k.starts_with("PENSTOCK_") && !v.is_empty()).collect())
    }
}

fn value(name: &str, text: &str, form: Form) -> anyhow::Result<Value> {
    Ok(match form {
        Form::Text => Value::String(text.to_owned()),
        Form::Integer => match text.trim().parse() {
            Ok(n) => Value::Integer(n),
            Err(_) => bail!("{name} = `{text}` must be a whole number"),
        },
        Form::Boolean => match text.trim() {
            "1" | "true" | "yes" | "on" => Value::Boolean(true),
            "0" | "false" | "no" | "off" => Value::Boolean(false),
            _ => bail!("{name} = `{text}` must be true or false"),
        },
        Form::List => Value::Array(words(text).map(|w| Value::String(w.to_owned())).collect()),
        Form::Map => {
            let mut map = Table::new();
            for pair in words(text) {
                let Some((key, value)) = pair.split_once('=') else { bail!("{name}: `{pair}` must be key=value") };
                map.insert(key.trim().to_owned(), Value::String(value.trim().to_owned()));
            }
            Value::Table(map)
        }
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|w| !w.is_empty())
}
