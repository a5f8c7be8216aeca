//! Random tables of every type, written as CSV in random dialects, encodings and compressions, and read without a
//! contract: each column gets its type by evidence alone, and every value comes back, whatever the order of the rows.
//!
//! `TEST_TABLES` says how many tables, 1,000 when absent. What `roundtrip.rs` does under a contract with the wildest
//! texts is not done again here.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "dialects/column.rs"]
mod column;
#[path = "dialects/dialect.rs"]
mod dialect;

use column::Column;
use dialect::Dialect;
use lake::{
    Limits,
    ingest::{Reading, read_file},
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

fn pick<T: Copy>(rng: &mut StdRng, of: &[T]) -> T {
    of[rng.random_range(0..of.len())]
}

/// A table and how it is written.
#[derive(Debug)]
struct Table {
    dialect: Dialect,
    columns: Vec<Column>,
    rows: usize,
}

impl Table {
    fn random(rng: &mut StdRng) -> Self {
        let dialect = Dialect::random(rng);
        let (rows, width) = (rng.random_range(15..50), rng.random_range(3..9));
        // The first column tells rows apart and, being of numbers, the header from them.
        let mut columns = vec![Column::numbers(rng, rows)];
        while columns.len() < width {
            columns.push(Column::random(rng, rows, &dialect, columns.len()));
        }
        dialect.show(rng, &mut columns);
        Self { dialect, columns, rows }
    }

    fn write(&self, rng: &mut StdRng, order: &[usize]) -> String {
        let header: Vec<&str> = self.columns.iter().map(|c| c.label.as_str()).collect();
        let rows = order.iter().map(|row| self.columns.iter().map(|c| &c.cells[*row]).collect::<Vec<_>>());
        self.dialect.write(rng, &header, rows)
    }

    fn check(&self, reading: &Reading, order: &[usize]) -> Result<(), String> {
        let landing = reading.outcome.as_ref().map_err(|e| format!("{e:?}"))?;
        if let Some(row) = reading.quarantined.first() {
            return Err(format!("{row:?}"));
        }
        let batch = &landing.batches[0];
        let found = (batch.num_rows(), batch.num_columns(), reading.compression);
        let expected = (self.rows, self.columns.len(), self.dialect.compression());
        if found != expected {
            return Err(format!("{found:?} and not {expected:?}"));
        }
        for ((column, array), report) in self.columns.iter().zip(batch.columns()).zip(&reading.columns) {
            let about = |what: String| format!("{}: {what}; {}", column.label, report.evidence);
            if report.label != column.label || report.column_type.to_string() != column.column_type {
                return Err(about(format!("{} `{}` and not {}", report.column_type, report.label, column.column_type)));
            }
            for (at, row) in order.iter().enumerate() {
                let cell = &column.cells[*row];
                let found = column::plain(array, at);
                if found != cell.value {
                    return Err(about(format!("`{}` became {found:?} and not {:?}", cell.written, cell.value)));
                }
            }
        }
        Ok(())
    }
}

fn read(bytes: Vec<u8>) -> Reading {
    read_file(&bytes.into(), "landing/a/b/x", None, None, &Limits::default())
}

#[test]
fn every_value_of_every_type_comes_back_whatever_the_dialect_and_the_order() {
    let tables = std::env::var("TEST_TABLES").map_or(1_000, |n| n.parse().expect("TEST_TABLES is a number"));
    for seed in 0..tables {
        let mut rng = StdRng::seed_from_u64(seed);
        let table = Table::random(&mut rng);
        let mut order: Vec<usize> = (0..table.rows).collect();
        for shuffled in [false, true] {
            if shuffled {
                order.shuffle(&mut rng);
            }
            let text = table.write(&mut rng, &order);
            if let Err(wrong) = table.check(&read(table.dialect.bytes(&text)), &order) {
                panic!("seed {seed}, shuffled {shuffled}: {wrong}\n{:?}\n{text}", table.dialect);
            }
        }
    }
}
