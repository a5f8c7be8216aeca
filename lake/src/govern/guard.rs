//! The guard before the parser: counts what deep recursion and slow planning are made of, in one flat pass over tokens.
//!
//! The parser, the planner and the evaluation of expressions recurse over the tree, and its depth is in the hands of
//! whoever writes the text: a chain of `1+1+…`, parentheses, joins, unions. What passes here fits the big stacks on
//! which queries are planned and run, and is planned within a second.

use datafusion::sql::sqlparser::{
    dialect::GenericDialect,
    keywords::Keyword,
    tokenizer::{Location, Token, TokenWithSpan, Tokenizer},
};

use crate::{LakeError, Result};

/// How much of each a text may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub bytes: usize,
    /// Parentheses, brackets, braces and `CASE` inside one another.
    pub depth: usize,
    /// Operators in a row without a comma or clause between them.
    pub chain: usize,
    /// Operators in all.
    pub operators: usize,
    /// Tokens in a row without a comma or clause between them.
    pub run: usize,
    pub joins: usize,
    /// `UNION`, `INTERSECT`, `EXCEPT`.
    pub unions: usize,
    /// Named sub-queries.
    pub ctes: usize,
    /// Sub-queries of every kind.
    pub selects: usize,
    /// Commas within one pair of parentheses: items of `IN`, arguments.
    pub items: usize,
    /// Commas between clauses: columns of one `SELECT`, tables of one `FROM`.
    pub columns: usize,
}

impl Bounds {
    pub(crate) const QUERY: Self = Self {
        bytes: 64 << 10,
        depth: 48,
        chain: 300,
        operators: 2_000,
        run: 1_500,
        joins: 40,
        unions: 60,
        ctes: 60,
        selects: 120,
        items: 5_000,
        columns: 600,
    };
    pub(crate) const PREDICATE: Self = Self {
        bytes: 16 << 10,
        depth: 24,
        chain: 200,
        operators: 500,
        run: 1_000,
        joins: 0,
        unions: 0,
        ctes: 0,
        selects: 0,
        items: 2_000,
        columns: 0,
    };
}

/// What is counted between one opening and its closing.
#[derive(Default)]
struct Level {
    chain: usize,
    run: usize,
    items: usize,
    /// Inside `FROM`, where a comma is a join.
    from: bool,
    /// Closed by `END` rather than by a bracket.
    case: bool,
    /// A `SELECT` stands in it, so that its commas separate columns.
    select: bool,
}

/// Refuses a text that no parser should see.
///
/// # Errors
/// [`LakeError::InvalidSql`] with the place and the bound.
pub(crate) fn check(sql: &str, bounds: &Bounds) -> Result<()> {
    if sql.len() > bounds.bytes {
        let (has, may) = (sql.len(), bounds.bytes);
        return Err(LakeError::sql(format!("the text has {has} bytes; at most {may} are possible")));
    }
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().map_err(|e| {
        let (line, column) = (e.location.line, e.location.column);
        refused(&format!("the text cannot be read: {}", e.message.trim_end_matches('.').to_lowercase()), line, column)
    })?;
    Count::new(bounds).all(&tokens)
}

struct Count<'a> {
    bounds: &'a Bounds,
    levels: Vec<Level>,
    operators: usize,
    joins: usize,
    unions: usize,
    ctes: usize,
    selects: usize,
    periods: usize,
}

impl<'a> Count<'a> {
    fn new(bounds: &'a Bounds) -> Self {
        let levels = vec![Level::default()];
        Self { bounds, levels, operators: 0, joins: 0, unions: 0, ctes: 0, selects: 0, periods: 0 }
    }

    fn all(mut self, tokens: &[TokenWithSpan]) -> Result<()> {
        let mut words = tokens.iter().filter(|t| !matches!(t.token, Token::Whitespace(_))).peekable();
        while let Some(token) = words.next() {
            let next = words.peek().map(|t| &t.token);
            self.one(&token.token, next).map_err(|(what, most)| {
                let Location { line, column } = token.span.start;
                let message = if most == 0 {
                    format!("{what} are not possible here")
                } else {
                    format!("too many {what}: at most {most} are possible")
                };
                refused(&message, line, column)
            })?;
        }
        Ok(())
    }

    fn one(&mut self, token: &Token, next: Option<&Token>) -> Result<(), (&'static str, usize)> {
        let b = self.bounds;
        self.periods = match token {
            Token::Period => self.periods + 1,
            Token::Word(_) if self.periods > 0 => self.periods,
            _ => 0,
        };
        at_most(self.periods, 8, "dots in one name")?;
        if let Some(level) = self.levels.last_mut() {
            level.run += 1;
            at_most(level.run, b.run, "words in one expression")?;
        }
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                // `a[1][2]…` and `f(x)` deepen the tree around them too.
                self.operator()?;
                self.open(false)?;
            }
            Token::RParen | Token::RBracket | Token::RBrace => self.close(),
            Token::Comma => self.comma()?,
            Token::SemiColon => self.clause(false),
            Token::Word(word) => self.keyword(word.keyword, next)?,
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Placeholder(_)
            | Token::Period
            | Token::Whitespace(_)
            | Token::EOF => {}
            // Everything else is an operator or may be one in some dialect.
            _ => self.operator()?,
        }
        Ok(())
    }

    fn keyword(&mut self, keyword: Keyword, next: Option<&Token>) -> Result<(), (&'static str, usize)> {
        let b = self.bounds;
        match keyword {
            Keyword::CASE => {
                self.operator()?;
                self.open(true)?;
            }
            Keyword::END => self.close_case(),
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE => self.clause(false),
            Keyword::AND
            | Keyword::OR
            | Keyword::XOR
            | Keyword::NOT
            | Keyword::NOTNULL
            | Keyword::IS
            | Keyword::IN
            | Keyword::BETWEEN
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::RLIKE
            | Keyword::REGEXP
            | Keyword::SIMILAR
            | Keyword::DIV
            | Keyword::MOD
            | Keyword::COLLATE
            | Keyword::AT
            | Keyword::INTERVAL
            | Keyword::EXISTS
            | Keyword::OVERLAPS
            | Keyword::MEMBER
            | Keyword::PRIOR => self.operator()?,
            Keyword::SELECT | Keyword::VALUES | Keyword::TABLE => {
                self.selects += 1;
                at_most(self.selects, b.selects, "sub-queries")?;
                self.clause(false);
                if let Some(level) = self.levels.last_mut() {
                    level.select = true;
                }
            }
            Keyword::FROM => self.clause(true),
            Keyword::JOIN | Keyword::APPLY => {
                self.joins += 1;
                at_most(self.joins, b.joins, "joins")?;
                self.clause(true);
            }
            Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::MINUS => {
                self.unions += 1;
                at_most(self.unions, b.unions, "set operations")?;
                self.clause(false);
            }
            Keyword::AS if matches!(next, Some(Token::LParen)) => {
                self.ctes += 1;
                at_most(self.ctes, b.ctes, "named sub-queries")?;
            }
            Keyword::MATERIALIZED => {
                self.ctes += 1;
                at_most(self.ctes, b.ctes, "named sub-queries")?;
            }
            Keyword::WHERE
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::ORDER
            | Keyword::LIMIT
            | Keyword::ON
            | Keyword::WINDOW
            | Keyword::QUALIFY => self.clause(false),
            _ => {}
        }
        Ok(())
    }

    fn operator(&mut self) -> Result<(), (&'static str, usize)> {
        self.operators += 1;
        at_most(self.operators, self.bounds.operators, "operators and parentheses")?;
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        level.chain += 1;
        at_most(level.chain, self.bounds.chain, "operators in one expression")
    }

    fn open(&mut self, case: bool) -> Result<(), (&'static str, usize)> {
        self.levels.push(Level { case, ..Level::default() });
        at_most(self.levels.len() - 1, self.bounds.depth, "parentheses or CASE inside one another")
    }

    /// Closes the innermost bracket; a `CASE` that was left open within it goes with it. Wrong nesting is the parser's
    /// to explain, and it cannot make the count too small: a level that stays open only counts more.
    fn close(&mut self) {
        if let Some(i) = self.levels.iter().rposition(|l| !l.case)
            && i > 0
        {
            self.levels.truncate(i);
        }
    }

    fn close_case(&mut self) {
        if self.levels.len() > 1 && self.levels.last().is_some_and(|l| l.case) {
            self.levels.pop();
        }
    }

    fn comma(&mut self) -> Result<(), (&'static str, usize)> {
        let nested = self.levels.len() > 1;
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        level.chain = 0;
        level.run = 0;
        level.items += 1;
        let (most, what) = match nested && !level.select {
            true => (self.bounds.items, "items in one list"),
            false => (self.bounds.columns, "columns in one list"),
        };
        at_most(level.items, most, what)?;
        if level.from {
            self.joins += 1;
            at_most(self.joins, self.bounds.joins, "joins")?;
        }
        Ok(())
    }

    fn clause(&mut self, from: bool) {
        if let Some(level) = self.levels.last_mut() {
            *level = Level { case: level.case, select: level.select, from, ..Level::default() };
        }
    }
}

fn at_most(has: usize, most: usize, what: &'static str) -> Result<(), (&'static str, usize)> {
    if has > most { Err((what, most)) } else { Ok(()) }
}

fn refused(message: &str, line: u64, column: u64) -> LakeError {
    let known = |n: u64| (n > 0).then_some(n);
    LakeError::InvalidSql { message: message.to_owned(), line: known(line), column: known(column), hint: None }
}
