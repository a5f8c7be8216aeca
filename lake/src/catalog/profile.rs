//! The profile of a dataset as one principal may see it.
//!
//! What was computed while the files were written is over all rows and raw values, so it is shown only for columns that
//! the policy leaves whole, by the same rule that decides over row counts. Every other figure is a governed query's.

use model::{AuditAction, Cell, Column, ColumnProfile, DatasetName, DatasetProfile, Principal};

use crate::{Lake, LakeError, Result, table::TableProfile};

/// Cells of one column in the answer to [`figures_sql`].
const FIGURES: usize = 4;

impl Lake {
    /// What each visible column holds, over the visible rows. Costs no scan where the profile serves that was written
    /// with the data; else one governed query, answered from the cache until the dataset or the policy changes.
    ///
    /// # Errors
    /// [`LakeError::NotFound`], the same for absent and hidden.
    pub async fn profile(&self, who: &Principal, name: &DatasetName) -> Result<DatasetProfile> {
        let entry = self.audited(who, AuditAction::Profile)?.on(name);
        let found = self.profile_of(who, name).await;
        self.conclude(who, entry, &found, |event, profile| {
            let columns: Vec<String> = profile.columns.iter().map(|c| format!("{name}.{}", c.name)).collect();
            event.columns = Some(columns.join(", "));
        });
        found
    }

    async fn profile_of(&self, who: &Principal, name: &DatasetName) -> Result<DatasetProfile> {
        let visible = self.visible(who, name).await?.ok_or_else(|| LakeError::no_dataset(name))?;
        let columns = visible.columns();
        let shows = |c: &Column| visible.access.shows_whole(&c.name);
        let written =
            if columns.iter().any(shows) { self.rooms().tables.profile(&visible.snapshot).await? } else { None };
        let of = |c: &Column| match written.as_deref().filter(|_| shows(c)) {
            Some(written) => written.column(&c.name),
            None => Ok(None),
        };
        let found = columns.iter().map(of).collect::<Result<Vec<_>>>()?;
        let asked: Vec<&Column> = columns.iter().zip(&found).filter(|(_, f)| f.is_none()).map(|(c, _)| c).collect();
        let (mut rows, mut answers) = (written.as_deref().map(TableProfile::rows), Vec::new());
        if !asked.is_empty() {
            let page = self.ask(who, &figures_sql(name, &asked), 1).await?;
            let row = page.rows.first().map_or(&[][..], Vec::as_slice);
            let counted = row.first().map_or(0, count);
            answers = asked
                .iter()
                .zip(row.get(1..).unwrap_or_default().chunks_exact(FIGURES))
                .map(|(c, f)| figures(c, counted, f))
                .collect();
            rows = Some(counted);
        }
        let mut answers = answers.into_iter();
        let columns = found.into_iter().filter_map(|f| f.or_else(|| answers.next())).collect();
        Ok(DatasetProfile { version: visible.snapshot.version, rows: rows.unwrap_or_default(), columns })
    }
}

fn figures_sql(name: &DatasetName, columns: &[&Column]) -> String {
    let each = columns.iter().map(|c| {
        let q = format!("\"{}\"", c.name.replace('"', "\"\""));
        format!(", count(*) - count({q}), approx_distinct(cast({q} as varchar)), min({q}), max({q})")
    });
    format!("select count(*){} from {name}", each.collect::<String>())
}

fn figures(column: &Column, rows: u64, cells: &[Cell]) -> ColumnProfile {
    ColumnProfile {
        name: column.name.clone(),
        rows,
        nulls: count(&cells[0]),
        distinct: count(&cells[1]),
        min: cells[2].clone(),
        max: cells[3].clone(),
        ..ColumnProfile::default()
    }
}

fn count(cell: &Cell) -> u64 {
    cell.as_u64().unwrap_or_default()
}
