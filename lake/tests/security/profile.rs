//! The profile that is computed while data is written: it knows all rows, and says so only to who sees all of them.

use crate::bench::{Bench, person};
use model::{ColumnProfile, DatasetProfile};
use serde_json::json;

async fn profile(bench: &Bench, group: &str, carrier: Option<&str>) -> DatasetProfile {
    bench.lake.profile(&person("ann", group, carrier), &"ops.flights".parse().unwrap()).await.unwrap()
}

fn column<'a>(profile: &'a DatasetProfile, name: &str) -> &'a ColumnProfile {
    profile.columns.iter().find(|c| c.name == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_09_the_profile_says_nothing_of_hidden_rows_and_masked_values() {
    let bench = Bench::new().await;
    bench
        .policy(
            "[[grant]]\nto = [\"group:staff\"]\non = [\"*\"]\n\
             [[grant]]\nto = [\"group:partners\"]\non = [\"ops.flights\"]\nrows = \"carrier = claim('carrier')\"\n\
             [[grant]]\nto = [\"group:masked\"]\non = [\"ops.flights\"]\nmask = { carrier = \"hash\", delay = \"null\" }\n\
             [[grant]]\nto = [\"group:narrow\"]\non = [\"ops.flights\"]\ncolumns = [\"flight\"]\n",
        )
        .await;
    // The whole profile is in memory before anyone else asks.
    let whole = profile(&bench, "staff", None).await;
    assert_eq!(column(&whole, "carrier").top.len(), 3, "control: the hidden values are there to be leaked");

    let partner = profile(&bench, "partners", Some("UA")).await;
    assert_eq!(partner.rows, 3);
    let text = serde_json::to_string(&partner).unwrap();
    assert!(!text.contains("DL") && !text.contains("AA"), "{text}");
    for column in &partner.columns {
        assert_eq!(column.rows, 3);
        assert!(column.top.is_empty() && column.histogram.is_empty() && column.mean.is_none(), "{column:?}");
    }
    assert_eq!((&column(&partner, "delay").max, &column(&partner, "flight").max), (&json!(10), &json!(3)));

    let claimless = bench.lake.profile(&person("bob", "partners", None), &"ops.flights".parse().unwrap()).await;
    assert!(claimless.is_err(), "a missing claim denies");

    let masked = profile(&bench, "masked", None).await;
    let text = serde_json::to_string(&masked).unwrap();
    assert!(!text.contains("\"UA\"") && !text.contains("\"DL\"") && !text.contains("\"AA\""), "{text}");
    let delay = column(&masked, "delay");
    assert_eq!((delay.nulls, &delay.min, &delay.max), (6, &json!(null), &json!(null)));
    assert!(delay.histogram.is_empty() && delay.top.is_empty() && delay.mean.is_none(), "{delay:?}");
    let carrier = column(&masked, "carrier");
    assert!(carrier.top.is_empty() && carrier.lengths.is_none(), "{carrier:?}");
    assert!(!column(&masked, "flight").histogram.is_empty(), "all rows of a column without a mask are shown whole");
    let order: Vec<_> = masked.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(order, ["carrier", "flight", "delay"], "written and asked figures stand in table order");

    let narrow = profile(&bench, "narrow", None).await;
    assert_eq!(narrow.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["flight"]);

    let stranger = person("eve", "strangers", None);
    let hidden = bench.lake.profile(&stranger, &"ops.flights".parse().unwrap()).await.unwrap_err();
    let absent = bench.lake.profile(&stranger, &"ops.nothing".parse().unwrap()).await.unwrap_err();
    assert_eq!(hidden.to_string().replace("flights", "nothing"), absent.to_string());
}
