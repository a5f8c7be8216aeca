//! Whether a number is shown as a date: workbooks keep dates as numbers of days, and only their format tells.

/// What a number format makes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Number,
    /// A date, perhaps with a time.
    Date,
    /// A time of the day.
    Time,
    /// Hours, minutes or seconds past a day.
    Duration,
}

/// A format that every workbook has by its number. 27 to 36 and 50 to 58 are dates of East Asia.
pub fn form_of_builtin(number: u16) -> Form {
    match number {
        14..=17 | 22 | 27..=36 | 50..=58 => Form::Date,
        18..=21 | 45 | 47 => Form::Time,
        46 => Form::Duration,
        _ => Form::Number,
    }
}

/// A format of the workbook's own, as it is written: `yyyy-mm-dd`, `[h]:mm`, `#,##0.00 "EUR"`.
pub fn form_of_format(format: &str) -> Form {
    let mut chars = format.chars();
    // `m` is a month or a minute.
    let (mut day, mut month, mut clock) = (false, false, false);
    while let Some(c) = chars.next() {
        match c {
            // What is shown as it stands: a quoted text, one character, room for one, one that fills the cell.
            '"' => drop(chars.by_ref().find(|c| *c == '"')),
            '\\' | '_' | '*' => drop(chars.next()),
            '[' => {
                let within: String = chars.by_ref().take_while(|c| *c != ']').collect();
                let within = within.to_ascii_lowercase();
                // Not `[Red]`, `[>5]` or `[$-409]`.
                if !within.is_empty() && ['h', 'm', 's'].iter().any(|unit| within.chars().all(|c| c == *unit)) {
                    return Form::Duration;
                }
            }
            // Other parts are for negative numbers, zero and texts.
            ';' => break,
            'd' | 'D' | 'y' | 'Y' => day = true,
            'm' | 'M' => month = true,
            'h' | 'H' | 's' | 'S' => clock = true,
            _ => {}
        }
    }
    match (day, clock, month) {
        (true, ..) | (false, false, true) => Form::Date,
        (false, true, _) => Form::Time,
        (false, false, false) => Form::Number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_tells_a_date_from_a_number() {
        for format in ["yyyy-mm-dd", "dd.mm.yyyy;@", "[$-409]d-mmm-yy", "d.m. hh:mm", "\"on \"d/m", "_(mmm"] {
            assert_eq!(form_of_format(format), Form::Date, "{format}");
        }
        for format in ["hh:mm AM/PM", "h:mm:ss", "mm:ss.0"] {
            assert_eq!(form_of_format(format), Form::Time, "{format}");
        }
        for format in ["[h]:mm", "[hh]:mm:ss", "[mm]:ss", "[SS].00"] {
            assert_eq!(form_of_format(format), Form::Duration, "{format}");
        }
        for format in ["General", "0.00E+00", "#,##0.00 \"days\"", "[Red]0;[Blue]-0", "0\\d", "@", "0;yyyy", "[", "\""]
        {
            assert_eq!(form_of_format(format), Form::Number, "{format}");
        }
    }
}
