//! Mutations of small files, by the hundred thousand, against what must hold for each file whatever it is.
//!
//! `TEST_FUZZ_RUNS` says how many for each target, `TEST_FUZZ_FROM` where to begin: a case follows from its number
//! alone. An input that breaks a rule is kept in `target/tmp/fuzz/`; mended, it belongs into `fuzz/corpus/`. The same
//! targets run under libFuzzer: `scripts/fuzz`.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/rules.rs"]
mod rules;

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::Instant,
};

use mutate::Mutator;
use rand::{SeedableRng, rngs::StdRng};
use rules::Target;

/// How many cases were tried is written down so often, for the case that the process itself is ended by one.
const MARK: u64 = 1_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn kept() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The files that mutations begin with: the target's own, and the small ones of the messy corpus.
fn corpus(target: Target) -> Vec<Vec<u8>> {
    let own = root().join("fuzz/corpus").join(target.name());
    let mut paths: Vec<PathBuf> = fs::read_dir(own).unwrap().map(|e| e.unwrap().path()).collect();
    if target.takes_files() {
        let messy = fs::read_dir(root().join("lake/tests/messy")).unwrap().map(|e| e.unwrap().path());
        for folder in messy.filter(|p| p.is_dir()) {
            let files = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
            paths.extend(files.filter(|p| p.file_stem().is_some_and(|s| s == "input")));
        }
    }
    paths.sort();
    let small = paths.iter().map(|p| fs::read(p).unwrap()).filter(|bytes| bytes.len() <= 8 << 10);
    small.filter(|bytes| target.begins_with(bytes)).collect()
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |n| n.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

fn fuzz(target: Target, runs: u64) {
    let corpus = corpus(target);
    assert!(corpus.len() >= 3, "{}: {} files to begin with", target.name(), corpus.len());
    for bytes in &corpus {
        target.check(bytes);
    }
    let (from, runs) = (number("TEST_FUZZ_FROM", 0), number("TEST_FUZZ_RUNS", runs));
    let mutator = Mutator::new(&corpus, target.words());
    let mark = kept().join(format!("{}.at", target.name()));
    let begun = Instant::now();
    let mut broken = Vec::new();
    for case in from..from + runs {
        if case % MARK == 0 {
            fs::write(&mark, case.to_string()).unwrap();
        }
        let bytes = mutator.mutate(&mut StdRng::seed_from_u64(case));
        if catch_unwind(AssertUnwindSafe(|| target.check(&bytes))).is_err() {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            let path = kept().join(format!("{}-{:016x}", target.name(), hasher.finish()));
            fs::write(&path, &bytes).unwrap();
            broken.push(format!("case {case}: {}", path.display()));
            // The first few tell enough.
            if broken.len() == 10 {
                break;
            }
        }
    }
    fs::remove_file(mark).ok();
    let took = begun.elapsed();
    println!("{}: {runs} cases in {took:.1?}, {:.0} a second", target.name(), runs as f64 / took.as_secs_f64());
    assert!(broken.is_empty(), "{}:\n{}", target.name(), broken.join("\n"));
}

#[test]
fn sniff() {
    fuzz(Target::Sniff, 150_000);
}

#[test]
fn csv() {
    fuzz(Target::Csv, 150_000);
}

#[test]
fn json() {
    fuzz(Target::Json, 150_000);
}

#[test]
fn xlsx() {
    fuzz(Target::Xlsx, 100_000);
}

#[test]
fn xls() {
    fuzz(Target::Xls, 100_000);
}

#[test]
fn ods() {
    fuzz(Target::Ods, 100_000);
}

#[test]
fn parquet() {
    fuzz(Target::Parquet, 20_000);
}
