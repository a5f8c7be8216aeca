//! What a text may ask: exactly one query, of the parts listed here. Everything else is refused before planning.

use std::ops::ControlFlow;

use datafusion::{
    common::TableReference,
    sql::{
        parser::{DFParserBuilder, Statement as DfStatement},
        sqlparser::{
            ast::{Expr, ObjectName, Query, Select, SetExpr, Spanned, Statement, TableFactor, Visit, Visitor},
            dialect::GenericDialect,
            tokenizer::{Span, Tokenizer},
        },
    },
};

use super::{
    message,
    version::{self, Clause},
};
use crate::{LakeError, Result};

/// Relations that a query may read once its named sub-queries are written out at each use. Without this bound twenty
/// lines of `b as (select … from a, a), c as (select … from b, b)` are a million tables.
const RELATIONS: u64 = 200;
/// Sub-queries in expressions inside one another: each level doubles the time that the optimizer takes.
const NESTED: usize = 6;
/// Expressions of one `CUBE`, which groups by every subset of them.
const CUBE: usize = 6;

/// Parses a text that the guard let pass; gives the clauses of versions apart, which stand in the statement by place.
///
/// # Errors
/// [`LakeError::InvalidSql`] unless it is one query of allowed parts, [`LakeError::NotFound`] for a table function.
pub(super) fn parse(sql: &str) -> Result<(DfStatement, Vec<Clause>)> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location();
    let tokens = tokens.map_err(|e| LakeError::sql(format!("the text cannot be read: {e}")))?;
    let (tokens, clauses) = version::lift(tokens)?;
    let parser = DFParserBuilder::new(tokens).with_dialect(&GenericDialect {}).with_recursion_limit(DEPTH);
    let statements = parser
        .build()
        .and_then(|mut p| p.parse_statements())
        .map_err(|e| version::explained(message::planning(e, sql), &clauses))?;
    let mut statements = statements.into_iter();
    let (statement, more) = (statements.next(), statements.next());
    let Some(statement) = statement else { return Err(LakeError::sql("there is no query in the text")) };
    if more.is_some() {
        return Err(LakeError::sql("one query at a time: take out what stands after the first `;`"));
    }
    let query = match &statement {
        DfStatement::Statement(s) => match s.as_ref() {
            Statement::Query(query) => query,
            Statement::Explain { .. } | Statement::ExplainTable { .. } => return Err(only_queries("EXPLAIN")),
            other => return Err(only_queries(&first_word(&other.to_string()))),
        },
        DfStatement::Explain(_) => return Err(only_queries("EXPLAIN")),
        DfStatement::CopyTo(_) => return Err(only_queries("COPY")),
        DfStatement::CreateExternalTable(_) => return Err(only_queries("CREATE")),
        DfStatement::Reset(_) => return Err(only_queries("RESET")),
    };
    match query.visit(&mut Allowed { clauses: &clauses, ..Allowed::default() }) {
        ControlFlow::Continue(()) => Ok((statement, clauses)),
        ControlFlow::Break(e) => Err(e),
    }
}

/// The parser's own bound; the guard's depth and chains are below it.
const DEPTH: usize = 400;

fn only_queries(word: &str) -> LakeError {
    LakeError::sql(format!("{word} is not possible: only queries (SELECT, WITH … SELECT, VALUES) are"))
}

fn first_word(s: &str) -> String {
    s.split_whitespace().next().unwrap_or("this").to_uppercase()
}

/// Walks the tree: refuses what is not listed and adds up relations.
#[derive(Default)]
struct Allowed<'a> {
    clauses: &'a [Clause],
    queries: Vec<Frame>,
    nested: usize,
    cubes: usize,
}

/// A query that is being walked.
#[derive(Default)]
struct Frame {
    /// Names of its `WITH` list, lower case.
    names: Vec<String>,
    /// Relations of the first of them, those that are walked already.
    weights: Vec<u64>,
    relations: u64,
}

type Flow = ControlFlow<LakeError>;

fn refuse(what: &str, span: Span) -> Flow {
    let known = |n: u64| (n > 0).then_some(n);
    ControlFlow::Break(LakeError::InvalidSql {
        message: format!("{what} not possible here"),
        line: known(span.start.line),
        column: known(span.start.column),
        hint: None,
    })
}

impl Visitor for Allowed<'_> {
    type Break = LakeError;

    fn pre_visit_query(&mut self, q: &Query) -> Flow {
        if !q.locks.is_empty() {
            return refuse("FOR UPDATE and FOR SHARE are", q.span());
        }
        if q.for_clause.is_some() || q.settings.is_some() || q.format_clause.is_some() {
            return refuse("FOR, SETTINGS and FORMAT are", q.span());
        }
        if !q.pipe_operators.is_empty() {
            return refuse("pipe operators (|>) are", q.span());
        }
        let mut frame = Frame::default();
        if let Some(with) = &q.with {
            if with.recursive {
                return refuse("WITH RECURSIVE is", q.span());
            }
            frame.names = with.cte_tables.iter().map(|c| c.alias.name.value.to_lowercase()).collect();
        }
        body(&q.body)?;
        self.queries.push(frame);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, q: &Query) -> Flow {
        let Some(done) = self.queries.pop() else { return ControlFlow::Continue(()) };
        // The walk meets the queries of a `WITH` list first, in order.
        match self.queries.last_mut() {
            Some(outer) if outer.weights.len() < outer.names.len() => outer.weights.push(done.relations.max(1)),
            Some(outer) => outer.relations = outer.relations.saturating_add(done.relations),
            None if done.relations > RELATIONS => {
                return refuse(
                    &format!("more than {RELATIONS} tables, counted at each use of a named sub-query, are"),
                    q.span(),
                );
            }
            None => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, s: &Select) -> Flow {
        if s.into.is_some() {
            return refuse("SELECT … INTO is", s.span());
        }
        if !s.lateral_views.is_empty() || !s.connect_by.is_empty() || s.prewhere.is_some() {
            return refuse("LATERAL VIEW, CONNECT BY and PREWHERE are", s.span());
        }
        if !s.cluster_by.is_empty() || !s.distribute_by.is_empty() || !s.sort_by.is_empty() {
            return refuse("CLUSTER BY, DISTRIBUTE BY and SORT BY are", s.span());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> Flow {
        let name = match relation.0.as_slice() {
            [one] => one.as_ident().map(|i| i.value.to_lowercase()),
            _ => None,
        };
        let weight = name.and_then(|name| {
            self.queries.iter().rev().find_map(|f| {
                let at = f.names.iter().zip(&f.weights).rposition(|(n, _)| *n == name)?;
                f.weights.get(at).copied()
            })
        });
        if let Some(frame) = self.queries.last_mut() {
            frame.relations = frame.relations.saturating_add(weight.unwrap_or(1));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, t: &TableFactor) -> Flow {
        match t {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                // The same words as for a name that nobody knows: there are no table functions.
                ControlFlow::Break(LakeError::no_dataset(name.to_string().to_lowercase()))
            }
            TableFactor::Table { with_hints, version, partitions, json_path, sample, index_hints, .. } => {
                let plain = with_hints.is_empty()
                    && version.is_none()
                    && (partitions.is_empty() || version::clause(partitions, self.clauses).is_some())
                    && json_path.is_none()
                    && sample.is_none()
                    && index_hints.is_empty();
                if plain {
                    ControlFlow::Continue(())
                } else {
                    refuse("hints, samples and partitions of a table are", t.span())
                }
            }
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } | TableFactor::UNNEST { .. } => {
                ControlFlow::Continue(())
            }
            _ => refuse("this kind of table is", t.span()),
        }
    }

    fn pre_visit_expr(&mut self, e: &Expr) -> Flow {
        match e {
            Expr::Cube(sets) => {
                self.cubes += 1;
                if sets.len() > CUBE {
                    return refuse(&format!("CUBE over more than {CUBE} expressions is"), e.span());
                }
            }
            Expr::Rollup(_) | Expr::GroupingSets(_) => self.cubes += 1,
            e if holds_query(e) => {
                self.nested += 1;
                if self.nested > NESTED {
                    let what = format!("more than {NESTED} sub-queries inside one another are");
                    return refuse(&what, e.span());
                }
                return ControlFlow::Continue(());
            }
            _ => return ControlFlow::Continue(()),
        }
        if self.cubes > 3 {
            refuse("more than three CUBE, ROLLUP or GROUPING SETS are", e.span())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn post_visit_expr(&mut self, e: &Expr) -> Flow {
        if holds_query(e) {
            self.nested = self.nested.saturating_sub(1);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, s: &Statement) -> Flow {
        refuse(&format!("{} is", first_word(&s.to_string())), s.span())
    }
}

fn holds_query(e: &Expr) -> bool {
    matches!(e, Expr::Exists { .. } | Expr::InSubquery { .. } | Expr::Subquery(_))
}

fn body(e: &SetExpr) -> Flow {
    match e {
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => ControlFlow::Continue(()),
        SetExpr::SetOperation { left, right, .. } => {
            body(left)?;
            body(right)
        }
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            refuse("INSERT, UPDATE, DELETE and MERGE are", e.span())
        }
        SetExpr::Table(_) => refuse("TABLE is", e.span()),
    }
}

/// A table reference as its author meant it: parts that are no plain names stay in quotes.
pub(crate) fn written(reference: &TableReference) -> String {
    let plain = |s: &&str| {
        s.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let quoted = |s: &str| if plain(&s) { s.to_owned() } else { format!("\"{}\"", s.replace('"', "\"\"")) };
    let parts = [reference.catalog(), reference.schema(), Some(reference.table())];
    parts.into_iter().flatten().map(quoted).collect::<Vec<_>>().join(".")
}
