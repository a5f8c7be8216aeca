//! A store that loses answers, hangs or is away: what is in doubt is read back, nothing is deleted for a doubt, whoever
//! waits is told soon, and all goes on once the store is there again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{TryStreamExt, future::join_all};
use lake::{
    Lake, LakeConfig, LakeError, StoreConfig,
    store::{Store, path},
    table::{Committed, Tables, WriteMode},
};
use model::{DatasetName, QueryRequest};
use object_store::path::Path;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::{
    batch, commit,
    s3_server::{Moment, S3Server},
};

/// How long whoever waits for a small thing may wait, with what a busy machine adds.
const SOON: Duration = Duration::from_secs(7);

#[tokio::test(flavor = "multi_thread")]
async fn e_02_e_03_a_commit_whose_answer_is_lost_counts_once_and_loses_nothing() {
    let name: DatasetName = "ops.things".parse().unwrap();
    let mut told = Vec::new();
    // One lost answer is asked for again by the store's client; with many, the commit itself is in doubt.
    for lost in [1, 8] {
        for from in 0..4 {
            let seen = Arc::new(AtomicUsize::new(0));
            let writes = Arc::clone(&seen);
            let watch = move |moment| {
                moment == Moment::After && (from..from + lost).contains(&writes.fetch_add(1, Ordering::SeqCst))
            };
            let server = S3Server::start(Some(Arc::new(watch))).await;
            let store = Store::open(&server.config("lake")).unwrap();
            let mut landed = None;
            let mut attempts = 0;
            while landed.is_none() {
                attempts += 1;
                assert!(attempts < 20, "{lost} lost answers from {from} on");
                let tables = Tables::new(store.clone(), Duration::ZERO);
                let rows = batch(0);
                let before = files(&store).await;
                landed = tables.commit(&name, rows.schema(), vec![rows], commit("a", WriteMode::Append)).await.ok();
                let after = files(&store).await;
                assert!(before.iter().all(|file| after.contains(file)), "a file of a doubtful commit was deleted");
            }
            let tables = Tables::new(store.clone(), Duration::ZERO);
            let snapshot = tables.snapshot(&name).await.unwrap().unwrap();
            assert_eq!((snapshot.rows, snapshot.version), (10, 0), "{lost} lost answers from {from} on");
            // What is still to be lost is lost here.
            let again = loop {
                let rows = batch(0);
                match tables.commit(&name, rows.schema(), vec![rows], commit("a", WriteMode::Append)).await {
                    Ok(again) => break again,
                    Err(e) => assert!(seen.load(Ordering::SeqCst) <= from + lost, "nothing is lost any more: {e}"),
                }
            };
            assert!(matches!(again, Committed::AlreadyThere(0)), "{again:?}");
            told.push((lost, from, attempts, matches!(landed, Some(Committed::AlreadyThere(_)))));
        }
    }
    assert!(told.iter().any(|t| t.3), "control: some commit was found by reading back: {told:?}");
    assert!(told.iter().any(|t| t.2 > 1), "control: some commit was in doubt: {told:?}");
}

async fn files(store: &Store) -> Vec<Path> {
    let all = store.objects().list(Some(&Path::from("tables"))).map_ok(|m| m.location);
    all.try_collect().await.unwrap()
}

/// How the line to the store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Up,
    /// Connections are closed at once.
    Down,
    /// Connections are taken, and nothing comes back.
    Hangs,
}

/// A port that leads to another as long as the line is up.
async fn line(to: std::net::SocketAddr, state: watch::Receiver<Line>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut state = state.clone();
            tokio::spawn(async move {
                let now = *state.borrow_and_update();
                let work = async {
                    match now {
                        Line::Up => {
                            let mut far = TcpStream::connect(to).await.unwrap();
                            let _broken_off = copy_bidirectional(&mut near, &mut far).await;
                        }
                        Line::Down => {}
                        Line::Hangs => std::future::pending().await,
                    }
                };
                tokio::select! { () = work => {}, _ = state.changed() => {} }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn e_04_e_07_who_waits_for_a_store_that_is_away_is_told_soon_and_served_when_it_is_back() {
    let server = S3Server::start(None).await;
    let (set, state) = watch::channel(Line::Up);
    let StoreConfig::Url { url, mut options } = server.config("lake") else { panic!() };
    let to = options[0].1.trim_start_matches("http://").parse().unwrap();
    options[0].1 = format!("http://{}", line(to, state).await);
    let mut config = LakeConfig::new(StoreConfig::Url { url, options });
    config.freshness = Duration::from_millis(100);
    let store = Store::open(&config.store).unwrap();
    store.write(&path::policy(), "[[grant]]\nto = [\"*\"]\non = [\"*\"]\n").await.unwrap();
    let rows = batch(0);
    let tables = Tables::new(store, Duration::ZERO);
    let name = "ops.things".parse().unwrap();
    tables.commit(&name, rows.schema(), vec![rows], commit("a", WriteMode::Append)).await.unwrap();
    let lake = Lake::open(config).await.unwrap();
    let who = super::steward();
    let asked = AtomicUsize::new(0);
    let ask = async || {
        let n = asked.fetch_add(1, Ordering::SeqCst);
        let begun = Instant::now();
        let answer = lake.query(&who, QueryRequest::new(format!("select count(*) as n{n} from ops.things"))).await;
        (answer, begun.elapsed())
    };
    assert!(ask().await.0.is_ok(), "control");
    for away in [Line::Down, Line::Hangs] {
        set.send(away).unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        // Many at once wait no longer than one.
        for (answer, took) in join_all((0..6).map(|_| ask())).await {
            let e = answer.expect_err("answered without the store");
            assert_eq!(e.code(), "store_unavailable", "{away:?}: {e:?}");
            assert!(took < SOON, "{away:?}: told after {took:?}");
        }
        let begun = Instant::now();
        let document = lake.documents().get::<String>("session", "x").await;
        assert!(matches!(document, Err(LakeError::Store { .. })), "{away:?}: {document:?}");
        assert!(begun.elapsed() < SOON, "{away:?}: told after {:?}", begun.elapsed());
        set.send(Line::Up).unwrap();
        let begun = Instant::now();
        while ask().await.0.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{away:?}: not served again");
        }
    }
}
