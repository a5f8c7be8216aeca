//! How a table is written: delimiter, quotes, line ends, what stands around it, encoding and compression.

use std::io::{Cursor, Write};

use rand::{Rng, rngs::StdRng};

use super::{
    column::{Cell, Column},
    pick,
};

#[derive(Debug)]
pub struct Dialect {
    delimiter: char,
    quoting: Quoting,
    escape: Escape,
    ends: &'static [&'static str],
    encoding: Encoding,
    packing: Packing,
    comma: bool,
    day_format: &'static str,
    /// Whether a letter stands between day and hour.
    pub with_t: bool,
    /// Whether texts hold line breaks.
    pub breaks_inside: bool,
    preamble: &'static [&'static str],
    comments: bool,
    /// Whether the last line has an end.
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Quoting {
    Needed,
    All,
    Filled,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Escape {
    Doubled,
    Backslash,
    /// Texts in single quotes, doubled inside.
    Single,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Encoding {
    Utf8,
    Utf8Bom,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Packing {
    None,
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Zip,
}

impl Dialect {
    pub fn random(rng: &mut StdRng) -> Self {
        use Encoding::*;
        Self {
            delimiter: pick(rng, &[',', ';', '\t', '|']),
            quoting: pick(rng, &[Quoting::Needed, Quoting::All, Quoting::Filled]),
            escape: pick(rng, &[Escape::Doubled, Escape::Doubled, Escape::Backslash, Escape::Single]),
            ends: pick(rng, &[&["\n"][..], &["\r\n"], &["\r"], &["\n", "\r\n"]]),
            encoding: pick(rng, &[Utf8, Utf8, Utf8Bom, Utf16Le, Utf16Be, Windows1252]),
            packing: pick(
                rng,
                &[
                    Packing::None,
                    Packing::None,
                    Packing::Gzip,
                    Packing::Zstd,
                    Packing::Bzip2,
                    Packing::Xz,
                    Packing::Zip,
                ],
            ),
            comma: rng.random(),
            day_format: pick(rng, &["%d/%m/%Y", "%-d.%-m.%Y", "%d-%m-%Y", "%m/%d/%Y", "%-m/%-d/%Y"]),
            with_t: rng.random(),
            breaks_inside: rng.random(),
            preamble: pick(rng, &[&[][..], &[], &["Report of the year"], &["A title", "", "# of things"]]),
            comments: rng.random_range(0..4) == 0,
            ended: rng.random(),
        }
    }

    /// The decimal mark of the whole file.
    pub fn mark(&self) -> &'static str {
        if self.comma { "," } else { "." }
    }

    /// One order of day and month for the whole file.
    pub fn day_format(&self) -> &'static str {
        self.day_format
    }

    pub fn is_narrow(&self) -> bool {
        self.encoding == Encoding::Windows1252
    }

    pub fn quotes_inside(&self) -> bool {
        self.escape != Escape::Single
    }

    /// Whether a column of this kind leaves the file with one reading. A comma in each row of each column but one would
    /// make it a delimiter as good as the real one.
    pub fn allows(&self, kind: &str, at: usize) -> bool {
        let decimal = matches!(kind, "Part" | "Part again" | "Money");
        !(self.comma && kind == "Exponent"
            || self.comma && self.delimiter != ',' && decimal && at.is_multiple_of(2)
            || self.is_narrow()
                && kind == "Überschrift, lang"
                && self.delimiter == ','
                && self.quoting == Quoting::Needed)
    }

    /// Makes the table show its quotes where it has to: another quote than the usual, or another escape, goes by evidence.
    pub fn show(&self, rng: &mut StdRng, columns: &mut Vec<Column>) {
        let texts = |c: &&mut Column| c.label.starts_with("Words") || c.label.starts_with("Über");
        if self.escape == Escape::Doubled {
            return;
        }
        if !columns.iter_mut().any(|c| texts(&c)) {
            let rows = columns[0].cells.len();
            let cells = vec![Cell { written: "w".into(), value: Some("w".into()) }; rows];
            columns.push(Column { label: "Words".into(), column_type: "text".into(), cells });
        }
        for column in columns.iter_mut().filter(texts) {
            for (row, cell) in column.cells.iter_mut().enumerate().filter(|(_, c)| c.value.is_some()) {
                let shown = match self.escape {
                    // Not in each row: then the other quote would leave rows of one width as well.
                    Escape::Single if row % 3 == 1 => continue,
                    Escape::Single => format!("{}{}", cell.written, self.delimiter),
                    _ if rng.random_range(0..3) > 0 => format!("{} \"so called\" {}", cell.written, self.delimiter),
                    _ => continue,
                };
                *cell = Cell { written: shown.clone(), value: Some(shown) };
            }
        }
    }

    pub fn compression(&self) -> Option<&'static str> {
        match self.packing {
            Packing::None => None,
            Packing::Gzip => Some("gzip"),
            Packing::Zstd => Some("zstd"),
            Packing::Bzip2 => Some("bzip2"),
            Packing::Xz => Some("xz"),
            Packing::Zip => Some("zip"),
        }
    }

    pub fn write<'a>(&self, rng: &mut StdRng, header: &[&str], rows: impl Iterator<Item = Vec<&'a Cell>>) -> String {
        let join = |fields: Vec<String>| fields.join(&self.delimiter.to_string());
        let mut lines: Vec<String> = self.preamble.iter().map(|l| (*l).to_owned()).collect();
        lines.push(join(header.iter().map(|h| self.field(h)).collect()));
        for row in rows {
            if self.comments && rng.random_range(0..10) == 0 {
                lines.push("# a remark".into());
            }
            lines.push(join(row.iter().map(|cell| self.field(&cell.written)).collect()));
        }
        let mut text = String::new();
        let last = lines.len() - 1;
        for (at, line) in lines.iter().enumerate() {
            text += line;
            if at < last || self.ended {
                text += pick(rng, self.ends);
            }
        }
        text
    }

    pub fn bytes(&self, text: &str) -> Vec<u8> {
        self.pack(&self.encode(text))
    }

    fn field(&self, written: &str) -> String {
        let quote = if self.escape == Escape::Single { '\'' } else { '"' };
        let needed = written.contains([self.delimiter, '"', '\'', '\n', '\r']) || written.starts_with('#');
        let quoted = match self.quoting {
            Quoting::Needed => needed,
            Quoting::All => true,
            Quoting::Filled => needed || !written.is_empty(),
        };
        if !quoted {
            return written.to_owned();
        }
        let escaped = match self.escape {
            Escape::Backslash => written.replace('"', "\\\""),
            _ => written.replace(quote, &format!("{quote}{quote}")),
        };
        format!("{quote}{escaped}{quote}")
    }

    fn encode(&self, text: &str) -> Vec<u8> {
        match self.encoding {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Utf8Bom => format!("\u{feff}{text}").into_bytes(),
            Encoding::Utf16Le => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Be => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Encoding::Windows1252 => encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
        }
    }

    fn pack(&self, bytes: &[u8]) -> Vec<u8> {
        match self.packing {
            Packing::None => bytes.to_vec(),
            Packing::Zstd => zstd::encode_all(bytes, 1).unwrap(),
            Packing::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                writer.write_all(bytes).unwrap();
                writer.finish().unwrap()
            }
            Packing::Bzip2 => {
                let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                writer.write_all(bytes).unwrap();
                writer.finish().unwrap()
            }
            Packing::Xz => {
                let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 1);
                writer.write_all(bytes).unwrap();
                writer.finish().unwrap()
            }
            Packing::Zip => {
                let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
                zip.start_file("table.csv", zip::write::SimpleFileOptions::default()).unwrap();
                zip.write_all(bytes).unwrap();
                zip.finish().unwrap().into_inner()
            }
        }
    }
}
