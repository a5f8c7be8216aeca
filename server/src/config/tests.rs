//! Which settings are read, and which are refused.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn read(toml: &str, env: &[(&str, &str)]) -> anyhow::Result<Config> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join(FILE);
    std::fs::write(&file, toml)?;
    Config::read(Some(&file), &env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
}

#[test]
fn each_variable_names_a_key_that_exists() {
    for (name, _, _, form) in environment::VARIABLES {
        let value = match (*name, form) {
            ("PENSTOCK_BIND", _) => "127.0.0.1:3100",
            ("PENSTOCK_PROVIDER", _) => "cognito",
            ("PENSTOCK_LOG_FORMAT", _) => "json",
            ("PENSTOCK_TRUSTED_PROXIES", _) => "10.0.0.0/8, ::1",
            (n, _) if n.ends_with("_FILE") => continue,
            (_, environment::Form::Text) => "http://localhost:1",
            (_, environment::Form::Integer) => "7",
            (_, environment::Form::Boolean) => "true",
            (_, environment::Form::List) => "a, b",
            (_, environment::Form::Map) => "region=x,endpoint=y",
        };
        assert!(read("", &[(name, value)]).is_ok(), "{name}: {:?}", read("", &[(name, value)]));
    }
}

#[test]
fn environment_goes_before_the_file() {
    let config = read("[server]\nbind = \"127.0.0.1:1\"\n", &[("PENSTOCK_BIND", "127.0.0.1:2")]).unwrap();
    assert_eq!(config.server.bind.port(), 2);
}

#[test]
fn typing_errors_are_told() {
    for (toml, env) in [
        ("[server]\nbnd = 1\n", vec![]),
        ("", vec![("PENSTOCK_BND", "x")]),
        ("", vec![("PENSTOCK_WATCH", "maybe")]),
        ("", vec![("PENSTOCK_RUNNING", "many")]),
        ("", vec![("PENSTOCK_TRUSTED_PROXIES", "10.0.0.1/8")]),
    ] {
        assert!(read(toml, &env).is_err(), "{toml} {env:?}");
    }
}

#[test]
fn w_27_unsafe_ways_to_serve_are_refused() {
    let check = |env: &[(&str, &str)], ok: bool| {
        let checked = read("", env).unwrap().check();
        assert_eq!(checked.is_ok(), ok, "{env:?}: {checked:?}");
    };
    let provider = [("PENSTOCK_ISSUER", "https://id.example.com"), ("PENSTOCK_CLIENT_ID", "penstock")];
    let public = ("PENSTOCK_PUBLIC_URL", "https://data.example.com");
    let open = ("PENSTOCK_BIND", "0.0.0.0:3000");
    check(&[], true);
    check(&[open], false);
    check(&[public], false);
    check(&[open, public], false);
    check(&[("PENSTOCK_DEMO", "true"), open], false);
    check(&[("PENSTOCK_DEMO", "true"), public, provider[0], provider[1]], false);
    check(&[open, public, provider[0], provider[1]], true);
    check(&[open, provider[0], provider[1]], false);
    check(&[provider[0]], false);
    check(&[("PENSTOCK_ISSUER", "http://id.example.com"), provider[1]], false);
    check(&[("PENSTOCK_ALLOW_MISSING_NONCE", "true"), provider[0], provider[1]], false);
    check(
        &[("PENSTOCK_ALLOW_MISSING_NONCE", "true"), ("PENSTOCK_ISSUER", "http://localhost:9229/x"), provider[1]],
        true,
    );
    check(&[("PENSTOCK_PUBLIC_URL", "http://data.example.com"), provider[0], provider[1]], false);
    check(&[("PENSTOCK_PUBLIC_URL", "https://data.example.com/x"), provider[0], provider[1]], false);
}

#[test]
fn secrets_are_not_in_debug_output() {
    let env = [("PENSTOCK_CLIENT_SECRET", "canary-secret"), ("PENSTOCK_SECRET", "canary-secret")];
    assert!(!format!("{:?}", read("", &env).unwrap()).contains("canary"));
}

#[test]
fn the_example_file_names_every_setting_and_its_variable() {
    let text = include_str!("../../../penstock.example.toml");
    let set: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|l| l.contains(" = ")).unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n");
    let table: toml::Table = set.parse().unwrap();
    for (name, section, key, _) in environment::VARIABLES {
        assert!(table[*section].get(key).is_some(), "[{section}] {key}");
        assert!(text.contains(name), "{name}");
    }
    let config: Config = table.try_into().unwrap();
    assert_eq!(config.session.absolute_hours, SessionSettings::default().absolute_hours);
}
