//! What a result was made of, and whether someone who asks for it sees the same today.

use std::sync::Arc;

use arrow::{
    datatypes::{Schema, SchemaRef},
    ipc::{reader::StreamReader, writer::StreamWriter},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Utc;
use model::{DatasetName, Principal};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use sha2::{Digest, Sha256};

use super::hex;
use crate::{Lake, Result};

/// One dataset as the maker of a result saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub name: DatasetName,
    pub version: u64,
    /// Fingerprint of the access, hex.
    pub access: String,
    /// The table's whole schema at that version, over which the fingerprint was taken: a later version may have more
    /// columns, and that alone must not take an old result away. `None` when it was not known.
    #[serde(serialize_with = "schema_out", deserialize_with = "schema_in")]
    pub schema: Option<SchemaRef>,
}

impl Lake {
    /// Whether `who` sees today, of each dataset, what was seen then. Revocation thus reaches every old result.
    pub(crate) async fn may_see(&self, who: &Principal, owner: Option<&str>, seen: &[Seen]) -> Result<bool> {
        if owner.is_some_and(|o| o != owner_of(&who.key())) {
            return Ok(false);
        }
        for dataset in seen {
            let Some(newest) = self.rooms().tables.snapshot(&dataset.name).await? else { return Ok(false) };
            let then = dataset.schema.as_ref().unwrap_or(&newest.schema);
            let policies = &self.rooms().policies;
            let access = policies.access_then(who, &dataset.name, then, &newest.schema, Utc::now()).await?;
            if access.is_none_or(|a| hex(&a.fingerprint) != dataset.access) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The datasets of a plan with the schemas that their fingerprints were taken over.
    pub(crate) async fn seen(&self, datasets: &[(DatasetName, u64, [u8; 32])]) -> Result<Vec<Seen>> {
        let mut all = Vec::with_capacity(datasets.len());
        for (name, version, access) in datasets {
            let tables = &self.rooms().tables;
            let mut snapshot = tables.snapshot(name).await?;
            // A commit came in between.
            if snapshot.as_ref().is_some_and(|s| s.version != *version) {
                snapshot = tables.snapshot_at(name, *version).await?;
            }
            let schema = snapshot.map(|s| Arc::clone(&s.schema));
            all.push(Seen { name: name.clone(), version: *version, access: hex(access), schema });
        }
        Ok(all)
    }
}

/// How a principal's key is written into a result that is nobody else's.
pub(crate) fn owner_of(key: &str) -> String {
    hex(&Sha256::digest(key))
}

fn schema_out<S: Serializer>(schema: &Option<SchemaRef>, out: S) -> Result<S::Ok, S::Error> {
    let Some(schema) = schema else { return out.serialize_none() };
    let bytes = StreamWriter::try_new(Vec::new(), schema)
        .and_then(|mut w| {
            w.finish()?;
            w.into_inner()
        })
        .map_err(S::Error::custom)?;
    out.serialize_some(&STANDARD.encode(bytes))
}

fn schema_in<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SchemaRef>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
    let reader = StreamReader::try_new(bytes.as_slice(), None).map_err(D::Error::custom)?;
    let schema: &Schema = &reader.schema();
    Ok(Some(Arc::new(schema.clone())))
}
