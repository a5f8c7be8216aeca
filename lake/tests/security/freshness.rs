//! The policy's life: absent, unreadable, changed, out of reach, expired; and what tokens leave of it.

use std::{collections::BTreeSet, time::Duration};

use chrono::{TimeDelta, Utc};
use lake::{
    policy::Policies,
    store::{Store, path},
};
use model::{Action, Principal, principal::TokenScope};

use super::world::*;

async fn open(store: &Store) -> Result<Policies, lake::LakeError> {
    Policies::open(store.clone(), Duration::ZERO, vec![7; 32]).await
}

async fn reads(policies: &Policies, who: &Principal, dataset: &str) -> bool {
    let may = policies.may(who, &name(dataset), Action::Read, Utc::now()).await.unwrap();
    let access = policies.access(who, &name(dataset), &schema(), Utc::now()).await.unwrap();
    assert_eq!(may, access.is_some());
    may
}

#[test]
fn w_27_without_a_policy_everything_is_denied_and_an_unreadable_one_does_not_open() {
    deep(|| async {
        let empty = Store::open(&lake::StoreConfig::Memory).unwrap();
        let policies = open(&empty).await.unwrap();
        assert!(!reads(&policies, &analyst(), "ops.t").await);
        assert!(!policies.is_steward(&analyst()).await.unwrap());
        for bad in ["[[grant]", "stewards = 1", "[[grant]]\nto = [\"staff\"]\non = [\"*\"]", "grants = []"] {
            let e = open(&store(bad).await).await.unwrap_err();
            assert_eq!(e.code(), "configuration", "{bad}");
            assert!(e.to_string().starts_with("policy.toml:"), "{e}");
        }
        let latin = store("").await;
        latin.write(&path::policy(), vec![0xff, 0xfe]).await.unwrap();
        assert!(open(&latin).await.unwrap_err().to_string().contains("UTF-8"));
    });
}

#[test]
fn a_10_a_change_takes_effect_at_the_next_check_and_a_broken_one_denies() {
    deep(|| async {
        let store = store("[[grant]]\nto = [\"group:staff\"]\non = [\"*\"]").await;
        let policies = open(&store).await.unwrap();
        assert!(reads(&policies, &analyst(), "ops.t").await);
        store.write(&path::policy(), b"[[grant]]\nto = [\"group:other\"]\non = [\"*\"]".to_vec()).await.unwrap();
        assert!(!reads(&policies, &analyst(), "ops.t").await);
        store.write(&path::policy(), b"[[grant]]\nto = [\"group:staff\"]\non = [\"ops.*\"]".to_vec()).await.unwrap();
        assert!(reads(&policies, &analyst(), "ops.t").await);
        assert!(!reads(&policies, &analyst(), "ref.o").await);
        store.write(&path::policy(), b"[[grant]]\nto = [\"secret-group-name\"]".to_vec()).await.unwrap();
        let e = policies.may(&analyst(), &name("ops.t"), Action::Read, Utc::now()).await.unwrap_err();
        assert_eq!(e.code(), "policy_unreadable");
        assert!(!e.to_string().contains("secret-group-name"), "{e}");
        store.remove(&path::policy()).await.unwrap();
        assert!(!reads(&policies, &analyst(), "ops.t").await);
    });
}

#[test]
fn e_07_a_store_that_fails_denies_once_the_policy_is_no_longer_fresh() {
    deep(|| async {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("lake");
        let store = Store::open(&lake::StoreConfig::Folder(root.clone())).unwrap();
        store.write(&path::policy(), b"[[grant]]\nto = [\"*\"]\non = [\"*\"]".to_vec()).await.unwrap();
        let fresh = Policies::open(store.clone(), Duration::from_secs(600), vec![7; 32]).await.unwrap();
        let stale = open(&store).await.unwrap();
        std::fs::remove_file(root.join("policy.toml")).unwrap();
        std::fs::create_dir(root.join("policy.toml")).unwrap();
        assert!(reads(&fresh, &analyst(), "ops.t").await);
        let denied = stale.may(&analyst(), &name("ops.t"), Action::Read, Utc::now()).await;
        assert!(!matches!(denied, Ok(true)), "{denied:?}");
        // Nothing can be asked of the store at all.
        std::fs::remove_dir(root.join("policy.toml")).unwrap();
        store.write(&path::policy(), b"[[grant]]\nto = [\"*\"]\non = [\"*\"]".to_vec()).await.unwrap();
        let stale = open(&store).await.unwrap();
        assert!(reads(&stale, &analyst(), "ops.t").await, "control");
        std::fs::rename(&root, folder.path().join("away")).unwrap();
        std::fs::write(&root, "no folder").unwrap();
        let denied = stale.may(&analyst(), &name("ops.t"), Action::Read, Utc::now()).await;
        assert!(denied.is_err(), "{denied:?}");
        assert!(reads(&fresh, &analyst(), "ops.t").await);
    });
}

#[test]
fn grants_hold_from_and_until_and_for_whom_they_name() {
    deep(|| async {
        let policies = policies(
            r#"
stewards = ["group:stewards", "user:root"]
[[grant]]
to = ["group:staff"]
on = ["ops.*"]
from = 2030-01-01
until = 2031-01-01
[[grant]]
to = ["user:kim", "user:Lee@Example.com"]
on = ["ref.o"]
may = ["read", "upload", "own"]
"#,
        )
        .await;
        let at = |s: &str| s.parse::<chrono::DateTime<Utc>>().unwrap();
        let may =
            async |who: &Principal, on: &str, action, now| policies.may(who, &name(on), action, now).await.unwrap();
        let staff = analyst();
        assert!(!may(&staff, "ops.t", Action::Read, at("2029-12-31T23:59:59Z")).await);
        assert!(may(&staff, "ops.t", Action::Read, at("2030-01-01T00:00:00Z")).await);
        assert!(may(&staff, "ops.t", Action::Read, at("2031-01-01T00:00:00Z") - TimeDelta::nanoseconds(1)).await);
        assert!(!may(&staff, "ops.t", Action::Read, at("2031-01-01T00:00:00Z")).await);
        let within = at("2030-06-01T00:00:00Z");
        assert!(!may(&staff, "ops.t", Action::Upload, within).await);
        assert!(!may(&staff, "ref.o", Action::Read, within).await);
        let access = policies.access(&staff, &name("ops.t"), &schema(), within).await.unwrap().unwrap();
        assert_eq!(access.note.until, Some(at("2031-01-01T00:00:00Z")));
        let kim = person("kim", &[], &[]);
        let lee = Principal { email: Some("lee@example.com".into()), ..person("4711", &[], &[]) };
        for who in [&kim, &lee] {
            for action in [Action::Read, Action::Upload, Action::Own] {
                assert!(may(who, "ref.o", action, within).await);
                assert!(!may(who, "ref.s", action, within).await);
            }
        }
        assert!(policies.is_steward(&person("root", &[], &[])).await.unwrap());
        assert!(policies.is_steward(&person("x", &["stewards"], &[])).await.unwrap());
        assert!(!policies.is_steward(&staff).await.unwrap());
    });
}

#[test]
fn a_missing_groups_claim_denies_everything_and_an_empty_one_does_not() {
    deep(|| async {
        let policies = policies("stewards = [\"user:kim\"]\n[[grant]]\nto = [\"*\", \"user:kim\"]\non = [\"*\"]").await;
        let kim = person("kim", &[], &[]);
        assert!(reads(&policies, &kim, "ops.t").await);
        assert!(policies.is_steward(&kim).await.unwrap());
        let kim = Principal { groups: None, ..kim };
        assert!(!reads(&policies, &kim, "ops.t").await);
        assert!(!policies.is_steward(&kim).await.unwrap());
    });
}

#[test]
fn tokens_only_narrow() {
    deep(|| async {
        let all = "stewards = [\"group:staff\"]\n[[grant]]\nto = [\"group:staff\"]\non = [\"ops.*\"]\nmay = [\"read\", \"upload\", \"own\"]";
        let policies = policies(all).await;
        let token = |actions: &[&str], datasets: &[&str]| Principal {
            scope: Some(TokenScope {
                actions: actions.iter().map(|s| (*s).to_owned()).collect::<BTreeSet<_>>(),
                datasets: datasets.iter().map(|s| (*s).to_owned()).collect(),
                ..Default::default()
            }),
            ..analyst()
        };
        for (who, dataset, action, wanted) in [
            (token(&["read"], &[]), "ops.t", Action::Read, true),
            (token(&["read"], &[]), "ops.t", Action::Upload, false),
            (token(&["read", "upload"], &[]), "ops.t", Action::Upload, true),
            (token(&["read"], &[]), "ops.t", Action::Own, false),
            (token(&["read"], &["ref.*"]), "ops.t", Action::Read, false),
            (token(&["read"], &["ref.*", "ops.t"]), "ops.t", Action::Read, true),
            (token(&["read"], &["*"]), "ref.o", Action::Read, false),
            (token(&["read"], &["rubbish"]), "ops.t", Action::Read, false),
            (token(&[], &[]), "ops.t", Action::Read, false),
        ] {
            let may = policies.may(&who, &name(dataset), action, Utc::now()).await.unwrap();
            assert_eq!(may, wanted, "{:?} {dataset} {action:?}", who.scope);
        }
        assert!(!policies.is_steward(&token(&["read"], &[])).await.unwrap());
        assert!(policies.is_steward(&analyst()).await.unwrap());
    });
}
