//! A lake with files to take, and what must have become of them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use lake::{Lake, LakeConfig, StoreConfig, store::Store};
use model::{IngestFilter, IngestState, Principal, QueryRequest, QueryState};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::sync::OnceCell;

const POLICY: &str = "stewards = ['group:stewards']\n[[grant]]\nto = ['group:stewards']\non = ['*']\n";
/// One alone, whose files are taken one after the other: so the n-th write is the same one in each trial.
const DATASETS: [&str; 1] = ["ops.visits"];

/// One lake.
pub struct Trial {
    store: StoreConfig,
    files: Vec<File>,
    /// Opened when it is first looked at, and kept: a reader that was there all along.
    reader: OnceCell<Lake>,
}

/// A file, and its end.
struct File {
    dataset: &'static str,
    name: String,
    text: String,
    state: IngestState,
    rows: i64,
    /// Sum of the column `n` over the rows that land.
    sum: i64,
    quarantined: Vec<String>,
}

impl Trial {
    /// A lake in a store; the seed makes its files.
    pub async fn over(store: StoreConfig, seed: u64) -> Self {
        let files = files(seed);
        let objects = Store::open(&store).unwrap();
        objects.write(&"policy.toml".into(), POLICY).await.unwrap();
        for file in &files {
            objects.write(&file.path().into(), file.text.clone()).await.unwrap();
        }
        Self { store, files, reader: OnceCell::new() }
    }

    /// `penstock ingest` over this lake.
    pub fn spawn(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        let StoreConfig::Url { url, options } = &self.store else { panic!("no command line for {:?}", self.store) };
        let options: Vec<String> = options.iter().map(|(key, value)| format!("{key}={value}")).collect();
        command.arg("--lake").arg(url.as_str()).env("PENSTOCK_LAKE_OPTIONS", options.join(","));
        command.env("PENSTOCK_FRESHNESS_MS", "0");
        // Away from a settings file of whoever runs this.
        command.current_dir(std::env::temp_dir()).arg("ingest");
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    async fn reader(&self) -> &Lake {
        let open = async || {
            let mut config = LakeConfig::new(self.store.clone());
            config.freshness = Duration::ZERO;
            Lake::open(config).await.unwrap()
        };
        self.reader.get_or_init(open).await
    }

    /// Whatever of a dataset shows is whole files, in their order from the first.
    pub async fn check_so_far(&self) {
        for dataset in DATASETS {
            let found = landed(self.reader().await, dataset).await;
            let expected = self.landing(dataset).take(found.len());
            assert_eq!(found, expected.collect(), "{dataset} shows something else than its first whole files");
        }
    }

    /// Every file's rows are there once, and each file has one report that says so.
    pub async fn check_end(&self) {
        let lake = self.reader().await;
        for dataset in DATASETS {
            assert_eq!(landed(lake, dataset).await, self.landing(dataset).collect(), "{dataset}");
        }
        let reports = lake.ingests(&steward(), IngestFilter::default()).await.unwrap();
        let mut names: Vec<&str> = reports.iter().map(|r| r.path.as_str()).collect();
        names.sort_unstable();
        let mut expected: Vec<String> = self.files.iter().map(File::path).collect();
        expected.sort();
        assert_eq!(names, expected, "one report for each file");
        for file in &self.files {
            let report = reports.iter().find(|r| r.path == file.path()).unwrap();
            let shown = format!("{report:#?}");
            assert_eq!(report.state, file.state, "{shown}");
            assert!(report.finished_at.is_some(), "{shown}");
            assert_eq!(report.version.is_some(), file.state != IngestState::Refused, "{shown}");
            if file.state != IngestState::Duplicate {
                assert_eq!(report.rows.landed.cast_signed(), file.rows, "{shown}");
                assert_eq!(report.rows.quarantined, file.quarantined.len() as u64, "{shown}");
                let rows = lake.quarantine(&steward(), &report.id).await.unwrap();
                assert_eq!(rows.into_iter().map(|r| r.raw).collect::<Vec<_>>(), file.quarantined, "{shown}");
            }
        }
        for dataset in DATASETS {
            let of = |r: &&model::IngestReport| r.dataset.to_string() == dataset && r.state == IngestState::Landed;
            let mut versions: Vec<_> = reports.iter().filter(of).map(|r| r.version).collect();
            versions.sort_unstable();
            versions.dedup();
            let files = self.landing(dataset).count();
            assert_eq!(versions.len(), files, "each file that landed is one version of {dataset}: {versions:?}");
        }
    }

    /// The files of a dataset that land, in order: name, rows, sum.
    fn landing(&self, dataset: &str) -> impl Iterator<Item = (String, (i64, i64))> {
        let lands = move |f: &&File| f.dataset == dataset && f.state == IngestState::Landed;
        self.files.iter().filter(lands).map(|f| (f.name.clone(), (f.rows, f.sum)))
    }
}

impl File {
    fn path(&self) -> String {
        format!("landing/{}/{}.csv", self.dataset.replace('.', "/"), self.name)
    }
}

/// For each dataset some files that land whole, one that leaves a row behind, one that is refused, one that comes twice.
fn files(seed: u64) -> Vec<File> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut files = Vec::new();
    for dataset in DATASETS {
        let count = 3;
        for at in 0..count {
            let name = format!("f{at}");
            let mut file = File {
                dataset,
                name: name.clone(),
                text: "file,n,note\n".into(),
                state: IngestState::Landed,
                rows: 0,
                sum: 0,
                quarantined: Vec::new(),
            };
            for _ in 0..rng.random_range(12..40) {
                let n: i64 = rng.random_range(0..1_000_000);
                writeln!(file.text, "{name},{n},\"dataset {dataset}, file {at}\"").unwrap();
                file.rows += 1;
                file.sum += n;
            }
            // The last file of a dataset leaves one row behind, the second one most.
            let bad = if at == 1 { file.rows } else { i64::from(at + 1 == count) };
            for row in 0..bad {
                let raw = format!("{name},{row}");
                writeln!(file.text, "{raw}").unwrap();
                file.quarantined.push(raw);
            }
            if at == 1 {
                (file.state, file.rows, file.sum) = (IngestState::Refused, 0, 0);
            }
            files.push(file);
        }
        let text = files.iter().find(|f| f.dataset == dataset).unwrap().text.clone();
        let name = "twice".to_owned();
        files.push(File { dataset, name, text, state: IngestState::Duplicate, rows: 0, sum: 0, quarantined: vec![] });
    }
    files
}

/// What a dataset shows, by file: rows and sum.
async fn landed(lake: &Lake, dataset: &str) -> BTreeMap<String, (i64, i64)> {
    let sql = format!("select file, count(*) as rows, sum(n) as total from {dataset} group by file order by file");
    let mut request = QueryRequest::new(sql);
    request.wait_ms = 60_000;
    let status = match lake.query(&steward(), request).await {
        Ok(status) => status,
        // Nothing has landed yet.
        Err(e) if e.to_string().contains(dataset) && e.to_string().starts_with("no such dataset") => {
            return BTreeMap::new();
        }
        Err(e) => panic!("{dataset} cannot be read: {e:?}"),
    };
    assert_eq!(status.state, QueryState::Done);
    let page = lake.result_page(&steward(), &status.id, 0, 100).await.unwrap();
    let number = |v: &serde_json::Value| v.as_i64().or_else(|| v.as_str()?.parse().ok()).unwrap();
    let rows = page.rows.iter();
    rows.map(|r| (r[0].as_str().unwrap().to_owned(), (number(&r[1]), number(&r[2])))).collect()
}

fn steward() -> Principal {
    Principal {
        issuer: "trial".into(),
        subject: "steward".into(),
        name: "steward".into(),
        email: None,
        groups: Some(["stewards".to_owned()].into()),
        claims: Default::default(),
        scope: None,
    }
}
