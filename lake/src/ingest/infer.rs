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

mod near;

use near::Near;
pub(super) use near::{Nearly, may_count};

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
    /// Row of the first value.
    first: Option<usize>,
    /// Of a text column.
    near: Near,
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
            Cells::Text(text) => Self::of_texts(text, &FIELD),
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
            let mut near = Near::default();
            let counts =
                |row: usize, k: Kind| k != Kind::Null && !(matches!(k, Kind::String | Kind::Label) && word(row));
            kinds.iter().enumerate().filter(|(row, k)| counts(*row, **k)).for_each(|(row, k)| near.add_kind(row, *k));
            return Self { values, seen: Seen::Text, broke, near, ..Self::default() };
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
            if let Some(value) = value {
                evidence.add(row, value, trials);
            }
        }
        evidence
    }

    /// Takes in what a field of a text file says; `row` is its number in the file.
    pub fn add_field(&mut self, row: usize, value: &str) {
        self.add(row, value, &FIELD);
    }

    fn add(&mut self, row: usize, value: &str, trials: &[Trial]) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        if value::is_null_word(value) {
            self.words += 1;
            return;
        }
        self.values += 1;
        if self.values == 1 {
            self.first = Some(row);
            self.seen = trials.iter().find_map(|t| t.start(value)).unwrap_or(Seen::Text);
        } else if !matches!(self.seen, Seen::Text) && !self.seen.add(value, trials) {
            self.broke = Some(row);
            self.near.begin(&self.seen, self.values - 1, self.first.unwrap_or(row));
            self.seen = Seen::Text;
        }
        if matches!(self.seen, Seen::Text) && trials.contains(&Trial::Number) {
            self.near.add(row, value);
        }
        // Such a value is of no type: the column is text from its first one on.
        if matches!(self.seen, Seen::Text) && trials.len() > 1 && has_leading_zeros(value) {
            self.leading_zeros = Some(self.leading_zeros.map_or((1, row), |(n, first)| (n + 1, first)));
        }
    }

    /// The same, for what is known to be a whole number of 1 to 15 digits without a mark. `false` when the column is not
    /// one of numbers so far: nothing is taken in then.
    #[inline]
    pub fn add_whole(&mut self, digits: usize) -> bool {
        let Seen::Numbers(numbers) = &mut self.seen else { return false };
        numbers.unmarked.add_whole(digits);
        self.values += 1;
        true
    }

    /// The same, for a number of at most 15 digits with a point that can be nothing but its decimal mark.
    #[inline]
    pub fn add_decimal(&mut self, whole_digits: usize, fraction_digits: usize) -> bool {
        let Seen::Numbers(numbers) = &mut self.seen else { return false };
        numbers.point.add_decimal(whole_digits, fraction_digits);
        numbers.no_comma = true;
        self.values += 1;
        true
    }

    /// The same, for an ISO date.
    #[inline]
    pub fn add_day(&mut self) -> bool {
        let is = matches!(self.seen, Seen::Dates(_));
        self.values += u64::from(is);
        is
    }

    /// The same, for what can be no null word and [no number or date](may_count), in a column that is text already.
    #[inline]
    pub fn add_text(&mut self) -> bool {
        let is = matches!(self.seen, Seen::Text) && self.near.is_settled();
        self.values += u64::from(is);
        is
    }

    /// What nearly all values of a text column are.
    pub fn nearly(&self) -> Option<Nearly> {
        // Identifiers with leading zeros are no slip of the pen.
        if self.leading_zeros.is_some() { None } else { self.near.nearly(self.values) }
    }

    /// Whether a sentence about the column may speak of that row.
    pub fn names(&self, row: usize) -> bool {
        self.first == Some(row)
            || self.broke == Some(row)
            || self.near.names(row)
            || self.leading_zeros.is_some_and(|(n, first)| n == 1 && first == row)
    }
}

fn has_leading_zeros(value: &str) -> bool {
    value.len() > 1 && value.starts_with('0') && value.bytes().all(|b| b.is_ascii_digit())
}

/// What fields of text files may be, in the order in which it is tried.
const FIELD: [Trial; 4] = [Trial::Boolean, Trial::Number, Trial::Date, Trial::Stamp];

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
        text.iter().flatten().for_each(|value| self.learn(value));
        self
    }

    /// Adds what one value proves.
    pub fn learn(&mut self, value: &str) {
        let value = value.trim();
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

    /// Adds that a value has a decimal point.
    pub fn has_point(&mut self) {
        self.point = true;
    }

    /// Adds what another part of the file proves.
    pub fn and(mut self, other: &Self) -> Self {
        self.point |= other.point;
        self.comma |= other.comma;
        self.day_first |= other.day_first;
        self.month_first |= other.month_first;
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
