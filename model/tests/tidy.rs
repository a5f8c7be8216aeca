//! Holds the workspace's own rules, which no compiler knows: who may use whom, what each file begins with, how long it
//! may be, where colours live, which licences come in. Reads the repository only; needs no network.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const CRATES: [&str; 6] = ["model", "lake", "app", "frontend", "server", "fuzz"];

/// Licences that Penstock may be delivered with. A dependency needs one way to satisfy its expression from these.
const LICENCES: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "bzip2-1.0.6",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn toml(path: &str) -> toml::Table {
    read(path).parse().unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Files below `folder` whose name ends with `.ext`, relative to the root, sorted.
fn files(folder: &str, ext: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, ext: &str, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().is_none_or(|n| n != "node_modules" && n != "target" && n != "artefacts") {
                    walk(&path, ext, found);
                }
            } else if path.extension().is_some_and(|e| e == ext) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), ext, &mut found);
    found.sort();
    found.iter().map(|p| p.strip_prefix(root()).unwrap().to_owned()).collect()
}

fn rust_files() -> Vec<PathBuf> {
    CRATES.iter().flat_map(|c| files(c, "rs")).collect()
}

/// One message with every offender, so that one run tells all.
fn none<T: std::fmt::Display>(rule: &str, offenders: impl IntoIterator<Item = T>) {
    let offenders: Vec<_> = offenders.into_iter().map(|o| format!("  {o}")).collect();
    assert!(offenders.is_empty(), "{rule}:\n{}", offenders.join("\n"));
}

fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(args).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn crates_use_each_other_in_one_direction_only() {
    // Engine knows no HTTP; model knows no IO; the browser's crates know no engine.
    let allowed = [
        ("model", vec![]),
        ("lake", vec!["model"]),
        ("app", vec!["model", "lake"]),
        ("frontend", vec!["app"]),
        ("server", vec!["model", "lake", "app"]),
        ("fuzz", vec!["lake", "server"]),
    ];
    for (name, allowed) in allowed {
        let manifest = toml(&format!("{name}/Cargo.toml"));
        for section in ["dependencies", "dev-dependencies"] {
            let Some(used) = manifest.get(section).and_then(|s| s.as_table()) else { continue };
            let wrong = CRATES.iter().filter(|c| used.contains_key(**c) && !allowed.contains(c));
            none(&format!("`{name}` must not depend on"), wrong);
        }
    }
}

#[test]
fn each_layer_leaves_alone_what_belongs_to_another() {
    let banned = [
        ("model", vec!["tokio", "axum", "leptos", "datafusion", "object_store", "arrow", "parquet"]),
        ("lake", vec!["axum", "leptos", "leptos_axum", "utoipa", "tower-http", "openidconnect", "http"]),
        ("app", vec!["datafusion", "deltalake", "object_store", "arrow", "parquet"]),
        ("frontend", vec!["lake", "axum", "tokio", "datafusion"]),
        ("server", vec!["datafusion", "deltalake", "object_store", "arrow", "parquet"]),
    ];
    for (name, banned) in banned {
        let manifest = toml(&format!("{name}/Cargo.toml"));
        let used = manifest["dependencies"].as_table().unwrap();
        none(&format!("`{name}` must not depend on"), banned.iter().filter(|b| used.contains_key(**b)));
    }
}

#[test]
fn the_browser_part_never_sees_the_engine() {
    let app = toml("app/Cargo.toml");
    for server_only in ["lake", "leptos_axum", "axum", "tokio"] {
        let Some(used) = app["dependencies"].get(server_only) else { continue };
        let optional = used.get("optional").and_then(toml::Value::as_bool);
        assert_eq!(optional, Some(true), "app/Cargo.toml: `{server_only}` is for the server and must be optional");
    }
    let tree = cargo(&[
        "tree",
        "--locked",
        "-p",
        "frontend",
        "--target",
        "wasm32-unknown-unknown",
        "-e",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let engine = ["lake", "datafusion", "deltalake", "object_store", "tokio", "axum"];
    none(
        "the browser's part pulls in",
        tree.lines()
            .filter_map(|l| l.split_whitespace().next())
            .filter(|p| engine.contains(p))
            .collect::<BTreeSet<_>>(),
    );
}

#[test]
fn every_rust_file_opens_by_saying_what_it_is() {
    let silent = rust_files().into_iter().filter(|f| !read(f.to_str().unwrap()).starts_with("//!"));
    none("files that do not begin with `//!`", silent.map(|f| f.display().to_string()));
}

#[test]
fn rooms_are_small() {
    let long = rust_files().into_iter().filter_map(|f| {
        let lines = read(f.to_str().unwrap()).lines().count();
        (lines > 600).then(|| format!("{} has {lines} lines; make it a folder", f.display()))
    });
    none("files over 600 lines", long);
}

#[test]
fn no_drawer_takes_what_has_no_place() {
    let drawers = ["mod.rs", "utils.rs", "util.rs", "helpers.rs", "helper.rs", "common.rs", "misc.rs"];
    let found = rust_files().into_iter().filter(|f| drawers.contains(&f.file_name().unwrap().to_str().unwrap()));
    none("name the feature instead (`foo.rs` + `foo/`)", found.map(|f| f.display().to_string()));
}

#[test]
fn colours_live_in_the_tokens_only() {
    let style = files("style", "css");
    assert!(style.iter().any(|f| f.ends_with("tokens.css")), "style/tokens.css is gone");
    let mut offenders = Vec::new();
    for file in style.iter().filter(|f| !f.ends_with("tokens.css")) {
        let text = without_comments(&read(file.to_str().unwrap()));
        for (i, line) in text.lines().enumerate() {
            if line_has_colour(line) {
                offenders.push(format!("{}:{}: {}", file.display(), i + 1, line.trim()));
            }
        }
    }
    none("colours outside style/tokens.css; name a token", offenders);
}

fn without_comments(css: &str) -> String {
    let mut rest = css;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        let (comment, after) = after.split_once("*/").unwrap_or((after, ""));
        out.extend(comment.chars().filter(|c| *c == '\n'));
        rest = after;
    }
    out + rest
}

fn line_has_colour(line: &str) -> bool {
    let Some((_, value)) = line.split_once(':') else { return false };
    let function = ["rgb(", "rgba(", "hsl(", "hsla(", "oklch(", "oklab(", "lab(", "lch(", "color("];
    let word = [" white", " black", " red", " green", " blue", " grey", " gray"];
    let hex = value.split('#').skip(1).any(|after| {
        let digits = after.chars().take_while(char::is_ascii_hexdigit).count();
        let ends = after.chars().nth(digits).is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_');
        matches!(digits, 3 | 4 | 6 | 8) && ends
    });
    let lower = value.to_lowercase();
    let named = word.iter().any(|w| {
        lower.match_indices(w).any(|(at, _)| {
            lower[at + w.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '(')
        })
    });
    hex || named || function.iter().any(|f| lower.contains(f) && !lower.contains("color-mix("))
}

#[test]
fn the_rule_about_colours_finds_colours() {
    for css in ["a { color: #fff; }", "border: 1px solid rgb(0 0 0)", "background: white;", "fill: oklch(50% 0 0)"] {
        assert!(line_has_colour(css), "{css}");
    }
    for css in ["color: var(--ink);", "a:hover {", "grid-area: header;", "background: none;", "href: url(#icon-x)"] {
        assert!(!line_has_colour(css), "{css}");
    }
}

#[test]
fn leptos_toml_says_what_cargo_toml_says() {
    let section = |file: &str| {
        let manifest = toml(file);
        manifest["workspace"]["metadata"]["leptos"].as_array().unwrap()[0].as_table().unwrap().clone()
    };
    let (build, run) = (section("Cargo.toml"), section("Leptos.toml"));
    for key in ["output-name", "site-root", "site-pkg-dir", "site-addr", "reload-port", "hash-files"] {
        assert!(run.contains_key(key), "Leptos.toml lacks `{key}`");
        assert_eq!(run[key], *build.get(key).unwrap_or(&run[key]), "`{key}` differs in Leptos.toml and Cargo.toml");
    }
    let own = ["env", "hash-file"];
    none(
        "keys of Leptos.toml that Cargo.toml lacks",
        run.keys().filter(|k| !build.contains_key(*k) && !own.contains(&k.as_str())),
    );
}

#[test]
fn every_dependency_says_why_it_is_there() {
    let text = read("Cargo.toml");
    let section = text.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let own = section.lines().filter(|l| l.contains(" = ") && !l.trim_start().starts_with('#'));
    none("dependencies without a reason", own.filter(|l| !l.contains('#') && !l.contains("path = ")));
}

#[test]
fn every_crate_inherits_the_lints_and_the_licence() {
    for name in CRATES {
        let manifest = toml(&format!("{name}/Cargo.toml"));
        let inherits = |keys: &[&str]| {
            let mut value = Some(&toml::Value::Table(manifest.clone())).cloned();
            for key in keys {
                value = value.and_then(|v| v.get(key).cloned());
            }
            value == Some(toml::Value::Boolean(true))
        };
        assert!(inherits(&["lints", "workspace"]), "{name}/Cargo.toml: `[lints] workspace = true` is missing");
        assert!(
            inherits(&["package", "license", "workspace"]),
            "{name}/Cargo.toml: `license.workspace = true` is missing"
        );
    }
    assert_eq!(toml("Cargo.toml")["workspace"]["package"]["license"].as_str(), Some("Apache-2.0"));
    assert!(read("LICENSE").contains("Apache License"), "LICENSE is not the Apache licence");
}

#[test]
fn the_binary_the_tests_and_the_fuzzers_share_one_feature_set() {
    // A test dependency that switches on a feature of a shared crate makes `make test` build DataFusion again.
    let packages = |args: &[&str]| -> BTreeSet<String> {
        let mut all = vec!["tree", "--locked", "--prefix", "none", "--format", "{p} features: {f}"];
        all.extend(args);
        cargo(&all).lines().map(|l| l.trim_end_matches(" (*)").to_owned()).filter(|l| !l.is_empty()).collect()
    };
    let run = packages(&["-p", "server", "-e", "normal,build"]);
    let test = packages(&["-e", "normal,build,dev"]);
    none(
        "built again for the tests, because a test dependency asks for more features; name them in server/Cargo.toml",
        run.difference(&test),
    );
    let fuzz = packages(&["-p", "fuzz", "-e", "normal,build"]);
    none(
        "built again for the fuzzers, because one of their dependencies asks for more features",
        run.difference(&fuzz),
    );
}

#[test]
fn every_dependency_has_a_licence_that_we_may_use() {
    for (package, target) in [("server", "x86_64-unknown-linux-gnu"), ("frontend", "wasm32-unknown-unknown")] {
        let format = ["--prefix", "none", "--format", "{p}|{l}"];
        let mut args = vec!["tree", "--locked", "-p", package, "--target", target, "-e", "normal,build"];
        args.extend(format);
        let text = cargo(&args);
        let wrong: BTreeSet<_> = text
            .lines()
            .map(|l| l.trim_end_matches(" (*)"))
            .filter(|l| l.split_once('|').is_some_and(|(_, licence)| !permitted(licence)))
            .collect();
        none("dependencies whose licence is not on the list in this file and deny.toml", wrong);
    }
}

/// Evaluates an SPDX expression (`OR` binds weaker than `AND`; the old `/` means OR).
fn permitted(expression: &str) -> bool {
    let text =
        expression.replace('/', " OR ").replace(" WITH LLVM-exception", "").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut at = 0;
    let value = any(&words, &mut at);
    return value && at == words.len();

    fn any(words: &[&str], at: &mut usize) -> bool {
        let mut value = all(words, at);
        while words.get(*at) == Some(&"OR") {
            *at += 1;
            value |= all(words, at);
        }
        value
    }
    fn all(words: &[&str], at: &mut usize) -> bool {
        let mut value = one(words, at);
        while words.get(*at) == Some(&"AND") {
            *at += 1;
            value &= one(words, at);
        }
        value
    }
    fn one(words: &[&str], at: &mut usize) -> bool {
        let word = words.get(*at).copied().unwrap_or_default();
        *at += 1;
        if word == "(" {
            let value = any(words, at);
            *at += 1;
            return value;
        }
        LICENCES.contains(&word)
    }
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    for expression in ["MIT", "MIT/Apache-2.0", "GPL-2.0 OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
        assert!(permitted(expression), "{expression}");
    }
    for expression in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND GPL-3.0"] {
        assert!(!permitted(expression), "{expression}");
    }
}

#[test]
fn every_row_of_the_security_table_names_tests_that_exist_and_no_numbered_test_is_left_out() {
    let numbered = |word: &str| {
        let bytes = word.as_bytes();
        bytes.len() > 5
            && b"aswdce".contains(&bytes[0])
            && bytes[1] == b'_'
            && bytes[2..4].iter().all(u8::is_ascii_digit)
    };
    let listed: BTreeSet<String> =
        read("docs/security.md").split('`').filter(|word| numbered(word)).map(str::to_owned).collect();
    let mut there = BTreeSet::new();
    for path in ["lake", "server"].iter().flat_map(|folder| files(folder, "rs")) {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let names = text.split("fn ").skip(1).filter_map(|rest| rest.split_once('(')).map(|(name, _)| name);
        there.extend(names.filter(|name| numbered(name)).map(str::to_owned));
    }
    let (gone, unlisted) = (listed.difference(&there), there.difference(&listed));
    assert_eq!(gone.collect::<Vec<_>>(), Vec::<&String>::new(), "named in docs/security.md and not there");
    assert_eq!(unlisted.collect::<Vec<_>>(), Vec::<&String>::new(), "not named in docs/security.md");
}
