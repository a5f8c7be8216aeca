//! Random queries over what someone may know of: every clause, sub-queries in every slot, casts that can fail.
//!
//! What two right engines may answer differently is left out: the order of ties, rows cut off without an order, sums of
//! floats.

use rand::{Rng, rngs::StdRng};

use super::rule::{Kind, MARKED};

/// A dataset or sub-query that a query may read.
#[derive(Debug, Clone)]
pub struct Relation {
    pub name: String,
    pub columns: Vec<(String, Kind)>,
    /// How many versions it has; none for a sub-query.
    pub versions: u64,
}

/// A column in reach: the name it is read under, and its kind.
#[derive(Debug, Clone)]
struct Column {
    text: String,
    kind: Kind,
}

pub struct Grammar<'a> {
    rng: &'a mut StdRng,
    relations: Vec<Relation>,
    aliases: usize,
    /// How much more the query may grow.
    room: i32,
}

const KINDS: [Kind; 5] = [Kind::Whole, Kind::Text, Kind::Day, Kind::Money, Kind::Truth];

impl<'a> Grammar<'a> {
    pub fn new(rng: &'a mut StdRng, relations: Vec<Relation>) -> Self {
        let room = rng.random_range(6..45);
        Self { rng, relations, aliases: 0, room }
    }

    /// A query, and whether its rows stand in one certain order.
    pub fn query(&mut self) -> (String, bool) {
        let mut with = Vec::new();
        if self.chance(0.2) {
            for _ in 0..self.upto(2) + 1 {
                let (text, kinds) = self.select(&[], None);
                let name = self.alias("w");
                let columns = kinds.iter().enumerate().map(|(i, k)| (format!("c{i}"), *k)).collect();
                with.push(format!("{name} AS ({text})"));
                self.relations.push(Relation { name, columns, versions: 0 });
            }
        }
        let (body, kinds) = self.set(&[], None);
        let with = if with.is_empty() { String::new() } else { format!("WITH {} ", with.join(", ")) };
        let ordered = self.chance(0.4);
        let mut end = String::new();
        if ordered {
            let mut order: Vec<String> = (1..=kinds.len()).map(|n| format!("{n}{}", self.way())).collect();
            let turn = self.upto(order.len());
            order.rotate_left(turn);
            end = format!(" ORDER BY {}", order.join(", "));
            if self.chance(0.5) {
                end += &format!(" LIMIT {}", self.upto(12));
            }
            if self.chance(0.2) {
                end += &format!(" OFFSET {}", self.upto(5));
            }
        }
        (format!("{with}{body}{end}"), ordered)
    }

    fn chance(&mut self, p: f64) -> bool {
        self.rng.random_bool(p)
    }

    /// A number below `n`.
    fn upto(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n.max(1))
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.upto(of.len())].clone()
    }

    /// Whether there is room for something large.
    fn grow(&mut self) -> bool {
        self.room -= 3;
        self.room > 0
    }

    fn alias(&mut self, letter: &str) -> String {
        self.aliases += 1;
        format!("{letter}{}", self.aliases)
    }

    fn way(&mut self) -> &'static str {
        self.pick(&["", " DESC", " NULLS FIRST", " DESC NULLS LAST"])
    }

    /// One `SELECT`, or several put together; of these kinds when they are given.
    fn set(&mut self, outer: &[Column], kinds: Option<&[Kind]>) -> (String, Vec<Kind>) {
        let (first, kinds) = self.select(outer, kinds);
        if !self.chance(0.12) || !self.grow() {
            return (first, kinds);
        }
        let (second, _) = self.select(outer, Some(&kinds));
        let op = self.pick(&["UNION ALL", "UNION", "INTERSECT", "EXCEPT"]);
        (format!("{first} {op} {second}"), kinds)
    }

    fn select(&mut self, outer: &[Column], kinds: Option<&[Kind]>) -> (String, Vec<Kind>) {
        let (from, here) = self.from(outer);
        let scope: Vec<Column> = here.iter().chain(outer).cloned().collect();
        let kinds: Vec<Kind> = match kinds {
            Some(kinds) => kinds.to_vec(),
            None => (0..self.upto(3) + 1).map(|_| self.pick(&KINDS)).collect(),
        };
        let filter = if self.chance(0.65) { format!(" WHERE {}", self.truth(&scope, 3)) } else { String::new() };
        let named = |items: Vec<String>| -> String {
            let items = items.into_iter().enumerate().map(|(i, e)| format!("{e} AS c{i}"));
            items.collect::<Vec<_>>().join(", ")
        };
        match self.upto(10) {
            0..=3 => {
                // A plain number would be the place of a column.
                let groups: Vec<String> =
                    (0..self.upto(3)).map(|_| format!("coalesce({})", self.any(&here, 2))).collect();
                let items: Vec<String> = kinds.iter().map(|k| self.aggregate(*k, &here)).collect();
                let by = match groups.is_empty() {
                    true => String::new(),
                    false if self.chance(0.1) => format!(" GROUP BY ROLLUP({})", groups.join(", ")),
                    false => format!(" GROUP BY {}", groups.join(", ")),
                };
                let having = match self.chance(0.3) {
                    true => {
                        let kind = self.pick(&[Kind::Whole, Kind::Text, Kind::Day]);
                        format!(" HAVING {}", self.compare(kind, |g| g.aggregate(kind, &here), &[]))
                    }
                    false => String::new(),
                };
                (format!("SELECT {} FROM {from}{filter}{by}{having}", named(items)), kinds)
            }
            4 => {
                let items = kinds.iter().map(|k| self.window(*k, &here)).collect();
                (format!("SELECT {} FROM {from}{filter}", named(items)), kinds)
            }
            _ => {
                let distinct = if self.chance(0.2) { "DISTINCT " } else { "" };
                let items = kinds.iter().map(|k| self.value(*k, &scope, 3)).collect();
                (format!("SELECT {distinct}{} FROM {from}{filter}", named(items)), kinds)
            }
        }
    }

    fn from(&mut self, outer: &[Column]) -> (String, Vec<Column>) {
        let (mut text, mut columns) = self.relation();
        while self.chance(0.3) && self.grow() {
            if self.chance(0.1) {
                let (query, kinds) = {
                    let reach: Vec<Column> = columns.iter().chain(outer).cloned().collect();
                    self.select(&reach, None)
                };
                let alias = self.alias("l");
                text += &format!(" CROSS JOIN LATERAL ({query}) AS {alias}");
                columns.extend(named(&alias, &kinds));
                continue;
            }
            let (other, more) = self.relation();
            let both: Vec<Column> = columns.iter().chain(&more).cloned().collect();
            let kind = self.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "JOIN"]);
            let mut on = Vec::new();
            let of = self.pick(&[Kind::Whole, Kind::Text]);
            if let (Some(a), Some(b)) = (self.column(of, &columns), self.column(of, &more)) {
                on.push(format!("{a} = {b}"));
            }
            if on.is_empty() || self.chance(0.3) {
                on.push(self.truth(&both, 2));
            }
            text += &format!(" {kind} {other} ON {}", on.join(" AND "));
            columns = both;
        }
        (text, columns)
    }

    fn relation(&mut self) -> (String, Vec<Column>) {
        match self.upto(10) {
            0 if self.grow() => {
                let (query, kinds) = self.set(&[], None);
                let alias = self.alias("q");
                (format!("({query}) AS {alias}"), named(&alias, &kinds))
            }
            1 => {
                let alias = self.alias("v");
                let text = format!("(VALUES (1, 'a'), (NULL, 'ca'), (101, NULL)) AS {alias}(c0, c1)");
                (text, named(&alias, &[Kind::Whole, Kind::Text]))
            }
            _ => {
                let all = self.relations.clone();
                let chosen = self.pick(&all);
                let alias = self.alias("a");
                let version = match chosen.versions > 1 && self.chance(0.25) {
                    true => format!(" VERSION AS OF {}", self.upto(usize::try_from(chosen.versions).unwrap())),
                    false => String::new(),
                };
                let columns =
                    chosen.columns.iter().map(|(name, kind)| Column { text: format!("{alias}.{name}"), kind: *kind });
                (format!("{}{version} AS {alias}", chosen.name), columns.collect())
            }
        }
    }

    fn column(&mut self, kind: Kind, scope: &[Column]) -> Option<String> {
        let fit: Vec<&Column> = scope.iter().filter(|c| c.kind == kind).collect();
        (!fit.is_empty()).then(|| fit[self.upto(fit.len())].text.clone())
    }

    fn any(&mut self, scope: &[Column], depth: u32) -> String {
        let kind = self.pick(&KINDS);
        self.value(kind, scope, depth)
    }

    fn value(&mut self, kind: Kind, scope: &[Column], depth: u32) -> String {
        if kind == Kind::Truth {
            return self.truth(scope, depth);
        }
        if depth == 0 || self.chance(0.4) {
            return match self.column(kind, scope) {
                Some(column) if self.chance(0.8) => column,
                _ => self.literal(kind),
            };
        }
        if self.chance(0.06) && self.grow() {
            return self.scalar(kind, scope);
        }
        if self.chance(0.12) {
            let (when, then, other) =
                (self.truth(scope, depth - 1), self.value(kind, scope, depth - 1), self.value(kind, scope, depth - 1));
            return format!("CASE WHEN {when} THEN {then} ELSE {other} END");
        }
        if self.chance(0.1) {
            let f = self.pick(&["coalesce", "nullif"]);
            let (a, b) = (self.value(kind, scope, depth - 1), self.value(kind, scope, depth - 1));
            return format!("{f}({a}, {b})");
        }
        let d = depth - 1;
        let mut of = |kind| self.value(kind, scope, d);
        match kind {
            Kind::Whole => {
                let choice = wholes(&mut of);
                self.pick(&choice)
            }
            Kind::Text => {
                let (a, b, n) = (of(Kind::Text), of(Kind::Text), of(Kind::Whole));
                self.pick(&[
                    format!("upper({a})"),
                    format!("substr({a}, 2, 3)"),
                    format!("concat({a}, {b})"),
                    format!("({a} || {b})"),
                    format!("CAST({n} AS VARCHAR)"),
                    format!("replace({a}, 'z', {b})"),
                    format!("right({a}, 3)"),
                    format!("regexp_replace({a}, '[0-9]+', 'n')"),
                    format!("reverse({a})"),
                    format!("greatest({a}, {b})"),
                ])
            }
            Kind::Day => {
                let (a, t, n) = (of(Kind::Day), of(Kind::Text), of(Kind::Whole));
                self.pick(&[
                    format!("CAST({t} AS DATE)"),
                    format!("CAST(date_trunc('month', {a}) AS DATE)"),
                    format!("CAST({a} + INTERVAL '1 day' AS DATE)"),
                    format!("TRY_CAST(concat('2020-01-', {t}) AS DATE)"),
                    format!("make_date(2020, 1, CAST(1 + abs({n} % 28) AS INT))"),
                    format!("TRY_CAST({t} AS DATE)"),
                ])
            }
            _ => {
                let (a, b, n, t) = (of(Kind::Money), of(Kind::Money), of(Kind::Whole), of(Kind::Text));
                self.pick(&[
                    format!("({a} + {b})"),
                    format!("CAST({n} AS DECIMAL(10,2))"),
                    format!("CAST({t} AS DECIMAL(10,2))"),
                    format!("({a} * {b})"),
                    format!("abs({a})"),
                    format!("TRY_CAST({t} AS DECIMAL(10,2))"),
                    format!("({a} % {b})"),
                ])
            }
        }
    }

    fn literal(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Whole => match self.upto(8) {
                0 => "NULL".to_owned(),
                1 => (MARKED + i64::try_from(self.upto(90)).unwrap()).to_string(),
                _ => (i64::try_from(self.upto(120)).unwrap() - 10).to_string(),
            },
            Kind::Text => match self.upto(8) {
                0 => format!("'zq{}{}'", self.upto(2_030), self.pick(&["n", "c", "o", "s"])),
                1 => format!("'{}'", self.upto(60)),
                _ => format!("'{}'", self.pick(&["a", "b", "ca", "cb", "p", "q", "r", "north", "zq1", "•••", ""])),
            },
            Kind::Day => format!("DATE '20{}-0{}-01'", 19 + self.upto(4), 1 + self.upto(9)),
            Kind::Money => format!("{}.{}", self.upto(50), 10 + self.upto(90)),
            Kind::Truth => self.pick(&["true", "false"]).to_owned(),
        }
    }

    fn scalar(&mut self, kind: Kind, scope: &[Column]) -> String {
        let (from, here) = self.from(&[]);
        let outer = if self.chance(0.3) { scope } else { &[] };
        let reach: Vec<Column> = here.iter().chain(outer).cloned().collect();
        let item = self.aggregate(kind, &here);
        let filter = if self.chance(0.7) { format!(" WHERE {}", self.truth(&reach, 1)) } else { String::new() };
        format!("(SELECT {item} FROM {from}{filter})")
    }

    fn compare(&mut self, kind: Kind, left: impl FnOnce(&mut Self) -> String, scope: &[Column]) -> String {
        let left = left(self);
        let op = self.pick(&["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM"]);
        let right = self.value(kind, scope, 0);
        format!("{left} {op} {right}")
    }

    fn truth(&mut self, scope: &[Column], depth: u32) -> String {
        if depth == 0 {
            return self.column(Kind::Truth, scope).unwrap_or_else(|| "true".to_owned());
        }
        let d = depth - 1;
        match self.upto(16) {
            0..=2 => {
                let (a, op, b) = (self.truth(scope, d), self.pick(&["AND", "OR"]), self.truth(scope, d));
                format!("({a} {op} {b})")
            }
            3 => format!("NOT ({})", self.truth(scope, d)),
            4 => {
                let e = self.any(scope, d);
                format!("{e} IS {}NULL", self.pick(&["", "NOT "]))
            }
            5 => {
                let pattern = self.pick(&["'z%'", "'%1%'", "'c_'", "'•%'", "'%n'"]);
                format!("{} {}LIKE {pattern}", self.value(Kind::Text, scope, d), self.pick(&["", "NOT ", "I"]))
                    .replace("NOT ILIKE", "NOT LIKE")
            }
            6 => {
                let kind = self.pick(&[Kind::Whole, Kind::Text]);
                let e = self.value(kind, scope, d);
                let items: Vec<String> = (0..self.upto(4) + 1).map(|_| self.literal(kind)).collect();
                format!("{e} {}IN ({})", self.pick(&["", "NOT "]), items.join(", "))
            }
            7 => {
                let kind = self.pick(&[Kind::Whole, Kind::Text, Kind::Day, Kind::Money]);
                let e = self.value(kind, scope, d);
                format!("{e} BETWEEN {} AND {}", self.literal(kind), self.literal(kind))
            }
            8 if self.grow() => {
                let kind = self.pick(&[Kind::Whole, Kind::Text]);
                let e = self.value(kind, scope, d);
                let outer = if self.chance(0.2) { scope } else { &[] };
                let (query, _) = self.select(outer, Some(&[kind]));
                format!("{e} {}IN ({query})", self.pick(&["", "NOT "]))
            }
            9 if self.grow() => {
                let (from, here) = self.from(&[]);
                let reach: Vec<Column> = here.iter().chain(scope).cloned().collect();
                let mut filter = self.truth(&reach, 1);
                if let (Some(a), Some(b)) = (self.column(Kind::Whole, &here), self.column(Kind::Whole, scope)) {
                    filter = format!("{a} = {b} AND {filter}");
                }
                format!("{}EXISTS (SELECT 1 FROM {from} WHERE {filter})", self.pick(&["", "NOT "]))
            }
            10 => self.value_of_truth(scope),
            _ => {
                let kind = self.pick(&[Kind::Whole, Kind::Whole, Kind::Text, Kind::Day, Kind::Money]);
                self.compare(kind, |g| g.value(kind, scope, d), scope)
            }
        }
    }

    fn value_of_truth(&mut self, scope: &[Column]) -> String {
        self.column(Kind::Truth, scope).unwrap_or_else(|| self.literal(Kind::Truth))
    }

    /// Aggregates whose value does not depend on the order of rows.
    fn aggregate(&mut self, kind: Kind, scope: &[Column]) -> String {
        let e = self.value(kind, scope, 2);
        let call = match kind {
            Kind::Whole => {
                let other = self.any(scope, 2);
                self.pick(&[
                    "count(*)".to_owned(),
                    format!("count({other})"),
                    format!("count(DISTINCT {other})"),
                    format!("sum({e})"),
                    format!("min({e})"),
                    format!("max({e})"),
                    format!("approx_distinct({other})"),
                ])
            }
            Kind::Truth => format!("{}({e})", self.pick(&["bool_and", "bool_or"])),
            _ => format!("{}({e})", self.pick(&["min", "max"])),
        };
        if self.chance(0.15) { format!("{call} FILTER (WHERE {})", self.truth(scope, 1)) } else { call }
    }

    /// Windows in which ties get the same value.
    fn window(&mut self, kind: Kind, scope: &[Column]) -> String {
        let by = if self.chance(0.5) { format!("PARTITION BY {} ", self.any(scope, 1)) } else { String::new() };
        let order = if self.chance(0.6) { format!("ORDER BY {}", self.any(scope, 1)) } else { String::new() };
        let e = self.value(kind, scope, 1);
        let call = match kind {
            Kind::Whole if !order.is_empty() => {
                self.pick(&["rank()".to_owned(), "dense_rank()".to_owned(), format!("sum({e})"), "count(*)".to_owned()])
            }
            Kind::Whole => self.pick(&[format!("sum({e})"), format!("count({e})"), format!("min({e})")]),
            Kind::Truth => return e,
            _ => format!("{}({e})", self.pick(&["min", "max"])),
        };
        format!("{call} OVER ({by}{order})")
    }
}

fn wholes(of: &mut impl FnMut(Kind) -> String) -> Vec<String> {
    let (a, b, t, d) = (of(Kind::Whole), of(Kind::Whole), of(Kind::Text), of(Kind::Day));
    vec![
        format!("({a} + {b})"),
        format!("({a} - {b})"),
        format!("({a} * {b})"),
        format!("({a} / {b})"),
        format!("({a} % {b})"),
        format!("CAST({t} AS BIGINT)"),
        format!("TRY_CAST({t} AS BIGINT)"),
        format!("length({t})"),
        format!("ascii({t})"),
        format!("abs({a})"),
        format!("CAST(date_part('month', {d}) AS BIGINT)"),
    ]
}

fn named(alias: &str, kinds: &[Kind]) -> Vec<Column> {
    kinds.iter().enumerate().map(|(i, kind)| Column { text: format!("{alias}.c{i}"), kind: *kind }).collect()
}
