//! Cells, headers and names with markup and with characters that hide or turn text around: they show as text, on pages
//! and in what pages hand to their islands.

use http::StatusCode;

use crate::server::Server;

/// Cells as an attacker writes them.
const CELLS: [&str; 8] = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "\"><svg onload=alert(3)>",
    "' onmouseover='alert(4)",
    "--><script>alert(5)</script><!--",
    "</textarea></title></style><iframe src=//evil.example>",
    "javascript:alert(6)",
    "&lt;b&gt;&#x3c;script&#x3e;",
];
/// What would be markup if it were not shown as text.
/// Attributes of ours stand in double quotes, so that a single one ends nothing.
const MARKUP: [&str; 6] = ["<script>alert", "<img src=x", "<svg onload", "<iframe", "<b>&#", "props='"];
/// Characters that turn text around, or that nobody sees.
const HIDING: [char; 5] = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{200f}'];

#[tokio::test]
async fn w_22_cells_headers_and_names_show_as_text_also_in_what_islands_are_given() {
    let server = Server::empty().await;
    let hiding: String = HIDING.iter().map(|c| format!("a{c}b")).collect();
    let quoted = |s: &str| format!("\"{}\"", s.replace('"', "\"\""));
    let header = format!("{},{},plain", quoted(CELLS[0]), quoted(&hiding));
    let rows = CELLS.iter().map(|c| format!("{},{},1\n", quoted(c), quoted(&hiding)));
    let text = format!("{header}\n{}", rows.collect::<String>());
    let folder = server.folder().join("landing/ops/marked");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("<img src=x onerror=alert(7)>.csv"), text).unwrap();
    server.lake.ingest_landing().await.unwrap();
    let mut owner = server.signed_in("owner-ops").await;
    let dataset = owner.get(&server, "/api/v1/datasets/ops/marked").await;
    assert_eq!(dataset.status, StatusCode::OK, "{}", dataset.text);
    let mut paths: Vec<String> = ["", "?tab=data", "?tab=columns", "?tab=versions", "?tab=arrivals", "?tab=api"]
        .map(|t| format!("/datasets/ops/marked{t}"))
        .into();
    paths.extend(["/", "/datasets", "/arrivals", "/sql?sql=select+*+from+ops.marked", "/sql"].map(str::to_owned));
    let evil = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", &CELLS.join(" ")).finish();
    paths.extend([
        format!("/datasets?{evil}"),
        format!("/arrivals?state={evil}"),
        format!("/datasets/ops/marked?tab={evil}"),
    ]);
    let arrivals = owner.get(&server, "/api/v1/ingests").await.json();
    for arrival in arrivals["items"].as_array().unwrap() {
        paths.push(format!("/arrivals/{}", arrival["id"].as_str().unwrap()));
    }
    let (mut escaped, mut turned) = (0, Vec::new());
    for path in paths {
        let answer = owner.get(&server, &path).await;
        assert!(answer.status == StatusCode::OK || answer.status == StatusCode::NOT_FOUND, "{path}: {}", answer.text);
        for markup in MARKUP {
            if let Some(at) = answer.text.find(markup) {
                let mut from = at.saturating_sub(300);
                while !answer.text.is_char_boundary(from) {
                    from -= 1;
                }
                panic!("{path}: {markup} stands as markup: …{}", &answer.text[from..at + markup.len()]);
            }
        }
        escaped += usize::from(answer.text.contains("&lt;script&gt;alert") || answer.text.contains("&lt;script>alert"));
        turned.extend(HIDING.iter().filter(|c| answer.text.contains(**c)).map(|c| (path.clone(), *c)));
    }
    assert!(escaped >= 3, "control: the cells are on {escaped} pages");
    assert!(turned.is_empty(), "characters that hide stand raw: {turned:?}");
}

#[tokio::test]
async fn w_23_a_download_for_people_guards_cells_and_headers_and_the_apis_own_changes_nothing() {
    let server = Server::empty().await;
    let folder = server.folder().join("landing/ops/formulas");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.csv"), "name,n\n=1+1,1\n+2,2\n@x,3\n\"\tx\",4\n-x,5\nplain,-6\n").unwrap();
    server.lake.ingest_landing().await.unwrap();
    let mut owner = server.signed_in("owner-ops").await;
    let sql = r#"{"sql":"select name as \"=cmd\", name as \"@sum\", n from ops.formulas order by n"}"#;
    let made = owner.json(&server, "POST", "/api/v1/query", sql).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let raw = owner.get(&server, &format!("/api/v1/results/{id}/download?format=csv")).await;
    let page = owner.get(&server, "/sql?sql=select+name+from+ops.formulas").await;
    let guarded: Vec<&str> = page
        .text
        .split("href=\"")
        .filter_map(|l| l.split_once('"'))
        .map(|l| l.0)
        .filter(|l| l.contains("/download"))
        .collect();
    assert!(!guarded.is_empty(), "the page offers a download");
    let link = guarded.iter().find(|l| l.contains("csv")).unwrap().replace("&amp;", "&");
    let more = link.split_once('?').unwrap().1;
    let safe = owner.get(&server, &format!("/api/v1/results/{id}/download?{more}")).await;
    for (what, text, guards) in [("the API's", &raw.text, false), ("a person's", &safe.text, true)] {
        for cell in ["=cmd", "@sum", "=1+1", "+2", "@x", "\tx", "-x"] {
            let cells: Vec<&str> = text.split(['\n', ',', '\r']).map(|c| c.trim_matches('"')).collect();
            assert_eq!(cells.contains(&cell), !guards, "{what} download, {cell:?}: {text}");
        }
        assert!(text.contains("-6"), "a number is a number: {text}");
    }
}
