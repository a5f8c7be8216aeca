//! Rows of one dataset without SQL: a request becomes a text, which goes the way of every other text.

use datafusion::sql::sqlparser::{
    ast::{Expr, SetExpr, Statement},
    dialect::GenericDialect,
    parser::Parser,
    tokenizer::Token,
};
use model::{DatasetName, Page, Principal, QueryRequest, QueryStatus, RowsRequest};

use crate::{Lake, LakeError, Result, audit::Trace};

/// Rows of one stored window: paging within it costs no further query.
const BLOCK: u64 = 10_000;
const DEFAULT_LIMIT: u64 = 100;
const FILTER_BYTES: usize = 8 << 10;
/// What stands before a filter in its text.
const OPENED: &str = " WHERE (";
const QUOTES: &str = "text stands in single quotes: carrier = 'UA'";
/// Up to here rows without a wished order are put in one, so that windows fit together.
const ORDERED_ROWS: u64 = 5_000_000;

/// Rows of one dataset; what asks for them is audited by the caller.
pub(crate) async fn rows(
    lake: &Lake,
    who: &Principal,
    dataset: &DatasetName,
    request: RowsRequest,
    trace: &Trace,
) -> Result<(QueryStatus, Page)> {
    let engine = &lake.rooms().engine;
    let limit = request.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, BLOCK);
    let offset = request.offset;
    let (asker, planner, name, looked) = (who.clone(), lake.clone(), dataset.clone(), Trace::default());
    // On a big stack: a filter may be deep.
    let text = engine
        .at_desk(async move {
            let whole = format!("SELECT * FROM {}", table(&name));
            let plan = planner.plan(&asker, &whole, &serde_json::Map::new(), &looked).await?;
            let visible = plan.logical.schema().fields().iter().map(|f| f.name().clone()).collect();
            Text::new(&name, request, visible)
        })
        .await??;

    // To the end: the deadline comes before.
    let whole = lake.rooms().config.limits.query_time * 2;
    let counted = lake.answer_traced(who, QueryRequest::new(text.count()), whole, trace).await;
    let counted = counted.map_err(|e| text.place(e))?;
    let count = lake.page_of(who, &counted.id, 0, 1).await?;
    let total = count.rows.first().and_then(|row| row.first()?.as_u64()).unwrap_or_default();

    // A window across two blocks is a query of its own.
    let within = offset % BLOCK + limit <= BLOCK;
    let (from, most) = if within { (offset - offset % BLOCK, BLOCK) } else { (offset, limit) };
    let window = QueryRequest::new(text.window(from, most, total));
    let status = lake.answer_traced(who, window, whole, trace).await?;
    let mut page = lake.page_of(who, &status.id, offset - from, limit).await?;
    page.offset = offset;
    page.rows_total = total;
    Ok((status, page))
}

/// What was asked for, in words for the audit.
pub(super) fn words(request: &RowsRequest) -> String {
    let RowsRequest { columns, filter, sort, limit, offset } = request;
    let mut words = Vec::new();
    if !columns.is_empty() {
        words.push(format!("columns {}", columns.join(", ")));
    }
    words.extend(filter.iter().map(|filter| format!("where {filter}")));
    if !sort.is_empty() {
        words.push(format!("sort {}", sort.join(", ")));
    }
    words.push(format!("rows from {offset}, at most {}", limit.unwrap_or(DEFAULT_LIMIT)));
    words.join("; ")
}

/// A checked request.
#[derive(Debug)]
struct Text {
    table: String,
    columns: String,
    /// ` WHERE (…)`, or nothing.
    filter: String,
    sort: Vec<String>,
    /// Ends every order, so that it is the same each time.
    ties: Vec<String>,
}

impl Text {
    fn new(dataset: &DatasetName, request: RowsRequest, visible: Vec<String>) -> Result<Self> {
        let known = |name: &str| match visible.iter().any(|v| v == name) {
            true => Ok(quoted(name)),
            false => Err(LakeError::invalid(format!("{dataset} has no column `{name}`"))),
        };
        let wanted = if request.columns.is_empty() { &visible } else { &request.columns };
        let columns = wanted.iter().map(|c| known(c)).collect::<Result<Vec<_>>>()?.join(", ");
        let mut sorted = Vec::new();
        let mut sort = Vec::new();
        for key in &request.sort {
            let (name, way) = key.strip_prefix('-').map_or((key.as_str(), "ASC"), |name| (name, "DESC"));
            sort.push(format!("{} {way} NULLS LAST", known(name)?));
            sorted.push(name.to_owned());
        }
        let ties = visible.iter().filter(|v| !sorted.contains(v)).map(|v| quoted(v)).collect();
        let table = table(dataset);
        let filter = match request.filter.as_deref().map(str::trim) {
            None | Some("") => String::new(),
            Some(filter) => where_clause(filter)?,
        };
        Ok(Self { table, columns, filter, sort, ties })
    }

    fn count(&self) -> String {
        format!("SELECT count(*) AS \"rows\" FROM {}{}", self.table, self.filter)
    }

    /// An error of the count, with its place in the filter as it was written.
    fn place(&self, error: LakeError) -> LakeError {
        let LakeError::InvalidSql { message, line, column, hint } = error else { return error };
        let before = self.count().len() - self.filter.len() + OPENED.len();
        // In the first line stands what is ours too.
        let column = match (line, column) {
            (Some(1), Some(column)) => column.checked_sub(before as u64).filter(|c| *c > 0),
            (_, column) => column,
        };
        let hint = hint.or_else(|| message.starts_with("there is no column").then(|| QUOTES.to_owned()));
        LakeError::InvalidSql { line: column.and(line), column, message, hint }
    }

    fn window(&self, offset: u64, limit: u64, total: u64) -> String {
        let mut order = self.sort.clone();
        // One window holds all: it agrees with itself.
        let apart = total > BLOCK;
        if apart && (!order.is_empty() || total <= ORDERED_ROWS) {
            order.extend(self.ties.iter().cloned());
        }
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
        let Self { table, columns, filter, .. } = self;
        format!("SELECT {columns} FROM {table}{filter}{order} LIMIT {limit} OFFSET {offset}")
    }
}

/// Puts a person's predicate where it stays one: it must parse alone as one expression, and in its place the whole must
/// parse to a query whose WHERE is that same expression.
fn where_clause(filter: &str) -> Result<String> {
    if filter.len() > FILTER_BYTES {
        return Err(LakeError::Limit { message: format!("the filter is longer than {} KiB", FILTER_BYTES >> 10) });
    }
    let wrong = |why: &dyn std::fmt::Display| {
        LakeError::invalid(format!(
            "the filter must be one condition, such as carrier = 'UA' and dep_delay > 60: {why}"
        ))
    };
    let mut parser = Parser::new(&GenericDialect {}).try_with_sql(filter).map_err(|e| wrong(&e))?;
    let alone = parser.parse_expr().map_err(|e| wrong(&e))?;
    if parser.peek_token().token != Token::EOF {
        return Err(wrong(&format!("unexpected `{}`", parser.peek_token().token)));
    }
    // The line break ends a comment that the predicate may end with.
    let clause = format!("{OPENED}{filter}\n)");
    let whole = Parser::parse_sql(&GenericDialect {}, &format!("SELECT a FROM t{clause} ORDER BY a LIMIT 1"));
    let same = match whole.map_err(|e| wrong(&e))?.as_slice() {
        [Statement::Query(query)] => match query.body.as_ref() {
            SetExpr::Select(select) => {
                query.limit_clause.is_some()
                    && matches!(&select.selection, Some(Expr::Nested(inner)) if **inner == alone)
            }
            _ => false,
        },
        _ => false,
    };
    if same { Ok(clause) } else { Err(wrong(&"it does not stand for itself")) }
}

fn table(dataset: &DatasetName) -> String {
    format!("{}.{}", quoted(dataset.unit().as_str()), quoted(dataset.name()))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn check(filter: &str, accepted: bool) {
        assert_eq!(where_clause(filter).is_ok(), accepted, "{filter}: {:?}", where_clause(filter));
    }

    #[test]
    fn a_filter_stays_within_its_where() {
        for good in [
            "carrier = 'UA'",
            "a = 1 or b = 2",
            "a = 1 -- why",
            "a = /* (( */ 1",
            "name = 'x) or (1=1'",
            "\"odd \"\" name\" is not null",
            "a in (select b from c)",
            "(a = 1) and not (b like '%;%')",
        ] {
            check(good, true);
        }
        for bad in [
            "1=1) or (1=1",
            "1=1) limit 5 --",
            "a = 1; drop table t",
            "a = 1 union select * from u",
            "a = 1 order by b",
            "1) --",
            "a = 1 /*",
            "a = 'x",
            "",
            ")",
            "select 1",
            "a = 1 limit 1",
            "a, b",
        ] {
            check(bad, false);
        }
    }

    #[test]
    fn a_request_becomes_a_text_with_quoted_names() {
        let visible: Vec<String> = ["a", "b", "odd\"name"].map(Into::into).to_vec();
        let flights = DatasetName::new("ops", "flights").unwrap();
        let request = RowsRequest {
            columns: vec!["odd\"name".into(), "a".into()],
            filter: Some("b > 1".into()),
            sort: vec!["-b".into()],
            ..RowsRequest::default()
        };
        let text = Text::new(&flights, request, visible.clone()).unwrap();
        assert_eq!(text.count(), "SELECT count(*) AS \"rows\" FROM \"ops\".\"flights\" WHERE (b > 1\n)");
        assert_eq!(
            text.window(0, 10_000, 20_000),
            "SELECT \"odd\"\"name\", \"a\" FROM \"ops\".\"flights\" WHERE (b > 1\n) \
             ORDER BY \"b\" DESC NULLS LAST, \"a\", \"odd\"\"name\" LIMIT 10000 OFFSET 0"
        );
        let error = |column| LakeError::InvalidSql {
            message: "there is no column `c`".into(),
            line: Some(1),
            column: Some(column),
            hint: None,
        };
        let start = text.count().find("b > 1").unwrap() as u64 + 1;
        let LakeError::InvalidSql { line, column, hint, .. } = text.place(error(start)) else { panic!() };
        assert_eq!((line, column, hint.as_deref()), (Some(1), Some(1), Some(QUOTES)));
        let LakeError::InvalidSql { line, column, .. } = text.place(error(3)) else { panic!() };
        assert_eq!((line, column), (None, None));
        assert!(text.window(0, 10_000, 100).ends_with("ORDER BY \"b\" DESC NULLS LAST LIMIT 10000 OFFSET 0"));
        for wrong in [
            RowsRequest { columns: vec!["a\" from x --".into()], ..RowsRequest::default() },
            RowsRequest { sort: vec!["nothing".into()], ..RowsRequest::default() },
        ] {
            assert!(matches!(Text::new(&flights, wrong, visible.clone()), Err(LakeError::Invalid { .. })));
        }
    }
}
