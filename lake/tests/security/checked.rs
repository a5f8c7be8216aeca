//! The check before a policy is used: every finding at its place, and the policy's own tests under that policy.

use crate::bench::{Bench, person};
use lake::{Lake, LakeConfig, StoreConfig, policy::Checked};

async fn check(bench: &Bench, policy: Option<&str>) -> Checked {
    let config = LakeConfig::new(StoreConfig::Folder(bench.folder().to_owned()));
    Lake::check_policy(&config, policy.map(|p| p.as_bytes().to_vec())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_finding_has_its_place_and_what_only_deserves_a_look_is_no_error() {
    let bench = Bench::new().await;
    let policy = r#"stewards = ["group:stewards"]
[[grant]]
to = ["*"]
on = ["ops.flights", "ops.gone", "ops.fl*", "tag:none"]
until = 2020-01-01
[[grant]]
to = ["*"]
on = ["ops.*"]
rows = "carier = 'UA'"
[[grant]]
to = ["*"]
on = ["ops.flights"]
rows = "carrier in (select carrier from ref.alliances)"
[[grant]]
to = ["*"]
on = ["ops.*"]
except = ["flihgt"]
columns = ["carrier", "speed"]
mask = { delay = "bucket(month)", carrier = "constant('n/a')" }
[[grant]]
to = ["*"]
on = ["ops.flights"]
rows = "carrier in (select flight from ops.flights)"
"#;
    let checked = check(&bench, Some(policy)).await;
    let found: Vec<(u64, u64, bool)> = checked.findings.iter().map(|f| (f.line, f.column, f.error)).collect();
    let wanted = [
        (4, 22, false),
        (4, 45, false),
        (5, 9, false),
        (9, 8, false),
        (13, 8, true),
        (17, 11, true),
        (18, 23, false),
        (19, 18, true),
        (23, 8, true),
    ];
    assert_eq!(found, wanted, "{:#?}", checked.findings);
    assert!(!checked.is_well());
    for (place, says) in [(0, "ops.gone"), (2, "2020-01-01"), (3, "carier"), (4, "ref.alliances"), (7, "bucket(month)")]
    {
        assert!(checked.findings[place].message.contains(says), "{:#?}", checked.findings[place]);
    }
    let broken = check(&bench, Some("[[grant]]\nto = [\"group:a\"]\non = [\"*\"]\nmask = { a = \"bucket(x)\" }")).await;
    assert_eq!((broken.findings.len(), broken.findings[0].line, broken.findings[0].column), (1, 4, 14));
    assert!(check(&bench, Some("stewards = [\"group:s\"]")).await.is_well());
    let slip = check(&bench, Some("[[grant]]\nto = [\"group:a\"]\non = [\"ops.flihgts\"]")).await;
    let says = "`ops.flihgts` covers no dataset yet; did you mean `ops.flights`?";
    assert!(slip.findings.iter().any(|f| f.message == says), "{:#?}", slip.findings);
    // A contract that cannot be read is told where a tag of it might count.
    std::fs::create_dir_all(bench.folder().join("contracts/ops")).unwrap();
    std::fs::write(bench.folder().join("contracts/ops/flights.toml"), "tags = 1").unwrap();
    for (on, told) in [("tag:aviation", true), ("ops.*", false)] {
        let checked = check(&bench, Some(&format!("[[grant]]\nto = [\"group:a\"]\non = [\"{on}\"]"))).await;
        let says = "grants on tags do not cover ops.flights";
        assert_eq!(checked.findings.iter().any(|f| f.message.starts_with(says)), told, "{:#?}", checked.findings);
    }
}

const GRANTS: &str = r#"stewards = ["group:stewards"]
[[grant]]
to = ["group:partners"]
on = ["ops.flights"]
rows = "carrier = claim('carrier')"
except = ["delay"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_policys_own_tests_run_under_it_and_show_expected_against_got() {
    let bench = Bench::new().await;
    let partner = "as = { user = \"kim\", groups = [\"partners\"], claims = { carrier = \"UA\" } }\n";
    let held = async |test: &str| {
        let checked = check(&bench, Some(&format!("{GRANTS}[[test]]\n{test}"))).await;
        assert!(checked.findings.is_empty(), "{checked:#?}");
        let [one] = checked.tests.as_slice() else { panic!("{checked:#?}") };
        assert_eq!((one.line, checked.is_well()), (7, one.failed.is_none()));
        one.failed.clone()
    };
    for test in [
        "sql = 'select carrier, flight from ops.flights'\nexpect = [['UA', 3], ['UA', 1], ['UA', 2]]",
        "sql = 'select flight from ops.flights order by flight desc'\nexpect = [[3], [2], [1]]",
        "sql = 'select count(*), avg(flight), null from ops.flights'\nexpect = [[3, 2.0, []]]",
        "sql = 'select * from ops.flights'\nrows = 3",
        "sql = 'select delay from ops.flights'\nexpect = 'denied'",
    ] {
        assert_eq!(held(&format!("{partner}{test}")).await, None, "{test}");
    }
    for (test, says) in [
        ("sql = 'select flight from ops.flights'\nexpect = [[1], [2]]", "expected [[1], [2]], got [[1],[2],[3]]"),
        ("sql = 'select flight from ops.flights order by 1'\nexpect = [[2], [1], [3]]", "got [[1],[2],[3]]"),
        ("sql = 'select flight from ops.flights'\nrows = 4", "expected 4 rows, got 3"),
        ("sql = 'select flight from ops.flights'\nexpect = 'denied'", "expected \"denied\", got [[1],[2],[3]]"),
        ("sql = 'select delay from ops.flights'\nrows = 3", "expected an answer, got: "),
        ("sql = 'select flight from ops.flihgts'\nexpect = 'denied'", "nobody can ask that"),
        ("sql = 'select fligth from ops.flights'\nexpect = 'denied'", "nobody can ask that"),
        ("sql = 'select 1 / (flight - 1) from ops.flights'\nrows = 3", "ivide by zero"),
        ("sql = 'select 1 / (flight - 1) from ops.flights'\nexpect = 'denied'", "expected \"denied\", got: "),
    ] {
        let failed = held(&format!("{partner}{test}")).await.unwrap_or_else(|| panic!("{test} holds"));
        assert!(failed.contains(says), "{test}: {failed}");
    }
    let stranger = "as = { user = 'eve' }\nsql = 'select count(*) from ops.flights'\nexpect = 'denied'";
    assert_eq!(held(stranger).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_changes_nothing_and_a_policy_that_breaks_its_tests_holds() {
    let bench = Bench::new().await;
    let everything =
        "[[grant]]\nto = [\"*\"]\non = [\"*\"]\n[[test]]\nas = { user = 'eve' }\nsql = 'select * from ops.flights'\n";
    assert!(check(&bench, Some(&format!("{everything}rows = 6"))).await.is_well());
    let eve = person("eve", "strangers", None);
    let e = bench.lake.query(&eve, model::QueryRequest::new("select * from ops.flights")).await.unwrap_err();
    assert_eq!(e.code(), "not_found");
    bench.policy(&format!("{everything}rows = 7")).await;
    assert_eq!(bench.ask(&eve, "select * from ops.flights").await.rows_total, 6);
    let own = check(&bench, None).await;
    assert_eq!(own.tests[0].failed.as_deref(), Some("expected 7 rows, got 6"));
    // One that cannot be read is a finding, not the end of the check.
    bench.policy("stewards = 1").await;
    assert!(!check(&bench, None).await.is_well());
    std::fs::write(bench.folder().join("policy.toml"), [0xff, 0xfe]).unwrap();
    assert!(check(&bench, None).await.findings[0].message.contains("UTF-8"));
}
