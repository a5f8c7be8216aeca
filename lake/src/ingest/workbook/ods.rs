//! OpenDocument spreadsheets. The one XML document that holds all sheets is read as it is unpacked; cells that it says are
//! repeated are taken as often as they stand there, as far as the limit allows.

use std::io::{BufReader, Cursor};

use bytes::Bytes;
use chrono::NaiveDate;
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use super::{
    Sheet, damaged,
    rows::{Rows, boolean, clock, number},
};
use crate::ingest::{Refusal, raw::Kind};

/// What a cell takes beside its text when it is repeated: it stands in the file once.
const CELL: u64 = 100;
/// Spaces that a cell may have beside those that are written out: a count of them costs the file nothing.
const SPACES: usize = 10_000;
/// Cells and rows past these are of no spreadsheet, and end in nothing.
const MOST: u32 = 1 << 24;

/// # Errors
/// `unreadable`, `too_large`.
pub(super) fn sheets(bytes: &Bytes, wanted: impl Fn(&str) -> bool, left: &mut u64) -> Result<Vec<Sheet>, Refusal> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes.as_ref())).map_err(|e| damaged(&e))?;
    let content = archive.by_name("content.xml").map_err(|e| damaged(&e))?;
    let mut document = Document::new(BufReader::new(content));
    let mut sheets = Vec::new();
    // Outside of tables: notes of changes are none of the sheets'.
    let mut within = Vec::new();
    loop {
        match document.next()? {
            Part::Start(start) if start.name == "table:table" && within.last().is_some_and(|n| n == SPREADSHEET) => {
                let name = start.attribute("table:name").unwrap_or_default().to_owned();
                let mut rows = Rows::new(left);
                if table(&mut document, wanted(&name).then_some(&mut rows))? {
                    sheets.push(Sheet { name, rows: rows.finish() });
                }
            }
            Part::Start(start) => within.push(start.name),
            Part::End => drop(within.pop()),
            Part::Text(_) => {}
            Part::Over => return Ok(sheets),
        }
    }
}

const SPREADSHEET: &str = "office:spreadsheet";

/// Elements within each other; no spreadsheet has a tenth of that.
const DEPTH: usize = 256;

/// Attributes that are looked at.
const READ: [&str; 10] = [
    "table:name",
    "table:number-rows-repeated",
    "table:number-columns-repeated",
    "office:value-type",
    "office:value",
    "office:boolean-value",
    "office:date-value",
    "office:time-value",
    "office:string-value",
    "text:c",
];

/// An element's beginning, with what its attributes say.
struct Start {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Start {
    fn of(start: &BytesStart<'_>) -> Result<Self, Refusal> {
        let mut attributes = Vec::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|e| damaged(&e))?;
            let key = attribute.key.into_inner();
            if !READ.contains(&key) || attributes.iter().any(|(known, _)| known == key) {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| damaged(&e))?;
            attributes.push((key.to_owned(), value.into_owned()));
        }
        Ok(Self { name: start.name().into_inner().to_owned(), attributes })
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// How often the cell or row stands there.
    fn repeated(&self, name: &str) -> u32 {
        self.attribute(name).and_then(|n| n.parse().ok()).unwrap_or(1).clamp(1, MOST)
    }
}

enum Part {
    Start(Start),
    End,
    Text(String),
    Over,
}

/// The document, part by part.
struct Document<R> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<R: std::io::BufRead> Document<R> {
    fn new(input: R) -> Self {
        let mut reader = Reader::from_reader(input);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), depth: 0 }
    }

    fn next(&mut self) -> Result<Part, Refusal> {
        loop {
            self.buffer.clear();
            return Ok(match self.reader.read_event_into(&mut self.buffer).map_err(|e| damaged(&e))? {
                Event::Start(start) | Event::Empty(start) => {
                    self.depth += 1;
                    if self.depth > DEPTH {
                        return Err(damaged(&"its elements lie too deep within each other"));
                    }
                    Part::Start(Start::of(&start)?)
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Part::End
                }
                Event::Text(text) => Part::Text(text.xml10_content().into_owned()),
                Event::CData(text) => Part::Text(text.xml10_content().into_owned()),
                Event::GeneralRef(name) => Part::Text(match name.resolve_char_ref().map_err(|e| damaged(&e))? {
                    Some(char) => char.into(),
                    None => quick_xml::escape::resolve_predefined_entity(&name).unwrap_or_default().to_owned(),
                }),
                Event::Eof => Part::Over,
                _ => continue,
            });
        }
    }

    /// Passes over the element that has begun.
    fn skip(&mut self) -> Result<(), Refusal> {
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                Part::Start(_) => depth += 1,
                Part::End => depth -= 1,
                Part::Text(_) => {}
                Part::Over => return Err(ends_early()),
            }
        }
        Ok(())
    }

    /// The text of the element that has begun, with the spaces and line ends that are elements. Notes are not part of it.
    fn text(&mut self) -> Result<String, Refusal> {
        let mut text = String::new();
        let (mut paragraphs, mut spaces) = (0, SPACES);
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                Part::Start(start) => {
                    match start.name.as_str() {
                        "office:annotation" | "draw:frame" | "draw:custom-shape" | "table:shapes" => {
                            self.skip()?;
                            continue;
                        }
                        "text:p" => {
                            if paragraphs > 0 {
                                text.push('\n');
                            }
                            paragraphs += 1;
                        }
                        "text:s" => {
                            let n = start.attribute("text:c").and_then(|n| n.parse().ok()).unwrap_or(1);
                            let n = usize::min(n, spaces);
                            text.extend(std::iter::repeat_n(' ', n));
                            spaces -= n;
                        }
                        "text:tab" => text.push('\t'),
                        "text:line-break" => text.push('\n'),
                        _ => {}
                    }
                    depth += 1;
                }
                Part::End => depth -= 1,
                // Between paragraphs there is layout alone.
                Part::Text(more) if depth > 1 => text.push_str(&more),
                Part::Text(_) => {}
                Part::Over => return Err(ends_early()),
            }
        }
        Ok(text)
    }
}

/// Reads the sheet that has begun; its cells go into `rows` when they are wanted. `false` when it is no sheet but the copy
/// of another document's, kept for formulas.
fn table(document: &mut Document<impl std::io::BufRead>, mut rows: Option<&mut Rows<'_>>) -> Result<bool, Refusal> {
    let mut next = 0;
    let mut own = true;
    let mut depth = 1;
    while depth > 0 {
        match document.next()? {
            Part::Start(start) if start.name == "table:table-row" => {
                let times = start.repeated("table:number-rows-repeated");
                let cells = row(document, rows.as_deref_mut())?;
                if let Some(rows) = rows.as_deref_mut().filter(|_| !cells.is_empty()) {
                    put(rows, next, times, &cells)?;
                }
                next = next.saturating_add(times).min(MOST);
            }
            Part::Start(start) => match start.name.as_str() {
                // Groups of rows, and the rows that are printed on each page.
                "table:table-row-group" | "table:table-rows" | "table:table-header-rows" => depth += 1,
                name => {
                    own &= name != "table:table-source";
                    document.skip()?;
                }
            },
            Part::End => depth -= 1,
            Part::Text(_) => {}
            Part::Over => return Err(ends_early()),
        }
    }
    Ok(own)
}

/// A cell with the column where it begins, and how many columns it fills.
type Filled = (u32, u32, Kind, String);

fn row(
    document: &mut Document<impl std::io::BufRead>,
    mut rows: Option<&mut Rows<'_>>,
) -> Result<Vec<Filled>, Refusal> {
    let (mut cells, mut column) = (Vec::new(), 0_u32);
    loop {
        match document.next()? {
            Part::Start(start) => {
                let times = start.repeated("table:number-columns-repeated");
                if start.name == "table:table-cell" && rows.is_some() {
                    let text = document.text()?;
                    if let (Some((kind, text)), Some(rows)) = (content(&start, text), rows.as_deref_mut()) {
                        rows.charge(text.len() as u64)?;
                        cells.push((column, times, kind, text));
                    }
                } else {
                    document.skip()?;
                }
                column = column.saturating_add(times).min(MOST);
            }
            Part::End => return Ok(cells),
            Part::Text(_) => {}
            Part::Over => return Err(ends_early()),
        }
    }
}

fn put(rows: &mut Rows<'_>, first: u32, times: u32, cells: &[Filled]) -> Result<(), Refusal> {
    for row in first..first.saturating_add(times) {
        for (column, filled, kind, text) in cells {
            for at in *column..column.saturating_add(*filled) {
                if times > 1 || *filled > 1 {
                    rows.charge(CELL)?;
                }
                rows.put(row, at, *kind, text.clone())?;
            }
        }
    }
    Ok(())
}

/// What a cell holds, by the type that it states; its shown text counts for texts alone.
fn content(cell: &Start, text: String) -> Option<(Kind, String)> {
    let value = |name| cell.attribute(name);
    Some(match value("office:value-type") {
        Some("float" | "percentage" | "currency") => match value("office:value").and_then(|v| v.parse().ok()) {
            Some(n) => (Kind::Number, number(n)),
            None => (Kind::Label, text),
        },
        Some("boolean") => (Kind::Boolean, boolean(value("office:boolean-value") == Some("true")).to_owned()),
        Some("date") => date(value("office:date-value")?),
        Some("time") => {
            let given = value("office:time-value")?;
            match seconds(given) {
                // A time of the day; what is longer is a number of days, as in Excel.
                Some(s) if (0.0..86_400.0).contains(&s) => (Kind::Label, clock(s / 86_400.0)),
                Some(s) => (Kind::Number, number(s / 86_400.0)),
                None => (Kind::Label, given.to_owned()),
            }
        }
        _ => match value("office:string-value") {
            Some(given) => (Kind::Label, given.to_owned()),
            None => (Kind::Label, text),
        },
    })
    .filter(|(_, text)| !text.is_empty())
}

/// A date as ISO 8601, with a time unless it is midnight. What is none stays text.
fn date(given: &str) -> (Kind, String) {
    let (day, time) = given.split_once('T').unwrap_or((given, ""));
    let is_date = day.len() == 10 && day.parse::<NaiveDate>().is_ok();
    let time = time.trim_end_matches('Z');
    let is_time = time.is_empty() || time.parse::<chrono::NaiveTime>().is_ok();
    match (is_date && is_time, time.trim_matches(['0', ':', '.']).is_empty()) {
        (false, _) => (Kind::Label, given.to_owned()),
        (true, true) => (Kind::Date, day.to_owned()),
        (true, false) => (Kind::Date, format!("{day}T{time}")),
    }
}

/// Seconds of a duration such as `PT12H30M05.5S`.
fn seconds(given: &str) -> Option<f64> {
    let (sign, given) = match given.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, given),
    };
    let mut rest = given.strip_prefix('P')?;
    let (mut total, mut in_time) = (0.0, false);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            (rest, in_time) = (after, true);
            continue;
        }
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let mut after = after.chars();
        total += digits.parse::<f64>().ok()?
            * match (after.next()?, in_time) {
                ('D', false) => 86_400.0,
                ('H', true) => 3_600.0,
                ('M', true) => 60.0,
                ('S', true) => 1.0,
                _ => return None,
            };
        rest = after.as_str();
    }
    Some(sign * total)
}

fn ends_early() -> Refusal {
    damaged(&"it ends early")
}
