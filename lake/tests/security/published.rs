//! Publishing a policy: who may, what is kept, what happens when two do it at once or half of it, and what it changes.

use lake::{Lake, LakeConfig, LakeError, StoreConfig};
use model::{
    Doubt, PolicyVersion, PolicyVersionState as State, Principal, PublishPolicy, QueryRequest, Turn,
    principal::TokenScope,
};
use sha2::{Digest as _, Sha256};

use crate::bench::{Bench, person};

const FIRST: &str = r#"stewards = ["group:stewards"]
# partners
[[grant]]
to = ["group:partners"]
on = ["ops.flights"]
rows = "carrier = claim('carrier')"
"#;
/// Partners of one kind see more, without a column; those of the other see nothing any more.
const SECOND: &str = r#"stewards = ["group:stewards"]
[[grant]]
to = ["claim:carrier=UA"]
on = ["ops.flights"]
rows = "carrier in ('UA', 'DL')"
except = ["delay"]
"#;

fn steward() -> Principal {
    person("sam", "stewards", None)
}

fn hash(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

fn text(text: &str) -> PublishPolicy {
    PublishPolicy { text: text.to_owned(), note: format!("{} bytes", text.len()), ..PublishPolicy::default() }
}

async fn bench() -> Bench {
    let bench = Bench::new().await;
    bench.policy(FIRST).await;
    bench
}

async fn other_replica(bench: &Bench) -> Lake {
    let mut config = LakeConfig::new(StoreConfig::Folder(bench.folder().to_owned()));
    config.freshness = std::time::Duration::ZERO;
    Lake::open(config).await.unwrap()
}

fn stored(bench: &Bench) -> String {
    std::fs::read_to_string(bench.folder().join("policy.toml")).unwrap()
}

async fn history(lake: &Lake) -> Vec<PolicyVersion> {
    lake.policy_versions(&steward(), None).await.unwrap().items
}

/// Writes a version as its publisher would have before something broke off.
async fn begun(bench: &Bench, number: u64, of: &str, replaced: &str) {
    let version = serde_json::json!({
        "version": number, "published_at": "2026-01-01T00:00:00Z", "by": "kim", "note": "", "sha256": hash(of),
        "replaced": hash(replaced), "restores": null, "state": "begun", "text": of,
    });
    bench.lake.documents().create("policy", &format!("{number:08}"), &version).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_kept_whole_holds_at_once_and_can_be_published_again() {
    let bench = bench().await;
    let made = bench.lake.publish_policy(&steward(), &hash(FIRST), text(SECOND)).await.unwrap();
    assert_eq!((made.version, made.by.as_deref(), made.state), (2, Some("sam"), State::Published));
    assert_eq!((made.replaced, made.sha256, stored(&bench)), (hash(FIRST), hash(SECOND), SECOND.to_owned()));
    let ua = person("ana", "nobody", Some("UA"));
    assert_eq!(bench.ask(&ua, "select * from ops.flights").await.rows_total, 5);

    let all = history(&bench.lake).await;
    let told: Vec<(u64, Option<&str>, &str)> =
        all.iter().map(|v| (v.version, v.by.as_deref(), v.note.as_str())).collect();
    let note = format!("{} bytes", SECOND.len());
    assert_eq!(told, [(2, Some("sam"), note.as_str()), (1, None, "")], "what was there before is kept as found");
    let second = bench.lake.policy_version(&steward(), 2).await.unwrap();
    assert_eq!(second.text, SECOND);
    let gone: Vec<&str> = second.difference.iter().filter(|l| l.after.is_none()).map(|l| l.text.as_str()).collect();
    assert_eq!(gone, ["# partners", "to = [\"group:partners\"]", "rows = \"carrier = claim('carrier')\""]);

    let again = PublishPolicy { restores: Some(1), ..text(FIRST) };
    let back = bench.lake.publish_policy(&steward(), &hash(SECOND), again).await.unwrap();
    assert_eq!((back.version, back.restores, stored(&bench)), (3, Some(1), FIRST.to_owned()));
    let other = PublishPolicy { restores: Some(1), ..text(SECOND) };
    let made = bench.lake.publish_policy(&steward(), &hash(FIRST), other).await.unwrap();
    assert_eq!(made.restores, None, "that is another text");
    let now = bench.lake.policy_text(&steward()).await.unwrap();
    assert_eq!((now.version, now.newest, now.unfinished, now.text.as_str()), (Some(4), Some(4), None, SECOND));
    let absent = bench.lake.policy_version(&steward(), 5).await.unwrap_err();
    assert_eq!(absent.code(), "not_found");
    let same = bench.lake.publish_policy(&steward(), &hash(SECOND), text(SECOND)).await.unwrap_err();
    assert_eq!(same.code(), "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_stewards_who_publish_at_once_one_does_and_the_others_are_told() {
    let bench = bench().await;
    let replica = other_replica(&bench).await;
    let texts: Vec<String> = (0..6).map(|n| format!("{FIRST}# {n}\n")).collect();
    let publish = |n: usize| {
        let (lake, publish) = (if n.is_multiple_of(2) { bench.lake.clone() } else { replica.clone() }, text(&texts[n]));
        tokio::spawn(async move { lake.publish_policy(&steward(), &hash(FIRST), publish).await })
    };
    let tasks: Vec<_> = (0..texts.len()).map(publish).collect();
    let mut won = Vec::new();
    for (n, task) in tasks.into_iter().enumerate() {
        match task.await.unwrap() {
            Ok(_) => won.push(n),
            Err(e) => assert_eq!(e.code(), "conflict", "{e:?}"),
        }
    }
    assert_eq!(won.len(), 1, "{won:?}");
    assert_eq!(stored(&bench), texts[won[0]]);
    let now = replica.policy_text(&steward()).await.unwrap();
    assert_eq!((now.text.as_str(), now.unfinished), (texts[won[0]].as_str(), None));
    assert!(now.version.is_some() && now.version == now.newest, "{now:?}");
    let stale = bench.lake.publish_policy(&steward(), &hash(FIRST), text(SECOND)).await.unwrap_err();
    assert_eq!((stale.code(), stored(&bench)), ("conflict", texts[won[0]].clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_was_changed_by_hand_is_shown_kept_and_never_overwritten_unseen() {
    let bench = bench().await;
    bench.lake.publish_policy(&steward(), &hash(FIRST), text(SECOND)).await.unwrap();
    let by_hand = format!("{SECOND}# by hand\n");
    bench.policy(&by_hand).await;
    let now = bench.lake.policy_text(&steward()).await.unwrap();
    assert!(now.is_changed_by_hand(), "{now:?}");
    assert_eq!((now.version, now.newest), (None, Some(2)));
    let unseen = bench.lake.publish_policy(&steward(), &hash(SECOND), text(FIRST)).await.unwrap_err();
    assert_eq!((unseen.code(), stored(&bench)), ("conflict", by_hand.clone()));
    let made = bench.lake.publish_policy(&steward(), &hash(&by_hand), text(FIRST)).await.unwrap();
    assert_eq!(made.version, 4);
    let found = bench.lake.policy_version(&steward(), 3).await.unwrap();
    assert_eq!((found.text.as_str(), found.version.by), (by_hand.as_str(), None));
    // Publishing it as it stands takes it into the history, and that is all.
    bench.policy(&by_hand).await;
    let taken = bench.lake.publish_policy(&steward(), &hash(&by_hand), text(&by_hand)).await.unwrap();
    assert_eq!((taken.version, taken.by, stored(&bench)), (5, None, by_hand));
    assert!(!bench.lake.policy_text(&steward()).await.unwrap().is_changed_by_hand());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_broke_off_is_shown_and_the_next_waits_until_it_cannot_be_under_way() {
    let bench = bench().await;
    bench.lake.publish_policy(&steward(), &hash(FIRST), text(SECOND)).await.unwrap();
    // Before `policy.toml` was put.
    let third = format!("{SECOND}# third\n");
    begun(&bench, 3, &third, SECOND).await;
    let now = bench.lake.policy_text(&steward()).await.unwrap();
    assert_eq!((now.version, now.newest, now.unfinished), (Some(2), Some(2), Some(3)), "{now:?}");
    let early = bench.lake.publish_policy(&steward(), &hash(SECOND), text(FIRST)).await.unwrap_err();
    assert!(matches!(early, LakeError::Conflict { .. }) && stored(&bench) == SECOND, "{early}");
    let document = bench.folder().join("portal/policy/00000003/1.json");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(120);
    std::fs::File::options().write(true).open(document).unwrap().set_modified(old).unwrap();
    let made = bench.lake.publish_policy(&steward(), &hash(SECOND), text(FIRST)).await.unwrap();
    assert_eq!((made.version, stored(&bench)), (4, FIRST.to_owned()));
    assert_eq!(history(&bench.lake).await[1].state, State::Begun);
    let difference = bench.lake.policy_version(&steward(), 4).await.unwrap().difference;
    assert!(!difference.iter().any(|line| line.text == "# third"), "against what took effect");
    // After it was put, and before that was said: it holds, and needs no mending.
    begun(&bench, 5, &third, FIRST).await;
    bench.policy(&third).await;
    let now = bench.lake.policy_text(&steward()).await.unwrap();
    assert_eq!((now.version, now.newest, now.unfinished), (Some(5), Some(5), None), "{now:?}");
    assert_eq!(bench.lake.publish_policy(&steward(), &hash(&third), text(FIRST)).await.unwrap().version, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn doubts_must_be_accepted_one_by_one_and_what_cannot_be_read_is_never_published() {
    let bench = bench().await;
    let publish = async |policy: &str, accept: &[Doubt]| {
        let publish = PublishPolicy { accept: accept.to_vec(), ..text(policy) };
        bench.lake.publish_policy(&steward(), &hash(&stored(&bench)), publish).await
    };
    let review = async |policy: &str| bench.lake.review_policy(&steward(), policy, &[]).await.unwrap();
    let test = "[[test]]\nas = { user = 'eve' }\nsql = 'select * from ops.flights'\nrows = 1\n";
    let error = "[[grant]]\nto = [\"*\"]\non = [\"ops.flights\"]\nexcept = [\"dealy\"]\n";
    let unfit = format!("stewards = [\"group:others\"]\n{error}{test}");
    let found = review(&unfit).await;
    assert_eq!(found.doubts, Doubt::ALL);
    assert_eq!((found.findings[0].line, found.findings[0].column, found.findings[0].error), (5, 11, true));
    assert!(found.tests[0].failed.is_some());
    for (accept, says) in [
        (&[][..], "errors"),
        (&[Doubt::Errors], "tests"),
        (&[Doubt::Errors, Doubt::Tests], "own_right"),
        (&[Doubt::OwnRight, Doubt::Tests], "errors"),
    ] {
        let said = publish(&unfit, accept).await.unwrap_err();
        assert!(said.to_string().contains(&format!("`{says}`")), "{said}");
    }
    for broken in ["stewards = 1", "[[grant]]\nto = [\"*\"]\non = [\"*\"]\nmask = { a = \"hide\" }"] {
        let found = review(broken).await;
        assert!(found.effect.is_none() && found.findings[0].error, "{found:?}");
        let said = publish(broken, &Doubt::ALL).await.unwrap_err();
        assert_eq!(said.code(), "invalid_request", "{said:?}");
    }
    let long = "#".repeat(model::PolicyText::MOST_BYTES + 1);
    assert!(publish(&long, &Doubt::ALL).await.unwrap_err().to_string().contains("256 KiB"));
    assert_eq!((stored(&bench), history(&bench.lake).await.len()), (FIRST.to_owned(), 0));
    publish(&unfit, &Doubt::ALL).await.unwrap();
    assert_eq!(publish(FIRST, &[]).await.unwrap_err().code(), "forbidden", "the right is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gains_and_who_loses_is_what_queries_then_give() {
    let bench = bench().await;
    let people = [person("ana", "partners", Some("UA")), person("dan", "partners", Some("DL")), steward()];
    let rows = async |lake: &Lake, who: &Principal| {
        let asked = lake.query(who, QueryRequest::new("select carrier, flight from ops.flights")).await;
        asked.map_or(0, |status| status.rows_total)
    };
    let mut before = Vec::new();
    for who in &people {
        before.push(rows(&bench.lake, who).await);
    }
    let review = bench.lake.review_policy(&steward(), SECOND, &people).await.unwrap();
    assert_eq!((review.base, review.doubts, stored(&bench)), (hash(FIRST), Vec::new(), FIRST.to_owned()));
    let effect = review.effect.unwrap();
    assert!(effect.left_out.is_empty() && effect.stewards.is_empty(), "{effect:?}");
    let told: Vec<(&str, Turn)> = effect.changes.iter().map(|c| (c.who.as_str(), c.turn)).collect();
    assert_eq!(told, [("ana", Turn::Other), ("dan", Turn::Loses), ("anyone whose carrier is UA", Turn::Gains)]);
    let ana = &effect.changes[0];
    let columns: Vec<(&str, &str, &str)> =
        ana.columns.iter().map(|c| (c.name.as_str(), c.before.as_str(), c.after.as_str())).collect();
    assert_eq!(columns, [("delay", "seen", "hidden")]);
    let counted: Vec<(u64, u64, u64)> =
        effect.changes.iter().map(|c| c.rows.unwrap()).map(|r| (r.before, r.after, r.total)).collect();
    bench.lake.publish_policy(&steward(), &hash(FIRST), text(SECOND)).await.unwrap();
    let mut wanted = Vec::new();
    for (who, before) in people.iter().zip(before).take(2) {
        wanted.push((before, rows(&bench.lake, who).await, 6));
    }
    wanted.push((0, rows(&bench.lake, &person("any", "nobody", Some("UA"))).await, 6));
    assert_eq!(counted, wanted);
    assert_eq!(counted, [(3, 5, 6), (2, 0, 6), (0, 5, 6)]);

    // Only an end that moves, a right, and a steward.
    let third =
        format!("{SECOND}until = 2999-01-01\n[[grant]]\nto = [\"user:dan\"]\non = [\"ops.*\"]\nmay = [\"upload\"]\n")
            .replace("group:stewards", "user:ana");
    let review = bench.lake.review_policy(&steward(), &third, &people).await.unwrap();
    assert_eq!(review.doubts, [Doubt::OwnRight]);
    let effect = review.effect.unwrap();
    let told: Vec<(&str, Turn, bool)> =
        effect.changes.iter().map(|c| (c.who.as_str(), c.turn, c.rows.is_some())).collect();
    let wanted =
        [("ana", Turn::Less, false), ("dan", Turn::Gains, false), ("anyone whose carrier is UA", Turn::Less, false)];
    assert_eq!(told, wanted);
    let stewards: Vec<(&str, bool)> = effect.stewards.iter().map(|s| (s.who.as_str(), s.becomes)).collect();
    assert_eq!(stewards, [("ana", true), ("sam", false), ("anyone in the group stewards", false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_08_nobody_but_a_steward_reads_reviews_or_publishes_the_policy() {
    let bench = bench().await;
    let scope = TokenScope { actions: ["own".to_owned(), "read".to_owned()].into(), ..TokenScope::default() };
    let others = [
        person("ana", "partners", Some("UA")),
        person("eve", "others", None),
        Principal { scope: Some(scope), ..steward() },
        Principal { groups: None, ..steward() },
    ];
    let mut said = std::collections::BTreeSet::new();
    for who in &others {
        let lake = &bench.lake;
        said.insert(lake.policy_text(who).await.unwrap_err().to_string());
        said.insert(lake.policy_versions(who, None).await.unwrap_err().to_string());
        said.insert(lake.policy_version(who, 1).await.unwrap_err().to_string());
        for text in [SECOND, "stewards = 1"] {
            said.insert(lake.review_policy(who, text, &[]).await.unwrap_err().to_string());
        }
        for base in [hash(FIRST), hash("")] {
            said.insert(lake.publish_policy(who, &base, text(SECOND)).await.unwrap_err().to_string());
        }
    }
    assert_eq!(said.len(), 1, "one answer whatever there is: {said:?}");
    assert_eq!((stored(&bench), history(&bench.lake).await.len()), (FIRST.to_owned(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_10_what_a_published_version_takes_away_is_gone_on_the_other_replica_too() {
    let bench = bench().await;
    let replica = other_replica(&bench).await;
    let dan = person("dan", "partners", Some("DL"));
    let sql = "select flight from ops.flights order by 1";
    let mut ids = Vec::new();
    for lake in [&bench.lake, &replica] {
        ids.push(lake.query(&dan, QueryRequest::new(sql)).await.unwrap().id);
    }
    bench.lake.publish_policy(&steward(), &hash(FIRST), text(SECOND)).await.unwrap();
    for (lake, id) in [&bench.lake, &replica].into_iter().zip(&ids) {
        assert_eq!(lake.query(&dan, QueryRequest::new(sql)).await.unwrap_err().code(), "not_found");
        assert_eq!(lake.query_status(&dan, id).await.unwrap_err().code(), "not_found", "what was kept");
    }
    // Whoever loses the right has lost it at the next step, and not when somebody looks.
    let taken = SECOND.replace("group:stewards", "group:others");
    let publish = PublishPolicy { accept: Doubt::ALL.to_vec(), ..text(&taken) };
    replica.publish_policy(&steward(), &hash(SECOND), publish).await.unwrap();
    let late = bench.lake.publish_policy(&steward(), &hash(&taken), text(FIRST)).await.unwrap_err();
    assert_eq!(late.code(), "forbidden");
}
