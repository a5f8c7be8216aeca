//! Fields of the text log on one line each: a file's or a sheet's name must not write a line of its own, nor turn one
//! around.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};

/// `message name=value …`, with what is no plain character escaped.
pub struct Fields;

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line { text: String::new() };
        fields.record(&mut line);
        writer.write_str(&line.text)
    }
}

struct Line {
    text: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.add(field, value);
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

impl Line {
    fn add(&mut self, field: &Field, value: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        if field.name() != "message" {
            self.text.push_str(field.name());
            self.text.push('=');
        }
        for c in value.chars() {
            if model::text::hides(c) {
                self.text.extend(c.escape_unicode());
            } else {
                self.text.push(c);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Mutex};

    use super::*;

    #[derive(Clone)]
    struct Kept(&'static Mutex<Vec<u8>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no other test has it").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_value_writes_no_line_of_its_own() {
        static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
        let lines = tracing_subscriber::fmt().fmt_fields(Fields).with_writer(|| Kept(&LOG)).with_ansi(false).finish();
        tracing::subscriber::with_default(lines, || {
            let name = "x\n2026-11-30T19:50:00Z  INFO rolled back \u{202e}gpj.exe";
            tracing::info!(file = %name, note = name, rows = 7, "arrival");
            tracing::info!("{name}");
        });
        let text = String::from_utf8(LOG.lock().expect("is free").clone()).expect("is text");
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
        assert!(text.contains("arrival file=x\\u{a}2026-11-30") && text.contains("rows=7"), "{text}");
    }
}
