//! Appending in turns: rows of a writer that numbers its commits, for tables that grow by many small ones.
//!
//! The log remembers one number for each writer, where a commit of a file remembers its content for ever: a commit a
//! second would make that memory larger than the table.

use std::sync::Arc;

use arrow::array::RecordBatch;
use deltalake::kernel::{Action, Transaction};
use model::DatasetName;

use super::{
    Tables, WriteMode,
    commit::{ATTEMPTS, Note, add, create, is_conflict},
    foreign,
};
use crate::{LakeError, Result};

impl Tables {
    /// Adds rows as one version, making the table when it is absent. `number` rises with each commit of a writer: one
    /// that is tried again because its end is not known is made once.
    ///
    /// # Errors
    /// [`LakeError::Store`]; [`LakeError::Conflict`] when other writers kept committing first.
    pub(crate) async fn append(
        &self,
        dataset: &DatasetName,
        rows: &RecordBatch,
        writer: &str,
        number: i64,
    ) -> Result<()> {
        let note =
            Note { operation: WriteMode::Append.name().into(), rows: Some(rows.num_rows() as u64), ..Note::default() };
        let mut files = None;
        for attempt in 0..ATTEMPTS {
            // What was committed last is most often the newest; when it is not, the commit is refused.
            let known = self.newest_known(dataset).filter(|_| attempt == 0 && number > 1);
            let table = match known {
                Some(snapshot) => snapshot.table().clone(),
                None => self.writable(dataset).await?,
            };
            if let Ok(state) = table.snapshot() {
                foreign::check(dataset, state.snapshot(), WriteMode::Append)?;
                let last = state.snapshot().transaction_version(table.log_store().as_ref(), writer).await?;
                if last.is_some_and(|last| last >= number) {
                    return Ok(());
                }
            }
            let adds: &Vec<Action> = match &mut files {
                Some(files) => files,
                none => {
                    let written = self.written(dataset, &rows.schema(), std::slice::from_ref(rows), &[]).await?;
                    none.insert(written.into_iter().map(|f| Action::Add(f.add)).collect())
                }
            };
            let once = vec![Transaction::new(writer, number)];
            let properties = note.properties()?.with_application_transactions(once);
            let committed = match table.snapshot() {
                Err(_) => create(table, &rows.schema(), adds.clone(), properties).await,
                Ok(_) => add(table, &rows.schema(), adds.clone(), WriteMode::Append, properties).await,
            };
            match committed {
                Ok(table) => return self.keep(dataset, table).map(|_| ()),
                Err(e) if is_conflict(&e) => tracing::debug!(%dataset, error = %e, "another writer was first"),
                Err(e) => return Err(e.into()),
            }
        }
        Err(LakeError::Conflict { what: "the dataset" })
    }

    fn newest_known(&self, dataset: &DatasetName) -> Option<Arc<super::Snapshot>> {
        self.kept.get(dataset).and_then(|kept| kept.snapshot)
    }
}
