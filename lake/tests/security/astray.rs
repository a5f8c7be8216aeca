//! Files of the landing area that belong to no dataset: each unit's are told to who owns something in it, and to nobody
//! else.

use crate::bench::{Bench, person};

const POLICY: &str = r#"stewards = ["group:stewards"]
[[grant]]
to = ["group:staff"]
on = ["*"]
may = ["read", "upload"]
[[grant]]
to = ["group:ops"]
on = ["ops.flights"]
may = ["read", "own"]
[[grant]]
to = ["group:hr"]
on = ["hr.*"]
may = ["own"]
[[grant]]
to = ["group:soon"]
on = ["new.thing*"]
may = ["own"]
[[grant]]
to = ["group:all"]
on = ["*"]
may = ["own"]
[[grant]]
to = ["group:gone"]
on = ["*"]
may = ["own"]
until = 2020-01-01
"#;

#[tokio::test]
async fn a_file_that_belongs_to_no_dataset_is_told_to_owners_of_its_unit_alone() {
    let bench = Bench::new().await;
    bench.policy(POLICY).await;
    for path in ["lost.csv", "ops/lost.csv", "ops/No Name/lost.csv", "hr/lost.csv", "new/lost.csv", "Ops/x/lost.csv"] {
        let path = bench.folder().join("landing").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "a\n1\n").unwrap();
    }
    let told = async |group: &str| {
        let found = bench.lake.astray(&person("somebody", group, None)).await.unwrap();
        found.into_iter().map(|file| file.path.replacen("landing/", "", 1)).collect::<Vec<_>>().join(" | ")
    };
    for (group, wanted) in [
        ("ops", "ops/No Name/lost.csv | ops/lost.csv"),
        ("hr", "hr/lost.csv"),
        ("soon", "new/lost.csv"),
        ("all", "hr/lost.csv | new/lost.csv | ops/No Name/lost.csv | ops/lost.csv"),
        ("staff", ""),
        ("gone", ""),
        ("strangers", ""),
    ] {
        assert_eq!(told(group).await, wanted, "{group}");
    }
    assert_eq!(told("stewards").await.matches("lost.csv").count(), 6);
    let mut nobody = person("somebody", "ops", None);
    nobody.groups = None;
    assert!(bench.lake.astray(&nobody).await.unwrap().is_empty());
}
