//! Compressed text: bombs, and streams that end early or are damaged at any byte of their end.

use std::io::Write;

use model::RefusedBecause::{Binary, TooLarge, Unreadable};

use super::{LIMIT, archive, read, refused};

pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    let mut writer = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    writer.include_checksum(true).unwrap();
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

fn xz(text: &[u8]) -> Vec<u8> {
    let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 6);
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

fn zip(text: &[u8]) -> Vec<u8> {
    archive::zip([("x.csv", text.to_vec())])
}

type Pack = fn(&[u8]) -> Vec<u8>;

const PACKS: [(&str, Pack); 5] = [("gzip", gzip), ("zstd", zstd), ("bzip2", bzip2), ("xz", xz), ("zip", zip)];

fn table() -> Vec<u8> {
    (0..300).fold(b"id,name\n".to_vec(), |mut text, n| {
        writeln!(text, "{n},\"name of {}\"", n * 7919 % 1000).unwrap();
        text
    })
}

#[test]
fn a_stream_cut_at_any_byte_lands_nothing() {
    for (name, pack) in PACKS {
        let whole = pack(&table());
        assert_eq!(read(name, &whole).rows.landed, 300);
        for end in 10..whole.len() {
            refused(&format!("{name} cut at {end} of {}", whole.len()), &whole[..end], &[Unreadable, Binary]);
        }
    }
}

#[test]
fn a_damaged_byte_lands_nothing_or_the_same_rows() {
    for (name, pack) in PACKS {
        let whole = pack(&table());
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                let reading = read(&format!("{name} damaged at {at}"), &bytes);
                // A name, a time or a flag of the header may be damaged and the rows be whole. A magic number that is
                // none makes it a file of some other kind, which is its own matter.
                if reading.compression.is_some() && reading.outcome.is_ok() {
                    assert_eq!(reading.rows.landed, 300, "{name} damaged at {at} by {flip:#x}");
                }
            }
        }
    }
}

#[test]
fn rubbish_after_the_end_is_no_part_of_the_table() {
    for (name, pack) in PACKS {
        let mut bytes = pack(&table());
        bytes.extend_from_slice(b"and more that is no stream");
        let reading = read(name, &bytes);
        if reading.outcome.is_ok() {
            assert_eq!(reading.rows.landed, 300, "{name}");
        }
    }
}

#[test]
fn several_members_are_one_stream() {
    let (first, second) = (b"a,b\n1,2\n", b"3,4\n");
    for (name, pack) in &PACKS[..4] {
        let bytes = [pack(first), pack(second)].concat();
        assert_eq!(read(name, &bytes).rows.landed, 2, "{name}");
        refused(&format!("{name}, second cut"), &bytes[..bytes.len() - 3], &[Unreadable]);
    }
}

#[test]
fn w_24_a_bomb_is_refused_while_it_expands() {
    let large = b"1,2\n".repeat(LIMIT as usize);
    for (name, pack) in PACKS {
        refused(name, &pack(&large), &[TooLarge]);
        // Twice packed is not unpacked twice.
        refused(name, &gzip(&pack(&large)), &[Binary, TooLarge, Unreadable]);
    }
}
