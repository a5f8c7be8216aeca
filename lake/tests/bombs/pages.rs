//! Parquet files of a few kilobytes that would fill the memory: by runs, dictionaries, codecs, prefixes, depth.

use std::{fmt::Write as _, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BinaryViewArray, BooleanArray, DictionaryArray, Int32Array, Int64Array, ListArray, NullArray,
        RecordBatch, StringArray,
    },
    buffer::OffsetBuffer,
    datatypes::{DataType, Field, Int32Type},
};
use model::RefusedBecause::{TooLarge, Unreadable};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, Encoding, GzipLevel, ZstdLevel},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    file::{
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
        writer::SerializedFileWriter,
    },
    schema::parser::parse_message_type,
};

use super::{LIMIT, parquet::with_column, read, refused};

fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None)
}

/// A file of one column, of the same batch many times.
fn file(column: ArrayRef, times: usize, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).unwrap();
    for _ in 0..times {
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
    bytes
}

/// A text of 64 kB in a dictionary, and 40,000 rows that are this text: 2.6 GB.
fn dictionary() -> Vec<u8> {
    let values: ArrayRef = Arc::new(StringArray::from(vec!["long ".repeat(13_000)]));
    let keys = Int32Array::from(vec![0; 4_000]);
    let column = DictionaryArray::<Int32Type>::new(keys, values);
    file(Arc::new(column), 10, properties().set_dictionary_page_size_limit(1 << 20))
}

/// The same within lists, eight to a row.
fn nested_dictionary() -> Vec<u8> {
    let values = StringArray::from(vec!["long ".repeat(13_000); 400]);
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(8, 50));
    let field = Arc::new(Field::new("item", DataType::Utf8, true));
    let lists = ListArray::new(field, offsets, Arc::new(values), None);
    file(Arc::new(lists), 10, properties().set_dictionary_page_size_limit(1 << 20))
}

/// Rows that are all alike cost the file next to nothing.
fn run(column: ArrayRef, times: usize) -> Vec<u8> {
    file(column, times, properties().set_max_row_group_row_count(Some(usize::MAX)))
}

/// One row whose list has 20 million entries.
fn long_list() -> Vec<u8> {
    let n = 20_000_000;
    let field = Arc::new(Field::new("item", DataType::Int64, true));
    let values = Arc::new(Int64Array::from(vec![1; n]));
    file(Arc::new(ListArray::new(field, OffsetBuffer::from_lengths([n]), values, None)), 1, properties())
}

/// A page that is as large as it says, in the codec.
fn even(codec: Compression) -> Vec<u8> {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a".repeat(4 * LIMIT as usize)]));
    file(text, 1, properties().set_dictionary_enabled(false).set_compression(codec))
}

/// Texts of 64 kB that each repeat the whole one before.
fn prefixes() -> Vec<u8> {
    let schema = Arc::new(parse_message_type("message m { required binary a (UTF8); }").unwrap());
    let properties = properties().set_dictionary_enabled(false).set_encoding(Encoding::DELTA_BYTE_ARRAY);
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties.build())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    if let ColumnWriter::ByteArrayColumnWriter(column) = column.untyped() {
        let values = vec![ByteArray::from("long ".repeat(13_000).into_bytes()); 1_000];
        for _ in 0..10 {
            column.write_batch(&values, None, None).unwrap();
        }
    }
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

pub fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("dictionary.parquet", dictionary()),
        ("nested-dictionary.parquet", nested_dictionary()),
        ("run.parquet", run(Arc::new(Int64Array::from(vec![7; 1_000_000])), 30)),
        ("nulls.parquet", run(Arc::new(NullArray::new(1_000_000)), 100)),
        ("list.parquet", long_list()),
        ("zstd.parquet", even(Compression::ZSTD(ZstdLevel::default()))),
        ("prefixes.parquet", prefixes()),
    ]
}

#[test]
fn w_26_a_small_file_that_expands_past_the_limit_is_refused() {
    for (name, bytes) in bombs() {
        assert!(bytes.len() < 400_000, "{name} is no bomb: {} bytes", bytes.len());
        refused(name, &bytes, &[TooLarge]);
    }
    let booleans = run(Arc::new(BooleanArray::from(vec![true; 1_000_000])), 100);
    refused("booleans", &booleans, &[TooLarge]);
    for codec in [Compression::SNAPPY, Compression::GZIP(GzipLevel::default()), Compression::LZ4_RAW] {
        refused(&codec.to_string(), &even(codec), &[TooLarge]);
    }
    refused("brotli", &even(Compression::BROTLI(Default::default())), &[TooLarge]);
}

#[test]
fn the_same_ways_of_writing_within_the_limit_are_read() {
    let words: ArrayRef = Arc::new(StringArray::from(vec!["a word that comes again"; 10_000]));
    for properties in [
        properties(),
        properties().set_dictionary_enabled(false).set_encoding(Encoding::DELTA_BYTE_ARRAY),
        properties().set_dictionary_enabled(false).set_encoding(Encoding::DELTA_LENGTH_BYTE_ARRAY),
        properties().set_compression(Compression::BROTLI(Default::default())),
        properties().set_compression(Compression::GZIP(GzipLevel::default())),
    ] {
        let reading = read("words", &file(words.clone(), 2, properties));
        assert_eq!(reading.rows.landed, 20_000, "{:?}", reading.outcome.err());
    }
    let nulls: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>; 1_000]));
    let delta = properties().set_dictionary_enabled(false).set_encoding(Encoding::DELTA_BYTE_ARRAY);
    assert_eq!(read("nulls", &file(nulls, 3, delta)).rows.landed, 3_000);
    let bytes: ArrayRef = Arc::new(BinaryViewArray::from_iter_values((0..500).map(|n: u32| n.to_le_bytes())));
    assert_eq!(read("bytes", &file(bytes, 3, properties())).rows.landed, 1_500);
}

/// The first page's header with another number as the size in memory; the column's size is mended to fit.
fn claim(bytes: &[u8], uncompressed: u32) -> Vec<u8> {
    let number = |mut n: u32| {
        let mut out = Vec::new();
        while n >= 0x80 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
        out
    };
    // Magic, then: field 1 (kind), field 2 (size in memory).
    assert_eq!((bytes[4], bytes[6]), (0x15, 0x15));
    let old = 1 + bytes[7..].iter().position(|b| b & 0x80 == 0).unwrap();
    let new = number(uncompressed << 1);
    let grown = new.len() as i64 - old as i64;
    let out = [&bytes[..7], &new, &bytes[7 + old..]].concat();
    let shift = |n: i64| n + grown;
    let first = ::parquet::file::metadata::ParquetMetaDataReader::new()
        .parse_and_finish(&bytes::Bytes::copy_from_slice(bytes))
        .unwrap();
    let column = first.row_group(0).column(0).clone();
    with_column(&out, 0, |c| {
        let c = c.set_total_compressed_size(shift(column.compressed_size()));
        if column.dictionary_page_offset().is_some() {
            c.set_data_page_offset(shift(column.data_page_offset()))
        } else {
            c
        }
    })
}

#[test]
fn w_24_a_page_that_claims_another_size_than_it_has_is_refused() {
    let words: ArrayRef = Arc::new(StringArray::from_iter_values((0..1_000).map(|n| format!("word {n}"))));
    for codec in [
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(Default::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
    ] {
        for dictionary in [true, false] {
            let whole = file(words.clone(), 1, properties().set_dictionary_enabled(dictionary).set_compression(codec));
            assert_eq!(read("whole", &whole).rows.landed, 1_000);
            for claimed in [0, 1, 100, 1 << 20, LIMIT as u32 + 1, i32::MAX as u32, u32::MAX >> 1] {
                // Some codecs do not mind that there is less than was claimed; the rows are whole then.
                let reading = read(&format!("{codec}, {claimed}"), &claim(&whole, claimed));
                assert!(reading.outcome.is_err() || reading.rows.landed == 1_000, "{codec}, {claimed}");
            }
            // A page that holds far more than it claims.
            let bomb = file(
                Arc::new(StringArray::from(vec!["a".repeat(4 * LIMIT as usize)])),
                1,
                properties().set_dictionary_enabled(dictionary).set_compression(codec),
            );
            refused(&format!("{codec}, a bomb that claims little"), &claim(&bomb, 1_000), &[Unreadable, TooLarge]);
        }
    }
}

#[test]
fn a_schema_of_any_depth_is_read_or_refused() {
    for depth in [10, 100, 2_000] {
        let mut schema = "message m { ".to_owned();
        for n in 0..depth {
            write!(schema, "optional group g{n} {{ ").unwrap();
        }
        write!(schema, "optional int32 a; {}", "}".repeat(depth + 1)).unwrap();
        // Parsed by recursion, as the files of others may be made.
        let made = std::thread::Builder::new().stack_size(256 << 20).spawn(move || {
            let schema = Arc::new(parse_message_type(&schema).unwrap());
            let mut bytes = Vec::new();
            let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties().build())).unwrap();
            let mut group = writer.next_row_group().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            if let ColumnWriter::Int32ColumnWriter(column) = column.untyped() {
                column.write_batch(&[5], Some(&[depth as i16 + 1]), None).unwrap();
            }
            column.close().unwrap();
            group.close().unwrap();
            writer.close().unwrap();
            bytes
        });
        let bytes = made.unwrap().join().unwrap();
        let reading = read(&format!("{depth} groups"), &bytes);
        assert!(reading.outcome.is_err() || reading.rows.landed == 1, "{depth}: {:?}", reading.rows);
    }
}
