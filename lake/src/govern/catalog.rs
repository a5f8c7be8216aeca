//! The catalog of one governed session: one catalog, its schemas the units, in them only what the query may read.
//!
//! It is filled before planning with the datasets that the text names and that are granted; it cannot be added to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use datafusion::{
    catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider},
    error::Result,
};
use model::UnitName;

/// What a session holds: by unit and the table's name within it, which is a dataset's, or that of one of its versions.
pub(super) type Tables = BTreeMap<(UnitName, String), Arc<dyn TableProvider>>;

/// Catalog, schema and list in one; a schema is this with a unit.
#[derive(Debug, Clone)]
pub(super) struct Granted {
    tables: Arc<Tables>,
    unit: Option<UnitName>,
}

/// The one catalog's name.
pub(super) const CATALOG: &str = "lake";

impl Granted {
    pub fn new(tables: Tables) -> Self {
        Self { tables: Arc::new(tables), unit: None }
    }
}

impl CatalogProviderList for Granted {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == CATALOG).then(|| Arc::new(self.clone()) as Arc<dyn CatalogProvider>)
    }
}

impl CatalogProvider for Granted {
    fn schema_names(&self) -> Vec<String> {
        let units: BTreeSet<String> = self.tables.keys().map(|(unit, _)| unit.to_string()).collect();
        units.into_iter().collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let unit = self.tables.keys().map(|(unit, _)| unit).find(|u| u.as_str() == name)?;
        Some(Arc::new(Self { tables: Arc::clone(&self.tables), unit: Some(unit.clone()) }))
    }
}

#[async_trait]
impl SchemaProvider for Granted {
    fn table_names(&self) -> Vec<String> {
        self.tables.keys().filter(|(u, _)| Some(u) == self.unit.as_ref()).map(|(_, name)| name.clone()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(self.find(name).cloned())
    }

    fn table_exist(&self, name: &str) -> bool {
        self.find(name).is_some()
    }
}

impl Granted {
    fn find(&self, name: &str) -> Option<&Arc<dyn TableProvider>> {
        self.tables.get(&(self.unit.clone()?, name.to_owned()))
    }
}
