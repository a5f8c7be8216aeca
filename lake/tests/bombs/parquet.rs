//! Parquet files whose bytes are damaged or cut, one by one, and whose footers lie.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, ListArray, RecordBatch,
        StringArray, TimestampMicrosecondArray,
    },
    datatypes::Int32Type,
};
use bytes::Bytes;
use model::RefusedBecause::{Binary, Empty, TooLarge, Unreadable};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, Encoding, GzipLevel, ZstdLevel},
    file::{
        metadata::{
            ColumnChunkMetaDataBuilder, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter,
            RowGroupMetaDataBuilder,
        },
        properties::{EnabledStatistics, WriterProperties, WriterVersion},
    },
};

use super::{read, refused};

const ROWS: usize = 40;

fn batch() -> RecordBatch {
    let rows = 0..ROWS as i64;
    let text = |n: i64| format!("text number {}", n % 7);
    let lists = rows.clone().map(|n| Some((0..n % 4).map(|k| Some(k as i32))));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(rows.clone()))),
        ("text", Arc::new(StringArray::from_iter_values(rows.clone().map(text)))),
        ("part", Arc::new(rows.clone().map(|n| (n % 3 > 0).then_some(n as f64 / 8.0)).collect::<Float64Array>())),
        ("flag", Arc::new(rows.clone().map(|n| Some(n % 2 == 0)).collect::<BooleanArray>())),
        ("raw", Arc::new(BinaryArray::from_iter_values(rows.clone().map(|n| n.to_le_bytes())))),
        ("at", Arc::new(TimestampMicrosecondArray::from_iter_values(rows.clone().map(|n| n * 1_000_003)))),
        (
            "money",
            Arc::new(Decimal128Array::from_iter_values(rows.map(i128::from)).with_precision_and_scale(20, 2).unwrap()),
        ),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn write(batch: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// The same rows in every way in which the format writes them.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let plain = || WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None);
    let packed = |c| plain().set_compression(c);
    let delta = |e| {
        packed(Compression::UNCOMPRESSED)
            .set_dictionary_enabled(false)
            .set_column_encoding("text".into(), e)
            .set_column_encoding("raw".into(), e)
    };
    let gzip = Compression::GZIP(GzipLevel::default());
    let zstd = Compression::ZSTD(ZstdLevel::default());
    [
        ("dictionaries", packed(Compression::UNCOMPRESSED)),
        ("no dictionaries", packed(Compression::UNCOMPRESSED).set_dictionary_enabled(false)),
        ("snappy", packed(Compression::SNAPPY)),
        ("gzip", packed(gzip)),
        ("brotli", packed(Compression::BROTLI(Default::default()))),
        ("zstd", packed(zstd)),
        ("lz4", packed(Compression::LZ4_RAW)),
        ("second version", packed(zstd).set_writer_version(WriterVersion::PARQUET_2_0)),
        ("statistics", WriterProperties::builder().set_compression(zstd)),
        ("several groups", packed(Compression::UNCOMPRESSED).set_max_row_group_row_count(Some(7))),
        ("lengths", delta(Encoding::DELTA_LENGTH_BYTE_ARRAY)),
        ("prefixes", delta(Encoding::DELTA_BYTE_ARRAY)),
        (
            "small numbers",
            plain().set_dictionary_enabled(false).set_column_encoding("id".into(), Encoding::DELTA_BINARY_PACKED),
        ),
    ]
    .map(|(name, properties)| (name, write(&batch(), properties.build())))
    .into()
}

/// Where the footer begins.
fn footer(bytes: &[u8]) -> usize {
    let at = bytes.len() - 8;
    at - u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// `TEST_KEEP` names a folder into which the files are written, as the fuzzers begin with them (`fuzz/corpus/parquet`).
#[test]
fn every_way_of_writing_is_read() {
    for (name, bytes) in files() {
        if let Some(folder) = std::env::var_os("TEST_KEEP") {
            let name = format!("{}.parquet", name.replace(' ', "-"));
            std::fs::write(std::path::Path::new(&folder).join(name), &bytes).unwrap();
        }
        let reading = read(name, &bytes);
        let landing = reading.outcome.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(reading.rows.landed as usize, ROWS, "{name}");
        assert_eq!(landing.batches[0].num_columns(), 8, "{name}");
        let lists = landing.batches[0].column_by_name("list").unwrap();
        assert_eq!(arrow::array::AsArray::as_string::<i32>(lists).value(3), "[0, 1, 2]", "{name}");
    }
}

#[test]
fn a_file_cut_at_any_byte_is_unreadable() {
    for (name, bytes) in files() {
        for end in 4..bytes.len() {
            refused(&format!("{name} cut at {end}"), &bytes[..end], &[Unreadable]);
        }
        for start in [1, 4, 100] {
            refused(name, &bytes[start..], &[Unreadable, Binary, Empty]);
        }
    }
}

#[test]
fn a_damaged_byte_is_refused_or_read_within_its_means() {
    for (name, bytes) in files() {
        for at in 4..bytes.len() {
            // One value for each place, another for the same place in the next file.
            let values = [0xff, bytes[at] ^ 1, 0x7f, 0x80, 0];
            let value = values[(at + name.len()) % values.len()];
            let mut damaged = bytes.clone();
            damaged[at] = value;
            let reading = read(&format!("{name}, byte {at} is {value:#x}"), &damaged);
            assert!(reading.rows.read as usize <= ROWS, "{name}, byte {at} is {value:#x}: {:?}", reading.rows);
        }
    }
}

#[test]
fn w_24_a_huge_number_anywhere_is_refused_or_read_within_its_means() {
    let huge: [&[u8]; 4] = [
        &[0xfe, 0xff, 0xff, 0xff, 0x0f],
        &[0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        &[0xff; 11],
    ];
    for (name, bytes) in files() {
        let begin = footer(&bytes);
        for at in begin..bytes.len() - 8 {
            let number = huge[(at + name.len()) % huge.len()];
            let mut damaged = bytes[..at].to_vec();
            damaged.extend_from_slice(number);
            damaged.extend_from_slice(&bytes[at + 1..bytes.len() - 8]);
            let length = (damaged.len() - begin) as u32;
            damaged.extend_from_slice(&length.to_le_bytes());
            damaged.extend_from_slice(b"PAR1");
            read(&format!("{name}, {number:x?} at {at}"), &damaged);
        }
    }
}

/// The file with another footer over the same pages.
pub fn with_footer(bytes: &[u8], change: impl FnOnce(ParquetMetaData) -> ParquetMetaData) -> Vec<u8> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::copy_from_slice(bytes)).unwrap();
    let mut out = bytes[..footer(bytes)].to_vec();
    ParquetMetaDataWriter::new(&mut out, &change(metadata)).finish().unwrap();
    out
}

/// The footer with a lie about its first row group.
fn with_group(bytes: &[u8], lie: impl FnOnce(RowGroupMetaDataBuilder) -> RowGroupMetaDataBuilder) -> Vec<u8> {
    with_footer(bytes, |metadata| {
        let mut groups = metadata.row_groups().to_vec();
        groups[0] = lie(groups[0].clone().into_builder()).build().unwrap();
        metadata.into_builder().set_row_groups(groups).build()
    })
}

/// The footer with a lie about one column of its first row group.
pub fn with_column(
    bytes: &[u8],
    column: usize,
    lie: impl FnOnce(ColumnChunkMetaDataBuilder) -> ColumnChunkMetaDataBuilder,
) -> Vec<u8> {
    with_footer(bytes, |metadata| {
        let mut groups = metadata.row_groups().to_vec();
        let mut columns = groups[0].columns().to_vec();
        columns[column] = lie(columns[column].clone().into_builder()).build().unwrap();
        groups[0] = groups[0].clone().into_builder().set_column_metadata(columns).build().unwrap();
        metadata.into_builder().set_row_groups(groups).build()
    })
}

const LIES: [i64; 12] = [
    0,
    1,
    -1,
    9,
    ROWS as i64 + 1,
    1_000_000,
    i32::MAX as i64,
    u32::MAX as i64,
    i64::MAX / 2,
    i64::MAX,
    i64::MIN,
    i64::MIN / 2,
];

#[test]
fn a_lie_about_rows_lands_nothing() {
    for (name, bytes) in files() {
        // The writer adds up the groups.
        for rows in LIES.into_iter().filter(|n| n.checked_mul(8).is_some()) {
            let lying = with_group(&bytes, |g| g.set_num_rows(rows));
            refused(&format!("{name}: a group of {rows}"), &lying, &[Unreadable, TooLarge]);
        }
    }
}

#[test]
fn a_lie_about_a_column_lands_nothing_or_the_rows_that_are_there() {
    type Lie = fn(ColumnChunkMetaDataBuilder, i64) -> ColumnChunkMetaDataBuilder;
    let lies: [(&str, Lie); 6] = [
        ("values", |c, n| c.set_num_values(n)),
        ("bytes in the file", |c, n| c.set_total_compressed_size(n)),
        ("bytes in memory", |c, n| c.set_total_uncompressed_size(n)),
        ("place of the pages", |c, n| c.set_data_page_offset(n)),
        ("place of the dictionary", |c, n| c.set_dictionary_page_offset(Some(n))),
        ("place of an index", |c, n| c.set_column_index_offset(Some(n)).set_column_index_length(Some(n as i32))),
    ];
    for (name, bytes) in files() {
        for column in 0..8 {
            for (about, lie) in lies {
                for n in LIES {
                    let what = format!("{name}: column {column}, {about} {n}");
                    let reading = read(&what, &with_column(&bytes, column, |c| lie(c, n)));
                    assert!(
                        reading.outcome.is_err() || reading.rows.landed as usize == ROWS,
                        "{what}: {:?}",
                        reading.rows
                    );
                }
            }
            let mut codecs = vec![Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZO, Compression::LZ4];
            codecs.extend([Compression::LZ4_RAW, Compression::ZSTD(ZstdLevel::default())]);
            for codec in codecs {
                let what = format!("{name}: column {column} in {codec}");
                let reading = read(&what, &with_column(&bytes, column, |c| c.set_compression(codec)));
                assert!(reading.outcome.is_err() || reading.rows.landed as usize == ROWS, "{what}: {:?}", reading.rows);
            }
        }
    }
}

#[test]
fn text_that_is_no_utf_8_is_refused() {
    for (name, mut bytes) in files() {
        let end = footer(&bytes);
        let found = bytes[..end].windows(11).position(|w| w == b"text number");
        // Where it is compressed there is nothing to be found.
        let Some(at) = found else { continue };
        bytes[at] = 0xff;
        refused(name, &bytes, &[Unreadable]);
    }
}

#[test]
fn a_file_without_columns_or_rows_says_so() {
    let empty = RecordBatch::new_empty(batch().schema());
    let reading = read("no rows", &write(&empty, WriterProperties::builder().build()));
    assert_eq!((reading.rows.landed, reading.columns.len()), (0, 8), "{:?}", reading.outcome.err());
}
