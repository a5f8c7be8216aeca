//! Charts of results, drawn as SVG by the server. Colours come from the page's style, so one drawing serves both themes;
//! what a colour says, a label, a place or a title says too.

use std::str::FromStr;

mod choose;
mod data;
mod draw;
mod figures;
mod file;
mod scale;
mod series;
mod svg;

pub use choose::choose;
pub use data::{Data, Role};
pub use draw::{Drawing, Size, draw};
pub use file::file;

/// How the values are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Line,
    Area,
    Bar,
    /// Bars of which each stands on the one before.
    Stacked,
    Scatter,
    Histogram,
    /// Two categories against each other; the value is the depth of the colour, and written.
    Heat,
    /// One row, its figures large.
    Number,
}

impl Kind {
    pub const ALL: [Self; 8] =
        [Self::Line, Self::Area, Self::Bar, Self::Stacked, Self::Scatter, Self::Histogram, Self::Heat, Self::Number];

    /// As addresses write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Area => "area",
            Self::Bar => "bar",
            Self::Stacked => "stacked",
            Self::Scatter => "scatter",
            Self::Histogram => "histogram",
            Self::Heat => "heat",
            Self::Number => "number",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Line => "Line",
            Self::Area => "Area",
            Self::Bar => "Bars",
            Self::Stacked => "Stacked bars",
            Self::Scatter => "Scatter",
            Self::Histogram => "Histogram",
            Self::Heat => "Heat map",
            Self::Number => "Big number",
        }
    }
}

impl FromStr for Kind {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or(())
    }
}

/// Which columns are drawn and how; columns by their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    pub kind: Kind,
    pub x: Option<usize>,
    /// Numbers.
    pub y: Vec<usize>,
    /// A series for each of its values.
    pub by: Option<usize>,
    /// Each series in a panel of its own, on common scales.
    pub apart: bool,
}

#[cfg(test)]
mod tests;
