//! A small writer of SVG. All text passes through [`escaped`].

use std::fmt::Write as _;

use crate::components::visible;

pub struct Svg(String);

/// On which side of its place a text stands.
#[derive(Debug, Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// `label` is the picture for who does not see it.
    pub fn new(class: &str, width: f64, height: f64, label: &str) -> Self {
        let label = escaped(label);
        Self(format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="{class}" role="img" aria-label="{label}" viewBox="0 0 {width} {height}">"#
        ))
    }

    pub fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64), title: Option<&str>) {
        let place = format!(
            r#"class="{class}" x="{x:.1}" y="{y:.1}" width="{:.1}" height="{:.1}""#,
            width.max(0.0),
            height.max(0.0)
        );
        self.element("rect", &place, title);
    }

    pub fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64, title: Option<&str>) {
        self.element("circle", &format!(r#"class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius}""#), title);
    }

    pub fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.element("line", &format!(r#"class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}""#), None);
    }

    /// `d` is the path in SVG's own words.
    pub fn path(&mut self, class: &str, d: &str) {
        self.element("path", &format!(r#"class="{class}" d="{d}""#), None);
    }

    pub fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(
            self.0,
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#,
            escaped(text)
        );
    }

    pub fn finish(mut self) -> String {
        self.0.push_str("</svg>");
        self.0
    }

    fn element(&mut self, name: &str, attributes: &str, title: Option<&str>) {
        let _ = match title {
            Some(title) => write!(self.0, "<{name} {attributes}><title>{}</title></{name}>", escaped(title)),
            None => write!(self.0, "<{name} {attributes}/>"),
        };
    }
}

/// As text or in an attribute.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The begin of a text that fits into `width` pixels of an axis.
pub fn cut(text: &str, width: f64) -> String {
    let fits = (width / CHARACTER).max(1.0) as usize;
    if text.chars().count() <= fits {
        return text.to_owned();
    }
    text.chars().take(fits.saturating_sub(1).max(1)).chain(['…']).collect()
}

/// Width of a text at an axis, about.
pub fn width(text: &str) -> f64 {
    text.chars().count() as f64 * CHARACTER
}

const CHARACTER: f64 = 6.7;
