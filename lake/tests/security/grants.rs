//! Whom a grant is for and what it is on: claims, begins of names, tags of contracts.

use chrono::Utc;
use lake::store::path;
use model::{Action, Principal, principal::TokenScope};

use super::world::*;

const ALL: [Action; 3] = [Action::Read, Action::Upload, Action::Own];

async fn open(store: &lake::store::Store) -> lake::policy::Policies {
    lake::policy::Policies::open(store.clone(), std::time::Duration::ZERO, vec![7; 32]).await.unwrap()
}

async fn reads(policies: &lake::policy::Policies, who: &Principal, dataset: &str) -> bool {
    let mut may = Vec::new();
    for action in ALL {
        may.push(policies.may(who, &name(dataset), action, Utc::now()).await.unwrap());
    }
    let access = policies.access(who, &name(dataset), &schema(), Utc::now()).await.unwrap();
    assert_eq!(may, [access.is_some(); 3], "every way of asking gives the same");
    assert!(access.is_none_or(|a| a.note.may_own && a.note.may_upload));
    may == [true; 3]
}

fn grant(to: &str, on: &str) -> String {
    format!("[[grant]]\nto = [{to:?}]\non = [{on:?}]\nmay = [\"read\", \"upload\", \"own\"]\n")
}

#[test]
fn a_claim_with_exactly_that_value_receives_a_grant() {
    deep(|| async {
        let policies = policies(&grant("claim:carrier=UA", "ops.*")).await;
        for (claims, wanted) in [
            (&[("carrier", &["UA"] as &[&str])] as &[(&str, &[&str])], true),
            (&[("carrier", &["DL", "UA"])], true),
            (&[("carrier", &["ua"])], false),
            (&[("carrier", &["UA "])], false),
            (&[("carrier", &[])], false),
            (&[("Carrier", &["UA"])], false),
            (&[("alliance", &["UA"])], false),
            (&[], false),
        ] {
            assert_eq!(reads(&policies, &person("x", &["UA"], claims), "ops.t").await, wanted, "{claims:?}");
        }
        let without_groups = Principal { groups: None, ..person("x", &[], &[("carrier", &["UA"])]) };
        assert!(!reads(&policies, &without_groups, "ops.t").await, "a missing groups claim denies all the same");
    });
}

#[test]
fn a_star_at_the_end_of_a_name_covers_what_begins_so() {
    deep(|| async {
        let policies = policies(&grant("*", "ops.t*")).await;
        for (dataset, wanted) in [("ops.t", true), ("ops.trips", true), ("ops.o", false), ("ref.t", false)] {
            assert_eq!(reads(&policies, &stranger(), dataset).await, wanted, "{dataset}");
        }
    });
}

#[test]
fn a_tag_covers_a_dataset_as_long_as_its_contract_says_so() {
    deep(|| async {
        let store = store(&grant("*", "tag:open")).await;
        let policies = open(&store).await;
        let contract = async |text: &[u8]| {
            store.write(&path::contract(&name("ops.t")), text.to_vec()).await.unwrap();
        };
        assert!(!reads(&policies, &stranger(), "ops.t").await, "no contract");
        contract(b"tags = [\"open\"]").await;
        assert!(reads(&policies, &stranger(), "ops.t").await);
        assert!(!reads(&policies, &stranger(), "ops.other").await);
        contract(b"tags = [\"opened\", \"OPEN\"]").await;
        assert!(!reads(&policies, &stranger(), "ops.t").await, "another tag");
        contract(b"[column.id]\ntags = [\"open\"]").await;
        assert!(!reads(&policies, &stranger(), "ops.t").await, "a column's tag is not the dataset's");
        contract(b"tags = [\"open\"]").await;
        assert!(reads(&policies, &stranger(), "ops.t").await);
        contract(b"tags = [\"open\"]\nnonsense = 1").await;
        assert!(!reads(&policies, &stranger(), "ops.t").await, "a contract that cannot be read has no tags");
        store.remove(&path::contract(&name("ops.t"))).await.unwrap();
        assert!(!reads(&policies, &stranger(), "ops.t").await, "a contract that is gone has no tags");
    });
}

#[test]
fn a_contract_that_the_store_does_not_give_has_no_tags() {
    deep(|| async {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("lake");
        let store = lake::store::Store::open(&lake::StoreConfig::Folder(root.clone())).unwrap();
        store.write(&path::policy(), (grant("*", "tag:open") + &grant("*", "ref.o")).into_bytes()).await.unwrap();
        store.write(&path::contract(&name("ops.t")), b"tags = [\"open\"]".to_vec()).await.unwrap();
        let policies = open(&store).await;
        assert!(reads(&policies, &stranger(), "ops.t").await);
        let place = root.join("contracts/ops/t.toml");
        std::fs::remove_file(&place).unwrap();
        std::fs::create_dir(&place).unwrap();
        assert!(!reads(&policies, &stranger(), "ops.t").await);
        assert!(reads(&policies, &stranger(), "ref.o").await, "grants on names go on");
    });
}

#[test]
fn a_token_is_not_widened_by_a_tag() {
    deep(|| async {
        let store = store(&grant("*", "tag:open")).await;
        store.write(&path::contract(&name("ops.t")), b"tags = [\"open\"]".to_vec()).await.unwrap();
        let policies = open(&store).await;
        let token = |datasets: &[&str]| Principal {
            scope: Some(TokenScope {
                actions: ["read", "upload", "own"].map(str::to_owned).into(),
                datasets: datasets.iter().map(|s| (*s).to_owned()).collect(),
                ..Default::default()
            }),
            ..stranger()
        };
        for (datasets, wanted) in [
            (&[] as &[&str], true),
            (&["ops.t*"], true),
            (&["ops.t"], true),
            (&["ops.x*"], false),
            (&["tag:open"], false),
            (&["*.t"], false),
        ] {
            assert_eq!(reads(&policies, &token(datasets), "ops.t").await, wanted, "{datasets:?}");
        }
    });
}
