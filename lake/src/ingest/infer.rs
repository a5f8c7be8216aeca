//! From every value of a column to its type. Evidence is gathered column by column; what stays open between two
//! readings is then settled by the whole file, or the column stays text with a warning.
//!
//! Nothing here depends on the order of the rows.

use arrow::array::StringArray;
use model::{ColumnType, ColumnWarning};

use super::{
    raw::{Cells, Kind},
    value::{
        self,
        date::{DateShape, Stamp},
        number::{self, Fit, Mark, Shape},
    },
};
use crate::contract::Source;

/// What one column's values show. Null words are left out: they count when the others agree on a type.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    /// Values that are neither null nor a null word.
    pub values: u64,
    /// Null words.
    pub words: u64,
    pub seen: Seen,
    /// Row of a value that fits none of what the values before it were, when there were such.
    pub broke: Option<usize>,
    /// Whole numbers with leading zeros, and the first row of one.
    pub leading_zeros: Option<(u64, usize)>,
}

/// What all values have in common.
#[derive(Debug, Clone, Default)]
pub(super) enum Seen {
    #[default]
    Nothing,
    Booleans,
    Numbers(Numbers),
    Dates(Dates),
    Stamps(Stamps),
    /// Nothing, or what can only be text.
    Text,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    unmarked: Fit,
    point: Fit,
    comma: Fit,
    /// Values that are no number with a decimal point, or with a decimal comma.
    no_point: bool,
    no_comma: bool,
    /// Marked values that are numbers under both, by the mark they hold.
    open_point: bool,
    open_comma: bool,
    /// The kind of the cell says that it is a number: its mark is the point.
    pub settled: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Dates {
    /// There are dates with two numbers before the year.
    slashed: bool,
    no_day_first: bool,
    no_month_first: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stamps {
    zoned: bool,
    local: bool,
    finer: bool,
}

/// What the whole file proves about marks and the order of day and month.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clues {
    point: bool,
    comma: bool,
    day_first: bool,
    month_first: bool,
    /// The file's delimiter is the comma: a point is then no group mark unless something proves it.
    comma_delimited: bool,
    /// What the contract says.
    decimal: Option<Mark>,
    order: Option<bool>,
}

/// The type of a column, and how its values are read into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decision {
    pub column_type: ColumnType,
    pub mark: Option<Mark>,
    pub day_first: Option<bool>,
    pub warning: Option<ColumnWarning>,
}

impl Evidence {
    pub fn of(cells: &Cells) -> Self {
        match cells {
            Cells::Text(text) => Self::of_texts(text, &[Trial::Boolean, Trial::Number, Trial::Date, Trial::Stamp]),
            Cells::Kinds(text, kinds) => Self::of_kinds(text, kinds),
            Cells::Typed(_) => Self::default(),
        }
    }

    /// What a single value would be.
    pub fn of_value(value: &str) -> Self {
        Self::of(&Cells::Text(StringArray::from(vec![value])))
    }

    fn of_kinds(text: &StringArray, kinds: &[Kind]) -> Self {
        let word = |row: usize| value::is_null_word(text.value(row).trim());
        let mut kind = Kind::Null;
        let mut values = 0;
        let mut broke = None;
        for (row, k) in kinds.iter().enumerate() {
            if *k == Kind::Null || (matches!(k, Kind::String | Kind::Label) && word(row)) {
                continue;
            }
            values += 1;
            if kind == Kind::Null {
                kind = *k;
            } else if kind != *k && broke.is_none() {
                broke = Some(row);
            }
        }
        if broke.is_some() {
            return Self { values, seen: Seen::Text, broke, ..Self::default() };
        }
        let trials: &[Trial] = match kind {
            Kind::Boolean => &[Trial::Boolean],
            Kind::Number => &[Trial::Number],
            Kind::String => &[Trial::Date, Trial::Stamp],
            Kind::Date => &[Trial::Date, Trial::StampOrDay],
            Kind::Null | Kind::Label | Kind::Nested => &[],
        };
        let mut evidence = Self::of_texts(text, trials);
        if let Seen::Numbers(numbers) = &mut evidence.seen {
            numbers.settled = true;
        }
        evidence
    }

    fn of_texts(text: &StringArray, trials: &[Trial]) -> Self {
        let mut evidence = Self::default();
        for (row, value) in text.iter().enumerate() {
            let Some(value) = value.map(str::trim).filter(|v| !v.is_empty()) else { continue };
            if value::is_null_word(value) {
                evidence.words += 1;
                continue;
            }
            evidence.values += 1;
            if evidence.values == 1 {
                evidence.seen = trials.iter().find_map(|t| t.start(value)).unwrap_or(Seen::Text);
            } else if !matches!(evidence.seen, Seen::Text) && !evidence.seen.add(value, trials) {
                evidence.broke = Some(row);
                evidence.seen = Seen::Text;
            }
        }
        // `NaN` and infinities fit beside numbers and are none: a column of nothing else is text.
        if let Seen::Numbers(n) = &evidence.seen
            && n.unmarked.values + n.point.values + n.comma.values == 0
        {
            evidence.seen = Seen::Text;
        }
        if matches!(evidence.seen, Seen::Text) && trials.len() > 1 {
            evidence.leading_zeros = leading_zeros(text);
        }
        evidence
    }
}

fn leading_zeros(text: &StringArray) -> Option<(u64, usize)> {
    let is = |v: &str| v.len() > 1 && v.starts_with('0') && v.bytes().all(|b| b.is_ascii_digit());
    let mut rows = text.iter().enumerate().filter(|(_, v)| v.is_some_and(|v| is(v.trim()))).map(|(row, _)| row);
    let first = rows.next()?;
    Some((1 + rows.count() as u64, first))
}

/// A reading that is tried on the first value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    Boolean,
    Number,
    Date,
    Stamp,
    /// A workbook's dates, where whole days may stand beside instants.
    StampOrDay,
}

impl Trial {
    fn start(self, value: &str) -> Option<Seen> {
        let mut seen = match self {
            Self::Boolean => Seen::Booleans,
            Self::Number => Seen::Numbers(Numbers::default()),
            Self::Date => Seen::Dates(Dates::default()),
            Self::Stamp | Self::StampOrDay => Seen::Stamps(Stamps::default()),
        };
        seen.add(value, &[self]).then_some(seen)
    }
}

impl Seen {
    /// Whether `value` is of the same sort.
    fn add(&mut self, value: &str, trials: &[Trial]) -> bool {
        match self {
            Self::Nothing | Self::Text => false,
            Self::Booleans => value::boolean(value).is_some(),
            Self::Numbers(numbers) => numbers.add(value),
            Self::Dates(dates) => {
                if dates.add(value) {
                    return true;
                }
                if !trials.contains(&Trial::StampOrDay) || dates.slashed {
                    return false;
                }
                let mut stamps = Stamps { local: true, ..Stamps::default() };
                let fits = stamps.add(value);
                *self = Self::Stamps(stamps);
                fits
            }
            Self::Stamps(stamps) => {
                stamps.add(value) || (trials.contains(&Trial::StampOrDay) && DateShape::of(value).is_some())
            }
        }
    }
}

impl Numbers {
    fn add(&mut self, value: &str) -> bool {
        let Some(shape) = Shape::of(value) else {
            if number::special(value).is_none() {
                return false;
            }
            self.unmarked.add_special();
            return true;
        };
        if !shape.marked {
            self.unmarked.add(value);
            return true;
        }
        let mut plain = String::with_capacity(value.len());
        if shape.point {
            number::canonical(value, Mark::Point, &mut plain);
            self.point.add(&plain);
        }
        if shape.comma {
            number::canonical(value, Mark::Comma, &mut plain);
            self.comma.add(&plain);
        }
        self.no_point |= !shape.point;
        self.no_comma |= !shape.comma;
        if shape.point && shape.comma {
            let comma = value.contains(',');
            self.open_comma |= comma;
            self.open_point |= !comma;
        }
        true
    }

    fn open(&self) -> bool {
        self.open_point || self.open_comma
    }

    fn fit(&self, mark: Mark) -> Fit {
        let mut fit = self.unmarked;
        fit.merge(if mark == Mark::Point { &self.point } else { &self.comma });
        fit
    }

    /// The mark under which the column is read, if that is certain.
    fn mark(&self, clues: &Clues) -> Option<Mark> {
        if self.settled {
            return Some(Mark::Point);
        }
        match (self.no_comma, self.no_point) {
            (true, true) => None,
            (true, false) => Some(Mark::Point),
            (false, true) => Some(Mark::Comma),
            (false, false) if !self.open() => Some(Mark::Point),
            (false, false) => clues.mark(!self.open_comma),
        }
    }
}

impl Dates {
    fn add(&mut self, value: &str) -> bool {
        let Some(shape) = DateShape::of(value) else { return false };
        if let DateShape::Slashed { day_first, month_first } = shape {
            self.slashed = true;
            self.no_day_first |= day_first.is_none();
            self.no_month_first |= month_first.is_none();
        }
        true
    }
}

impl Stamps {
    fn add(&mut self, value: &str) -> bool {
        let Some(stamp) = Stamp::of(value) else { return false };
        self.zoned |= stamp.zoned;
        self.local |= !stamp.zoned;
        self.finer |= stamp.finer;
        true
    }
}

impl Clues {
    /// What all columns of a file prove together, and what the contract says.
    pub fn of<'a>(columns: impl Iterator<Item = &'a Evidence>, comma_delimited: bool, source: &Source) -> Self {
        let mut clues = Self { comma_delimited, decimal: source.decimal, order: source.day_first, ..Self::default() };
        for evidence in columns {
            match &evidence.seen {
                Seen::Numbers(n) if !n.settled => {
                    clues.point |= n.no_comma;
                    clues.comma |= n.no_point;
                }
                Seen::Dates(d) => {
                    clues.day_first |= d.no_month_first;
                    clues.month_first |= d.no_day_first;
                }
                _ => {}
            }
        }
        clues
    }

    /// Adds what single values prove in a column that is no column of numbers or dates by itself, when the dataset
    /// says that it is one.
    pub fn with(mut self, cells: &Cells) -> Self {
        let (Cells::Text(text) | Cells::Kinds(text, _)) = cells else { return self };
        for value in text.iter().flatten().map(str::trim) {
            match Shape::of(value).and_then(Shape::proof).filter(|_| value.contains([',', '.'])) {
                Some(Mark::Point) => self.point = true,
                Some(Mark::Comma) => self.comma = true,
                None => {}
            }
            if let Some(DateShape::Slashed { day_first, month_first }) = DateShape::of(value) {
                self.day_first |= month_first.is_none();
                self.month_first |= day_first.is_none();
            }
        }
        self
    }

    /// The mark for values that prove none themselves; `points_only` when none of them holds a comma.
    pub fn mark(&self, points_only: bool) -> Option<Mark> {
        match (self.decimal, self.point, self.comma) {
            (Some(mark), ..) => Some(mark),
            (None, true, false) => Some(Mark::Point),
            (None, false, true) if !(points_only && self.comma_delimited) => Some(Mark::Comma),
            (None, false, false) if points_only && self.comma_delimited => Some(Mark::Point),
            _ => None,
        }
    }

    pub fn day_first(&self) -> Option<bool> {
        match (self.order, self.day_first, self.month_first) {
            (Some(order), ..) => Some(order),
            (None, true, false) => Some(true),
            (None, false, true) => Some(false),
            _ => None,
        }
    }
}

impl Decision {
    fn plain(column_type: ColumnType) -> Self {
        Self { column_type, mark: None, day_first: None, warning: None }
    }

    fn text(warning: ColumnWarning) -> Self {
        Self { warning: Some(warning), ..Self::plain(ColumnType::Text) }
    }

    /// The first type that every value fits.
    pub fn of(evidence: &Evidence, clues: &Clues) -> Self {
        match &evidence.seen {
            Seen::Nothing | Seen::Text => Self::plain(ColumnType::Text),
            Seen::Booleans => Self::plain(ColumnType::Boolean),
            Seen::Numbers(numbers) => match numbers.mark(clues) {
                Some(mark) => match numbers.fit(mark).column_type() {
                    Some(column_type) => Self { mark: Some(mark), ..Self::plain(column_type) },
                    None => Self::plain(ColumnType::Text),
                },
                None => Self::text(ColumnWarning::AmbiguousDecimal),
            },
            Seen::Dates(dates) if !dates.slashed => Self::plain(ColumnType::Date),
            Seen::Dates(dates) => match clues.day_first() {
                Some(order) if !(if order { dates.no_day_first } else { dates.no_month_first }) => {
                    Self { day_first: Some(order), ..Self::plain(ColumnType::Date) }
                }
                _ => Self::text(ColumnWarning::AmbiguousDayMonth),
            },
            Seen::Stamps(stamps) => match (stamps.zoned, stamps.local) {
                (true, true) => Self::text(ColumnWarning::MixedZones),
                _ if stamps.finer => Self::text(ColumnWarning::Nanoseconds),
                (true, false) => Self::plain(ColumnType::TimestampUtc),
                _ => Self::plain(ColumnType::Timestamp),
            },
        }
    }
}
