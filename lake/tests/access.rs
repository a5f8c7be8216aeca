//! Access on request: who may know of what, who gives what to whom, and that it holds by itself and ends.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "cache/bench.rs"]
mod bench;

use std::time::Duration;

use bench::{Bench, person};
use chrono::{TimeDelta, Utc};
use lake::{Lake, LakeConfig, LakeError, StoreConfig};
use model::{
    AccessAnswer, AccessRequest, AccessState, AccessVerdict, Ask, Cell, DatasetFilter, DatasetName, Giving, Origin,
    Principal, QueryRequest, Viewing,
};
use serde_json::json;

const POLICY: &str = r#"
stewards = ["group:stewards"]
[[grant]]
to = ["group:owners"]
on = ["ops.*"]
may = ["read", "own"]
[[grant]]
to = ["group:limited"]
on = ["ops.*"]
may = ["read", "own"]
rows = "carrier = 'UA'"
[[grant]]
to = ["group:partners"]
on = ["ops.flights"]
rows = "carrier = claim('carrier')"
columns = ["carrier", "flight"]
"#;

const CONTRACT: &str = r#"
title = "Flights of all"
description = "Who flew when"
owner = "ops@example.com"
tags = ["sealed"]
discoverable = ["group:guests", "group:partners"]
[column.delay]
description = "minutes late"
"#;

async fn world() -> Bench {
    let bench = Bench::new().await;
    bench.policy(POLICY).await;
    contract(&bench, CONTRACT);
    bench
}

fn contract(bench: &Bench, text: &str) {
    let folder = bench.folder().join("contracts/ops");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("flights.toml"), text).unwrap();
}

fn flights() -> DatasetName {
    "ops.flights".parse().unwrap()
}

fn guest() -> Principal {
    person("gus", "guests", None)
}

fn owner() -> Principal {
    person("olga", "owners", None)
}

fn steward() -> Principal {
    person("stella", "stewards", None)
}

fn ask() -> Ask {
    Ask { purpose: "Month-end report".into(), days: 30, wish: "UA is enough".into() }
}

fn whole() -> Giving {
    let until = Utc::now() + TimeDelta::days(30);
    Giving { until, rows: None, columns: None, except: Vec::new(), mask: [].into() }
}

fn rows(condition: &str) -> Giving {
    Giving { rows: Some(condition.into()), ..whole() }
}

async fn answer(
    lake: &Lake,
    who: &Principal,
    id: &str,
    verdict: AccessVerdict,
    give: Option<Giving>,
) -> lake::Result<AccessRequest> {
    lake.answer_access(who, id, AccessAnswer { verdict, reason: "because".into(), give }).await
}

/// Asks as `who`, and has the owner give this.
async fn given(lake: &Lake, who: &Principal, give: Giving) -> AccessRequest {
    let request = lake.ask_access(who, &flights(), ask()).await.unwrap();
    answer(lake, &owner(), &request.id, AccessVerdict::Grant, Some(give)).await.unwrap()
}

async fn answers(lake: &Lake, who: &Principal, sql: &str) -> lake::Result<Vec<Vec<Cell>>> {
    let status = lake.query(who, QueryRequest::new(sql)).await?;
    Ok(lake.result_page(who, &status.id, 0, 100).await?.rows)
}

/// What `who` is told of this dataset in every other way than finding it.
async fn told(lake: &Lake, who: &Principal, name: &str) -> String {
    let dataset: DatasetName = name.parse().unwrap();
    let mut told = vec![
        format!("{:?}", lake.dataset(who, &dataset).await),
        format!("{:?}", lake.columns(who, &dataset).await),
        format!("{:?}", lake.datasets(who, DatasetFilter::default()).await),
        format!("{:?}", lake.units(who).await),
    ];
    for sql in ["select * from D", "select carrier from D", "select count(*) from D version as of 1"] {
        told.push(format!("{:?}", answers(lake, who, &sql.replace('D', name)).await));
    }
    told.join("\n").replace(name, "D")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_08_a_discoverable_dataset_tells_title_description_and_owner_and_nothing_else() {
    let bench = world().await;
    let lake = &bench.lake;
    let found = lake.discoverable(&guest(), &DatasetFilter::default()).await.unwrap();
    assert_eq!(
        serde_json::to_value(&found).unwrap(),
        json!([{ "name": "ops.flights", "title": "Flights of all", "description": "Who flew when",
                 "owner": "ops@example.com" }])
    );
    assert_eq!(lake.discovered(&guest(), &flights()).await.unwrap(), found.first().cloned());
    for (words, hits) in [("flights ALL", 1), ("ops@example", 1), ("flew", 1), ("sealed", 0), ("delay", 0), ("late", 0)]
    {
        let filter = DatasetFilter { q: Some(words.into()), unit: None };
        assert_eq!(lake.discoverable(&guest(), &filter).await.unwrap().len(), hits, "{words}");
    }
    // Every other way answers as for one that is absent.
    assert_eq!(told(lake, &guest(), "ops.flights").await, told(lake, &guest(), "ops.nothing").await);
    assert!(told(lake, &owner(), "ops.flights").await.contains("delay"), "control");
    // Who is not meant, who sees something of it, of whom no groups are known, and a token that is for others.
    let token = model::principal::TokenScope {
        actions: ["read".into()].into(),
        datasets: vec!["ref.*".into()],
        ..Default::default()
    };
    let narrowed = Principal { scope: Some(token), ..guest() };
    let unknown = Principal { groups: None, ..guest() };
    let partner = person("pia", "partners", Some("UA"));
    for who in [person("sam", "staffless", None), partner, narrowed, unknown] {
        assert!(lake.discoverable(&who, &DatasetFilter::default()).await.unwrap().is_empty(), "{who:?}");
        assert_eq!(lake.discovered(&who, &flights()).await.unwrap(), None, "{who:?}");
    }
    let without_claim = person("pia", "partners", None);
    assert!(lake.discovered(&without_claim, &flights()).await.unwrap().is_some(), "it sees nothing, and is meant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_08_what_is_not_discoverable_is_asked_for_as_what_is_absent() {
    let bench = world().await;
    let lake = &bench.lake;
    for text in
        ["title = \"x\"", "discoverable = false", "discoverable = [\"group:others\"]", "discoverable = true\nx = 1"]
    {
        contract(&bench, text);
        assert_eq!(lake.discovered(&guest(), &flights()).await.unwrap(), None, "{text}");
        let hidden = lake.ask_access(&guest(), &flights(), ask()).await.unwrap_err();
        let absent = lake.ask_access(&guest(), &"ops.nothing".parse().unwrap(), ask()).await.unwrap_err();
        assert_eq!(hidden.to_string().replace("flights", "nothing"), absent.to_string(), "{text}");
    }
    contract(&bench, "discoverable = true");
    assert!(lake.discovered(&guest(), &flights()).await.unwrap().is_some(), "control");
    // A contract of what never landed.
    std::fs::write(bench.folder().join("contracts/ops/nothing.toml"), "discoverable = true").unwrap();
    assert_eq!(lake.discovered(&guest(), &"ops.nothing".parse().unwrap()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_04_what_is_given_on_request_gives_its_own_cells_beside_those_of_the_policy() {
    let bench = world().await;
    let lake = &bench.lake;
    let partner = person("pia", "partners", Some("UA"));
    let everything = "select carrier, flight, delay from ops.flights order by flight";
    let before = answers(lake, &partner, everything).await.unwrap_err();
    assert!(before.to_string().contains("delay"), "{before}");
    let give = Giving {
        columns: Some(vec!["flight".into(), "delay".into()]),
        mask: [("delay".to_owned(), "bucket(10)".to_owned())].into(),
        ..rows("delay > 5")
    };
    given(lake, &partner, give).await;
    let seen = answers(lake, &partner, everything).await.unwrap();
    // The policy's rows have no delay, and the given ones no carrier but where the policy gives it too.
    let want = json!([["UA", 1, 10], ["UA", 2, null], ["UA", 3, null], [null, 4, 20], [null, 5, 0]]);
    assert_eq!(serde_json::to_value(seen).unwrap(), want);
}

#[tokio::test(flavor = "multi_thread")]
async fn w_08_what_is_given_is_for_the_identity_that_asked_whatever_others_are_called() {
    let bench = world().await;
    let lake = &bench.lake;
    let asker = Principal { email: Some("gus@example.com".into()), ..guest() };
    given(lake, &asker, whole()).await;
    let count = "select count(*) from ops.flights";
    assert_eq!(answers(lake, &asker, count).await.unwrap(), [[json!(6)]]);
    for other in [
        Principal { issuer: "elsewhere".into(), ..asker.clone() },
        Principal { subject: "gus2".into(), ..asker.clone() },
        Principal { subject: asker.key(), issuer: String::new(), ..asker.clone() },
        Principal { groups: None, ..asker.clone() },
    ] {
        assert!(answers(lake, &other, count).await.is_err(), "{other:?}");
    }
    let reading = model::principal::TokenScope { actions: ["upload".into()].into(), ..Default::default() };
    assert!(answers(lake, &Principal { scope: Some(reading), ..asker }, count).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_gives_what_it_sees_itself_and_nobody_answers_its_own_request() {
    let bench = world().await;
    let lake = &bench.lake;
    let id = lake.ask_access(&guest(), &flights(), ask()).await.unwrap().id;
    let limited = person("lars", "limited", None);
    let refused = answer(lake, &limited, &id, AccessVerdict::Grant, Some(rows("carrier = 'UA'"))).await.unwrap_err();
    assert_eq!(refused.code(), "forbidden", "{refused}");
    assert_eq!(lake.access_preview(&limited, &id, &whole()).await.unwrap_err().code(), "forbidden");
    // Neither a stranger nor the asker, and a made-up id reads the same.
    for verdict in [AccessVerdict::Grant, AccessVerdict::Refuse, AccessVerdict::End] {
        for who in [guest(), person("sam", "staffless", None)] {
            let e = answer(lake, &who, &id, verdict, Some(whole())).await.unwrap_err();
            assert_eq!(e.to_string(), format!("no such request: {id}"));
        }
    }
    assert!(lake.access_request(&person("sam", "staffless", None), &id).await.is_err());
    let own = lake.ask_access(&owner(), &flights(), ask()).await.unwrap().id;
    assert!(answer(lake, &owner(), &own, AccessVerdict::Grant, Some(whole())).await.is_err());
    // What is wrong with a grant is said, and nothing is given.
    let late = Giving { until: Utc::now() + TimeDelta::days(400), ..whole() };
    let past = Giving { until: Utc::now() - TimeDelta::days(1), ..whole() };
    let nothing = Giving { columns: Some(Vec::new()), ..whole() };
    let misspelt = Giving { except: vec!["dely".into()], ..whole() };
    let mask = Giving { mask: [("carrier".to_owned(), "year".to_owned())].into(), ..whole() };
    for (give, says) in [
        (late, "366 days"),
        (past, "in the future"),
        (nothing, "no column to see"),
        (misspelt, "`dely`"),
        (mask, "the mask of `carrier`"),
        (rows("carrier ="), "the condition on rows"),
        (rows("flight"), "not true or false"),
        (rows("carrier = claim('carrier')"), "`claim`"),
        (rows("carrier = user()"), "user()"),
        (rows("carrier in (select carrier from hr.pay)"), "sub-queries"),
        // What could fail for a row would fail the asker's other queries; what costs much would cost everybody.
        (rows("1 / (flight - 1) > 0"), "an answer for every row"),
        (rows("cast(carrier as int) = 1"), "an answer for every row"),
        (rows("levenshtein(repeat(carrier, 200), repeat(carrier, 300)) > 0"), "an answer for every row"),
    ] {
        let e = answer(lake, &owner(), &id, AccessVerdict::Grant, Some(give.clone())).await.unwrap_err();
        assert!(e.to_string().contains(says), "{e} wants {says}");
        assert!(lake.access_preview(&owner(), &id, &give).await.is_err());
    }
    let e = answer(lake, &owner(), &id, AccessVerdict::Grant, Some(rows("carrier = 'UA'\n and dely > 1"))).await;
    let Err(LakeError::InvalidSql { line, column, .. }) = &e else { panic!("{e:?}") };
    assert_eq!((*line, *column), (Some(2), Some(6)), "{e:?}");
    assert!(answers(lake, &guest(), "select 1 from ops.flights").await.is_err());
    // A steward, who sees nothing of it, is told what it would give, and gives it.
    let preview = lake.access_preview(&steward(), &id, &rows("carrier = 'UA'")).await.unwrap();
    assert_eq!((preview.rows.visible, preview.rows.total), (3, 6));
    assert!(answers(lake, &steward(), "select 1 from ops.flights").await.is_err());
    answer(lake, &steward(), &id, AccessVerdict::Grant, Some(rows("carrier = 'UA'"))).await.unwrap();
    assert_eq!(answers(lake, &guest(), "select count(*) from ops.flights").await.unwrap(), [[json!(3)]]);
}

/// Written into the lake by an older version, or by hand.
#[tokio::test(flavor = "multi_thread")]
async fn a_given_condition_that_may_fail_gives_nothing_and_takes_nothing_away() {
    let bench = world().await;
    let lake = &bench.lake;
    let partner = person("pia", "partners", Some("UA"));
    let before = answers(lake, &partner, "select count(*) from ops.flights").await.unwrap();
    given(lake, &partner, rows("flight > 5")).await;
    let more = answers(lake, &partner, "select count(*) from ops.flights").await.unwrap();
    assert_ne!(before, more);
    let grants = bench.folder().join("portal/grants/all");
    for file in std::fs::read_dir(&grants).unwrap().map(|f| f.unwrap().path()) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("flight > 5"), "{text}");
        std::fs::write(&file, text.replace("flight > 5", "1 / (flight - 1) > 0")).unwrap();
    }
    let other = Lake::open(LakeConfig::new(StoreConfig::Folder(bench.folder().to_owned()))).await.unwrap();
    assert_eq!(answers(&other, &partner, "select count(*) from ops.flights").await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_03_the_asker_reads_nothing_hidden_in_what_was_given() {
    let bench = world().await;
    let lake = &bench.lake;
    let give = Giving {
        except: vec!["delay".into()],
        mask: [("carrier".to_owned(), "constant('canary')".to_owned())].into(),
        ..rows("delay <> 77 and flight > 1")
    };
    let id = given(lake, &guest(), give.clone()).await.id;
    let asker = lake.access_request(&guest(), &id).await.unwrap();
    let listed = lake.access_requests(&guest()).await.unwrap().mine;
    for read in listed.iter().chain([&asker]) {
        let read = read.given.as_ref().unwrap();
        let text = format!("{read:?}");
        assert!(!["delay", "77", "constant"].iter().any(|hidden| text.contains(hidden)), "{text}");
        assert!(read.mask.contains_key("carrier") && read.rows.is_some(), "{text}");
    }
    assert_eq!(lake.access_request(&owner(), &id).await.unwrap().given.as_ref(), Some(&give));
    // What shows as it is may be named.
    answer(lake, &owner(), &id, AccessVerdict::End, None).await.unwrap();
    let id = given(lake, &guest(), rows("flight > 1")).await.id;
    let asker = lake.access_request(&guest(), &id).await.unwrap();
    assert_eq!(asker.given.unwrap().rows.as_deref(), Some("flight > 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_13_a_view_shows_what_was_given_to_whom_it_shows() {
    let bench = world().await;
    let lake = &bench.lake;
    given(lake, &guest(), whole()).await;
    let view_of = |issuer: &str| {
        let until = Utc::now() + TimeDelta::minutes(30);
        let viewing = Viewing { key: "k".into(), name: "stella".into(), email: None, issuer: issuer.into(), until };
        let origin = Origin { viewing: Some(viewing), ..Origin::default() };
        Principal { issuer: "view-as:1".into(), origin, ..guest() }
    };
    let count = "select count(*) from ops.flights";
    assert_eq!(answers(lake, &view_of(&guest().issuer), count).await.unwrap(), [[json!(6)]]);
    assert!(answers(lake, &view_of("elsewhere"), count).await.is_err());
    // Nor is it a person when whom it shows is none.
    bench.policy("[[grant]]\nto = [\"user:gus\"]\non = [\"ops.*\"]\n").await;
    assert!(answers(lake, &view_of("elsewhere"), count).await.is_ok());
    assert!(answers(lake, &view_of(model::principal::SERVICE), count).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_answer_at_once_one_is_told_that_the_other_was_first() {
    let bench = world().await;
    let lake = &bench.lake;
    let second = Lake::open(LakeConfig::new(StoreConfig::Folder(bench.folder().to_owned()))).await.unwrap();
    for _ in 0..5 {
        let id = lake.ask_access(&guest(), &flights(), ask()).await.unwrap().id;
        let (olga, stella) = (owner(), steward());
        let (granted, refused) = tokio::join!(
            answer(lake, &olga, &id, AccessVerdict::Grant, Some(whole())),
            answer(&second, &stella, &id, AccessVerdict::Refuse, None)
        );
        let lost = [&granted, &refused].into_iter().filter(|r| matches!(r, Err(LakeError::Conflict { .. }))).count();
        assert_eq!(lost, 1, "{granted:?} {refused:?}");
        let reads = answers(lake, &guest(), "select 1 from ops.flights").await.is_ok();
        assert_eq!(reads, granted.is_ok(), "{granted:?} {refused:?}");
        if granted.is_ok() {
            answer(lake, &olga, &id, AccessVerdict::End, None).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_10_what_was_given_ends_on_every_replica_and_takes_kept_results_with_it() {
    const FRESH: Duration = Duration::from_secs(1);
    let bench = world().await;
    let lake = &bench.lake;
    let mut config = LakeConfig::new(StoreConfig::Folder(bench.folder().to_owned()));
    config.freshness = FRESH;
    let replica = Lake::open(config).await.unwrap();
    let count = "select count(*) from ops.flights";
    assert!(answers(&replica, &guest(), count).await.is_err());
    let request = given(lake, &guest(), whole()).await;
    tokio::time::sleep(FRESH).await;
    let kept = replica.query(&guest(), QueryRequest::new(count)).await.unwrap();
    assert!(replica.result_page(&guest(), &kept.id, 0, 1).await.is_ok());
    let ended = answer(lake, &owner(), &request.id, AccessVerdict::End, None).await.unwrap();
    assert_eq!((ended.state, ended.answered.unwrap().reason.as_str()), (AccessState::Ended, "because"));
    assert!(answers(lake, &guest(), count).await.is_err(), "at once where it was ended");
    tokio::time::sleep(FRESH).await;
    assert!(answers(&replica, &guest(), count).await.is_err());
    assert!(replica.result_page(&guest(), &kept.id, 0, 1).await.is_err());
    let of_owner = replica.query(&owner(), QueryRequest::new(count)).await.unwrap();
    assert!(replica.result_page(&guest(), &of_owner.id, 0, 1).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_10_what_was_given_for_a_time_gives_nothing_after_it_and_is_dropped() {
    let bench = world().await;
    let lake = &bench.lake;
    let soon = Giving { until: Utc::now() + TimeDelta::seconds(3), ..whole() };
    let request = given(lake, &guest(), soon).await;
    let count = "select count(*) from ops.flights";
    assert!(answers(lake, &guest(), count).await.is_ok());
    let seen = lake.dataset(&guest(), &flights()).await.unwrap().dataset.access;
    assert_eq!((seen.until, seen.ends), (request.given.as_ref().map(|g| g.until), request.given.map(|g| g.until)));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(answers(lake, &guest(), count).await.is_err());
    assert_eq!(lake.access_request(&guest(), &request.id).await.unwrap().state, AccessState::Expired);
    given(lake, &person("gil", "guests", None), whole()).await;
    let all = lake.documents().get::<serde_json::Value>("grants", "all").await.unwrap().unwrap().value;
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
    assert_eq!(lake.access_requests(&guest()).await.unwrap().mine[0].state, AccessState::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_10_grants_on_request_that_cannot_be_read_give_nothing_and_the_policy_holds() {
    let bench = world().await;
    let lake = &bench.lake;
    let request = given(lake, &guest(), whole()).await;
    let count = "select count(*) from ops.flights";
    assert!(answers(lake, &guest(), count).await.is_ok());
    let documents = lake.documents();
    let found = documents.get::<serde_json::Value>("grants", "all").await.unwrap().unwrap();
    let mut unknown = found.value.clone();
    unknown[0]["unless"] = json!("it rains");
    documents.update("grants", "all", found.version, &unknown).await.unwrap();
    assert!(answers(lake, &guest(), count).await.is_err());
    assert_eq!(answers(lake, &owner(), count).await.unwrap(), [[json!(6)]]);
    assert_eq!(lake.access_request(&guest(), &request.id).await.unwrap().state, AccessState::Ended);
    documents.update("grants", "all", found.version + 1, &found.value).await.unwrap();
    assert!(answers(lake, &guest(), count).await.is_ok(), "control");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_one_request_for_a_dataset_and_a_bounded_number_in_all() {
    let bench = world().await;
    let lake = &bench.lake;
    for (wrong, says) in [
        (Ask { purpose: "  ".into(), ..ask() }, "`purpose` is missing"),
        (Ask { purpose: "x".repeat(501), ..ask() }, "500"),
        (Ask { days: 0, ..ask() }, "1 to 366"),
        (Ask { days: 367, ..ask() }, "1 to 366"),
    ] {
        let e = lake.ask_access(&guest(), &flights(), wrong).await.unwrap_err();
        assert!(e.to_string().contains(says), "{e}");
    }
    let first = lake.ask_access(&guest(), &flights(), ask()).await.unwrap();
    assert!(lake.ask_access(&guest(), &flights(), ask()).await.unwrap_err().to_string().contains("waits already"));
    assert_eq!(lake.access_waiting(&owner()).await.unwrap(), 1);
    assert_eq!(lake.access_waiting(&guest()).await.unwrap(), 0);
    answer(lake, &guest(), &first.id, AccessVerdict::Withdraw, None).await.unwrap();
    assert!(answer(lake, &owner(), &first.id, AccessVerdict::Grant, Some(whole())).await.is_err());
    let other = lake.ask_access(&guest(), &flights(), ask()).await.unwrap();
    let person = other.id.split('-').next().unwrap();
    let found = lake.documents().get::<serde_json::Value>("access", person).await.unwrap().unwrap();
    let mut full = found.value.clone();
    let requests = full["requests"].as_array_mut().unwrap();
    let one = requests.last().cloned().unwrap();
    for n in 0..20 {
        let mut more = one.clone();
        more["dataset"] = json!(format!("ops.other_{n}"));
        more["id"] = json!(format!("{person}-{}", n + 100));
        requests.push(more);
    }
    lake.documents().update("access", person, found.version, &full).await.unwrap();
    answer(lake, &guest(), &other.id, AccessVerdict::Withdraw, None).await.unwrap();
    let e = lake.ask_access(&guest(), &flights(), ask()).await.unwrap_err();
    assert_eq!(e.code(), "limit_exceeded", "{e}");
    assert!(lake.ask_access(&person_of("gil"), &flights(), ask()).await.is_ok(), "others are not touched by it");
}

fn person_of(name: &str) -> Principal {
    person(name, "guests", None)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_see_what_became_of_it_and_the_audit_has_the_purpose() {
    let bench = world().await;
    let lake = &bench.lake;
    let refused = lake.ask_access(&guest(), &flights(), ask()).await.unwrap();
    let unsaid = AccessAnswer { verdict: AccessVerdict::Refuse, reason: " ".into(), give: None };
    assert!(lake.answer_access(&owner(), &refused.id, unsaid).await.is_err());
    answer(lake, &owner(), &refused.id, AccessVerdict::Refuse, None).await.unwrap();
    given(lake, &guest(), rows("carrier = 'UA'")).await;
    let mine = lake.access_requests(&guest()).await.unwrap();
    let states: Vec<AccessState> = mine.mine.iter().map(|r| r.state).collect();
    assert_eq!((states, mine.to_answer.len()), (vec![AccessState::Granted, AccessState::Refused], 0));
    assert_eq!(mine.mine[1].answered.as_ref().unwrap().reason, "because");
    let theirs = lake.access_requests(&owner()).await.unwrap();
    assert_eq!((theirs.mine.len(), theirs.to_answer.len()), (0, 2));
    assert_eq!(theirs.to_answer[0].asker.groups, ["guests"]);
    let explained = lake.explain(&steward(), &guest(), Some(&flights())).await.unwrap();
    let grant = explained.datasets[0].grants.iter().find(|g| g.because.is_none()).unwrap();
    assert!(grant.note.starts_with("given by olga on ") && grant.note.ends_with("asked for: Month-end report"));
    // All grants on a dataset are told to stewards alone, those on request among them.
    let all = lake.grants_on(&steward(), &flights()).await.unwrap();
    assert!(all.iter().any(|g| g.line == 0 && g.to == ["gus alone"]), "{all:?}");
    for who in [owner(), guest()] {
        let denied = lake.grants_on(&who, &flights()).await;
        assert!(matches!(denied, Err(LakeError::Forbidden { .. })), "{denied:?}");
    }
    answers(lake, &guest(), "select count(*) from ops.flights").await.unwrap();
    answers(lake, &owner(), "select count(*) as n from ops.flights").await.unwrap();
    lake.flush_audit(Duration::from_secs(10)).await.unwrap();
    let sql =
        "select name, purpose from system.audit where action = 'query' and outcome = 'ok' and purpose is not null";
    assert_eq!(answers(lake, &steward(), sql).await.unwrap(), [[json!("gus"), json!("Month-end report")]]);
    let sql = "select action, count(*) from system.audit where action like '%-access' and outcome = 'ok' group by 1 order by 1";
    let done = answers(lake, &steward(), sql).await.unwrap();
    assert_eq!(
        serde_json::to_value(done).unwrap(),
        json!([["ask-access", 2], ["grant-access", 1], ["refuse-access", 1]])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_that_is_older_than_its_column_of_purposes_is_searched_and_goes_on() {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};

    let bench = world().await;
    let older = [
        "at",
        "event",
        "action",
        "outcome",
        "message",
        "reason",
        "who",
        "name",
        "email",
        "via",
        "datasets",
        "columns",
        "text",
        "policy",
        "rows",
        "bytes",
        "cached",
        "milliseconds",
        "request",
        "address",
    ];
    let column = |name: &&'static str| -> (&'static str, ArrayRef, bool) {
        let text = |v: Option<&str>| Arc::new(StringArray::from(vec![v])) as ArrayRef;
        let values: ArrayRef = match *name {
            "at" => Arc::new(TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC")),
            "rows" | "bytes" | "milliseconds" => Arc::new(Int64Array::from(vec![None])),
            "cached" => Arc::new(BooleanArray::from(vec![None])),
            "action" => text(Some("query")),
            "outcome" => text(Some("ok")),
            "event" | "name" => text(Some("old")),
            _ => text(None),
        };
        (*name, values, true)
    };
    let batch = RecordBatch::try_from_iter_with_nullable(older.iter().map(column)).unwrap();
    let store = lake::store::Store::open(&StoreConfig::Folder(bench.folder().to_owned())).unwrap();
    let tables = lake::table::Tables::new(store, Duration::ZERO);
    let commit = lake::table::Commit {
        sha256: "old".into(),
        ingest: "one".into(),
        file: "a".into(),
        by: "watcher".into(),
        ..lake::table::Commit::default()
    };
    tables.commit(&DatasetName::audit(), batch.schema(), vec![batch], commit).await.unwrap();
    let old = model::AuditFilter { person: Some("old".into()), ..model::AuditFilter::default() };
    let found = bench.lake.audit(&steward(), &old).await.unwrap().events;
    assert_eq!((found.len(), &found[0].purpose), (1, &None));
    given(&bench.lake, &guest(), whole()).await;
    answers(&bench.lake, &guest(), "select count(*) from ops.flights").await.unwrap();
    bench.lake.flush_audit(Duration::from_secs(10)).await.unwrap();
    assert_eq!(bench.lake.audit(&steward(), &old).await.unwrap().events.len(), 1);
    let mine = model::AuditFilter { action: Some(model::AuditAction::Query), ..model::AuditFilter::default() };
    let found = bench.lake.audit(&guest(), &mine).await.unwrap().events;
    assert_eq!(found.first().and_then(|e| e.purpose.as_deref()), Some("Month-end report"));
}
