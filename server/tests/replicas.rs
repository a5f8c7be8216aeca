//! Two replicas over one lake: what is taken away on one, or in the policy, is gone on both within five seconds, in
//! sessions, tokens, kept answers and downloads too.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "routes/lake_of_two_units.rs"]
mod lake_of_two_units;

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long a revocation may take.
const LONGEST: Duration = Duration::from_secs(5);

/// A `penstock serve` of its own.
struct Replica {
    process: Child,
    port: u16,
}

/// Status, headers and body as they came.
struct Answer {
    status: u16,
    text: String,
}

impl Replica {
    fn start(lake: &Path) -> Self {
        // Free a moment ago; nothing else here takes ports by itself.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = penstock(lake).args(["serve", "--bind", &format!("127.0.0.1:{port}")]).spawn().unwrap();
        let replica = Self { process, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() || replica.get("/readyz", "").status != 200 {
            assert!(begun.elapsed() < Duration::from_secs(60), "the replica does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        replica
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let port = self.port;
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n\
             Connection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        let status = text.split(' ').nth(1).unwrap_or_default().parse().unwrap_or_else(|_| panic!("no answer: {text}"));
        Answer { status, text }
    }

    fn get(&self, path: &str, headers: &str) -> Answer {
        self.send("GET", path, headers, "")
    }

    fn json(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        self.send(method, path, &format!("{headers}Content-Type: application/json\r\n"), body)
    }

    /// The header that a browser sends once this demo person is signed in.
    fn sign_in(&self, person: &str) -> String {
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let answer = self.send("POST", "/auth/demo", form, &format!("as={person}"));
        assert_eq!(answer.status, 303, "{}", answer.text);
        let cookie = answer.text.lines().find_map(|l| l.strip_prefix("set-cookie: ")).unwrap();
        format!("Cookie: {}\r\n", cookie.split(';').next().unwrap())
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _gone_already = self.process.kill();
        let _gone_already = self.process.wait();
    }
}

impl Answer {
    /// The text behind `"name":"` in the body.
    fn field(&self, name: &str) -> String {
        let from = self.text.split(&format!("\"{name}\":\"")).nth(1).unwrap_or_else(|| panic!("{name}: {}", self.text));
        from.split('"').next().unwrap().to_owned()
    }
}

fn penstock(lake: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PENSTOCK_")) {
        command.env_remove(name);
    }
    // Not where a penstock.toml may lie.
    command.current_dir(lake).env("PENSTOCK_LAKE", lake).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn lake() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    lake_of_two_units::write(folder.path());
    assert!(penstock(folder.path()).arg("ingest").status().unwrap().success());
    folder
}

/// Something that is asked again and again: its name, and whether it was given.
type Probe<'a> = (String, Box<dyn Fn() -> bool + 'a>);

/// Asks until nothing is given any more; the longest that something still was, after `begun`.
fn until_denied(probes: &[Probe], begun: Instant) -> Duration {
    let mut last = vec![Duration::ZERO; probes.len()];
    loop {
        let mut given = 0;
        for ((name, ask), last) in probes.iter().zip(&mut last) {
            // The time of asking: what was answered later may have been decided before.
            let asked = begun.elapsed();
            if ask() {
                given += 1;
                *last = asked;
                assert!(asked < LONGEST, "{name} is still given after {asked:?}");
            }
        }
        if given == 0 {
            return last.into_iter().max().unwrap_or_default();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the answer is the one of a reader; the other one is that there is no such thing.
fn given(answer: &Answer, denied: u16) -> bool {
    assert!(answer.status == 200 || answer.status == denied, "{}", answer.text);
    answer.status == 200
}

#[test]
fn a_10_a_change_of_the_policy_is_everywhere_within_five_seconds() {
    let folder = lake();
    let replicas = [Replica::start(folder.path()), Replica::start(folder.path())];
    let session = replicas[0].sign_in("partner-ua");
    let made = replicas[0].json(
        "POST",
        "/api/v1/tokens",
        &session,
        r#"{"name":"t","days":1,"scope":{"actions":["read"],"datasets":["ops.*"]}}"#,
    );
    let token = format!("Authorization: Bearer {}\r\n", made.field("secret"));
    let sql = r#"{"sql":"select carrier, flight from ops.flights"}"#;
    let result = replicas[0].json("POST", "/api/v1/query", &session, sql).field("id");
    let mut probes: Vec<Probe> = Vec::new();
    for (i, replica) in replicas.iter().enumerate() {
        for (how, header) in [("session", &session), ("token", &token)] {
            for path in [
                "/api/v1/datasets/ops/flights".to_owned(),
                "/api/v1/datasets/ops/flights/rows".to_owned(),
                "/api/v1/datasets/ops/flights/profile".to_owned(),
                format!("/api/v1/results/{result}"),
                format!("/api/v1/results/{result}/download?format=csv"),
                format!("/api/v1/queries/{result}"),
            ] {
                let ask = {
                    let path = path.clone();
                    move || given(&replica.get(&path, header), 404)
                };
                probes.push((format!("{path} by {how} on replica {i}"), Box::new(ask)));
            }
            let ask = move || given(&replica.json("POST", "/api/v1/query", header, sql), 404);
            probes.push((format!("a kept answer by {how} on replica {i}"), Box::new(ask)));
        }
        let ask = || given(&replica.get("/datasets/ops/flights", &session), 404);
        probes.push((format!("the page on replica {i}"), Box::new(ask)));
    }
    // Everything is in every cache, and was asked for a moment ago.
    for _ in 0..2 {
        for (name, ask) in &probes {
            assert!(ask(), "control: {name}");
        }
    }
    let narrowed = lake_of_two_units::POLICY.replace("on = [\"ops.flights\"]", "on = [\"ops.nothing\"]");
    assert_ne!(narrowed, lake_of_two_units::POLICY);
    std::fs::write(folder.path().join("policy.toml"), narrowed).unwrap();
    let took = until_denied(&probes, Instant::now());
    println!("after a change of the policy, the last of {} ways was open for {took:?}", probes.len());
    // What is not taken away goes on.
    for replica in &replicas {
        assert_eq!(replica.get("/api/v1/datasets/ref/airlines", &session).status, 200);
    }
}

#[test]
fn a_10_sessions_and_tokens_end_everywhere_within_five_seconds() {
    let folder = lake();
    let replicas = [Replica::start(folder.path()), Replica::start(folder.path())];
    let session = replicas[0].sign_in("partner-ua");
    let other = replicas[1].sign_in("partner-ua");
    let made = replicas[0].json(
        "POST",
        "/api/v1/tokens",
        &session,
        r#"{"name":"t","days":1,"scope":{"actions":["read"],"datasets":[]}}"#,
    );
    let (token, id) = (format!("Authorization: Bearer {}\r\n", made.field("secret")), made.field("id"));
    let asks = |header: &str| -> Vec<Probe<'_>> {
        let each = replicas.iter().enumerate().map(|(i, replica)| {
            let header = header.to_owned();
            let ask: Box<dyn Fn() -> bool> = Box::new(move || given(&replica.get("/api/v1/me", &header), 401));
            (format!("replica {i}"), ask)
        });
        each.collect()
    };
    for (name, header, end) in [
        (
            "a token",
            &token,
            Box::new(|| replicas[1].send("DELETE", &format!("/api/v1/tokens/{id}"), &session, "").status)
                as Box<dyn Fn() -> u16>,
        ),
        ("a session", &session, Box::new(|| replicas[0].send("POST", "/auth/sign-out", &session, "").status)),
    ] {
        let asks = asks(header);
        for (at, ask) in asks.iter().chain(&asks) {
            assert!(ask(), "control: {name} on {at}");
        }
        let status = end();
        assert!((200..400).contains(&status), "{name}: {status}");
        let took = until_denied(&asks, Instant::now());
        println!("{name} that was ended held for {took:?} more");
    }
    assert_eq!(replicas[0].get("/api/v1/me", &other).status, 200, "another session goes on");
}

#[test]
fn a_10_what_administrators_end_ends_everywhere_within_five_seconds() {
    let folder = lake();
    let replicas = [Replica::start(folder.path()), Replica::start(folder.path())];
    let steward = replicas[0].sign_in("steward");
    let session = replicas[0].sign_in("partner-ua");
    let scope = r#"{"name":"t","days":1,"scope":{"actions":["read"]}}"#;
    let bearer = |made: &Answer| format!("Authorization: Bearer {}\r\n", made.field("secret"));
    let made = replicas[0].json("POST", "/api/v1/tokens", &session, scope);
    let (token, token_id) = (bearer(&made), made.field("id"));
    let service = replicas[0].json("POST", "/api/v1/accounts", &steward, r#"{"name":"etl","groups":["partners"]}"#);
    let service = format!("/api/v1/accounts/{}", service.field("id"));
    let of_service = bearer(&replicas[0].json("POST", &format!("{service}/tokens"), &steward, scope));
    let listed = replicas[1].get("/api/v1/accounts", &steward).text;
    let person = listed.split("\"subject\":\"partner-ua\"").next().unwrap().rsplit("\"id\":\"").next().unwrap();
    let person = format!("/api/v1/accounts/{}", person.split('"').next().unwrap());
    let detail = replicas[1].get(&person, &steward).text;
    let session_id = detail.split("\"sessions\":").nth(1).unwrap().split("\"id\":\"").nth(1).unwrap();
    let session_id = session_id.split('"').next().unwrap();
    let delete = |path: String| replicas[1].send("DELETE", &path, &steward, "").status;
    let disable = || replicas[1].json("PATCH", &service, &steward, r#"{"disabled":true}"#).status;
    for (name, header, end) in [
        ("a session", &session, Box::new(|| delete(format!("{person}/sessions/{session_id}"))) as Box<dyn Fn() -> u16>),
        ("a token", &token, Box::new(|| delete(format!("{person}/tokens/{token_id}")))),
        ("a service account", &of_service, Box::new(disable)),
    ] {
        let asks: Vec<Probe> = replicas
            .iter()
            .enumerate()
            .map(|(i, replica)| -> Probe {
                (format!("{name} on replica {i}"), Box::new(move || given(&replica.get("/api/v1/me", header), 401)))
            })
            .collect();
        for (at, ask) in asks.iter().chain(&asks) {
            assert!(ask(), "control: {at}");
        }
        assert_eq!(end(), 204, "{name}");
        let took = until_denied(&asks, Instant::now());
        println!("{name} that an administrator ended held for {took:?} more");
    }
}
