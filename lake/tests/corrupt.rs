//! Columnar files and workbooks that lie: cut at every byte of their footers, with sizes and offsets that are not so, or
//! made to expand without end. Each is refused or read as far as it is right; none panics, and memory stays bounded.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use arrow::{
    array::{ArrayRef, BinaryArray, DictionaryArray, Int32Array, Int64Array, ListArray, StringArray},
    buffer::OffsetBuffer,
    datatypes::{DataType, Field},
    record_batch::RecordBatch,
};
use lake::{
    Limits,
    ingest::{Reading, read_file},
};
use model::RefusedBecause;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Tests that measure do so alone.
static ALONE: Mutex<()> = Mutex::new(());

fn read(bytes: Vec<u8>) -> Reading {
    read_file(&bytes.into(), "landing/a/b/x.parquet", None, None, &Limits::default())
}

/// Bytes of memory that reading took at its peak, and why the file was refused. Asks Linux.
fn peak(bytes: Vec<u8>) -> (u64, Option<RefusedBecause>) {
    // 5 sets the peak back to what is held now.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS:");
    let because = read(bytes).outcome.err().map(|r| r.because);
    (memory("VmHWM:").saturating_sub(before), because)
}

fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix(what)).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

fn written(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn ordinary() -> Vec<u8> {
    let n = 500;
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..n));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..n).map(|i| format!("text {}", i % 17))));
    let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..n).map(|i| i.to_le_bytes())));
    let item = Arc::new(Field::new_list_field(DataType::Int64, true));
    let offsets = OffsetBuffer::from_lengths((0..n as usize).map(|i| i % 3));
    let items = Arc::new(Int64Array::from_iter_values(0..*offsets.last().unwrap() as i64));
    let lists: ArrayRef = Arc::new(ListArray::new(item, offsets, items, None));
    written(vec![("n", numbers), ("t", texts), ("b", bytes), ("l", lists)])
}

fn footer(bytes: &[u8]) -> usize {
    let length = &bytes[bytes.len() - 8..bytes.len() - 4];
    u32::from_le_bytes(length.try_into().unwrap()) as usize
}

#[test]
fn an_ordinary_file_with_every_kind_of_column_lands() {
    let reading = read(ordinary());
    assert_eq!(reading.rows.landed, 500, "{:?}", reading.outcome.err());
}

#[test]
fn a_file_cut_at_any_byte_of_its_footer_is_unreadable() {
    let whole = ordinary();
    for end in whole.len() - 8 - footer(&whole)..whole.len() {
        let because = read(whole[..end].to_vec()).outcome.err().map(|r| r.because);
        assert_eq!(because, Some(RefusedBecause::Unreadable), "cut at {end} of {}", whole.len());
    }
}

#[test]
fn a_byte_that_lies_anywhere_neither_panics_nor_takes_memory() {
    let _alone = ALONE.lock().unwrap();
    let whole = ordinary();
    let mut rng = StdRng::seed_from_u64(7);
    let start_of_footer = whole.len() - 8 - footer(&whole);
    // Every byte of the footer in turn, with the values that make the largest numbers, and some of the pages.
    let places = (start_of_footer..whole.len()).chain((0..400).map(|_| rng.random_range(4..start_of_footer)));
    for at in places.collect::<Vec<_>>() {
        for value in [0x00, 0x7f, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let (peak, _) = peak(bytes);
            assert!(peak < 1 << 30, "byte {at} = {value:#x} took {} MB", peak >> 20);
        }
    }
}

#[test]
fn one_text_that_a_page_repeats_does_not_expand_past_the_limit() {
    let _alone = ALONE.lock().unwrap();
    // A dictionary of one text of a megabyte, 3,000 times: 3 GB, in a file of a few kilobytes.
    let text = "x".repeat(1 << 20);
    let keys = Int32Array::from(vec![0; 3_000]);
    let repeated = DictionaryArray::try_new(keys, Arc::new(StringArray::from(vec![text]))).unwrap();
    let batch = RecordBatch::try_from_iter(vec![("t", Arc::new(repeated) as ArrayRef)]).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_page_size_limit(64 << 20)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    let bomb = writer.into_inner().unwrap();
    assert!(bomb.len() < 1 << 20, "{} bytes", bomb.len());
    let (peak, because) = peak(bomb);
    assert_eq!(because, Some(RefusedBecause::TooLarge));
    assert!(peak < 1 << 30, "took {} MB", peak >> 20);
}
