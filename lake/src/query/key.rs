//! The key of an answer: SHA-256 over everything that the answer depends on, each part with its length before it.
//!
//! A plan's text is not enough: it drops the types and the escapes of literals. A plan's `Hash` is not enough: it takes
//! a Utf8 `1` for a Utf8View `1` and one time zone for another. So both go in, and each literal once more by itself.

use std::hash::{Hash, Hasher};

use datafusion::{
    common::tree_node::{TreeNode, TreeNodeRecursion},
    error::DataFusionError,
    logical_expr::{Expr, LogicalPlan, Volatility},
};
use model::{Cell, DatasetName};
use sha2::{Digest, Sha256};

use crate::{LakeError, Result, govern::GovernedPlan, result::FORMAT};

/// Engine and the meaning of a key; counts up when the same parts may give another answer.
const ENGINE: &str = concat!("penstock/", env!("CARGO_PKG_VERSION"), "/datafusion/55.2.0/key/1");

/// Settings that say how this machine works, not what the answer is: replicas of different size share answers.
const MACHINE: [&str; 2] = ["datafusion.execution.target_partitions", "datafusion.execution.planning_concurrency"];

/// All that an answer depends on.
#[derive(Debug, Clone)]
pub(super) struct Parts<'a> {
    pub engine: &'a str,
    pub format: u32,
    pub plan: Vec<u8>,
    pub params: &'a serde_json::Map<String, Cell>,
    pub datasets: Vec<(DatasetName, u64, [u8; 32])>,
    pub settings: Vec<(String, Option<String>)>,
}

/// The key of a plan's answer; by chance when the plan is volatile, so that no other query ever finds it.
pub(super) fn of(plan: &GovernedPlan, params: &serde_json::Map<String, Cell>) -> Result<([u8; 32], bool)> {
    let (digest, volatile) = digest(&plan.logical)
        .map_err(|e| LakeError::Internal { detail: format!("the plan has no key: {e}"), source: Some(e.into()) })?;
    if volatile || plan.volatile {
        return Ok((rand::random(), true));
    }
    let options = plan.session.state().config_options().entries();
    let mut settings: Vec<_> =
        options.into_iter().filter(|o| !MACHINE.contains(&o.key.as_str())).map(|o| (o.key, o.value)).collect();
    settings.sort_unstable();
    let mut datasets = plan.datasets.clone();
    datasets.sort_unstable();
    let parts = Parts { engine: ENGINE, format: FORMAT, plan: digest, params, datasets, settings };
    Ok((parts.key(), false))
}

impl Parts<'_> {
    pub(super) fn key(&self) -> [u8; 32] {
        let mut hash = Sink::default();
        hash.part(self.engine.as_bytes());
        hash.part(&self.format.to_le_bytes());
        hash.part(&self.plan);
        let mut params: Vec<_> = self.params.iter().collect();
        params.sort_unstable_by_key(|(name, _)| *name);
        hash.count(params.len());
        for (name, value) in params {
            hash.part(name.as_bytes());
            hash.part(value.to_string().as_bytes());
        }
        hash.count(self.datasets.len());
        for (name, version, access) in &self.datasets {
            hash.part(name.to_string().as_bytes());
            hash.part(&version.to_le_bytes());
            hash.part(access);
        }
        hash.count(self.settings.len());
        for (name, value) in &self.settings {
            hash.part(name.as_bytes());
            hash.count(usize::from(value.is_some()));
            hash.part(value.as_deref().unwrap_or_default().as_bytes());
        }
        hash.0.finalize().into()
    }
}

/// A plan as 32 bytes, and whether a function in it may give another value the next time.
fn digest(plan: &LogicalPlan) -> Result<(Vec<u8>, bool), DataFusionError> {
    let mut sink = Sink::default();
    let mut volatile = false;
    plan.hash(&mut sink);
    sink.part(plan.display_indent_schema().to_string().as_bytes());
    plan.apply_with_subqueries(|node| {
        sink.part(node.display().to_string().as_bytes());
        sink.count(node.inputs().len());
        for (qualifier, field) in node.schema().iter() {
            sink.part(
                format!("{qualifier:?} {} {:?} {}", field.name(), field.data_type(), field.is_nullable()).as_bytes(),
            );
        }
        node.apply_expressions(|expression| {
            sink.part(format!("{expression:?}").as_bytes());
            expression.apply(|e| {
                match e {
                    Expr::Literal(value, _) => {
                        sink.part(value.data_type().to_string().as_bytes());
                        sink.count(usize::from(value.is_null()));
                        value.hash(&mut sink);
                        sink.part(value.to_string().as_bytes());
                    }
                    Expr::ScalarFunction(f) => volatile |= f.func.signature().volatility != Volatility::Immutable,
                    _ => {}
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok((sink.0.finalize().to_vec(), volatile))
}

/// SHA-256 as a [`Hasher`]: nothing is folded to 64 bits on the way.
#[derive(Default)]
struct Sink(Sha256);

impl Sink {
    fn part(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn count(&mut self, n: usize) {
        self.0.update((n as u64).to_le_bytes());
    }
}

impl Hasher for Sink {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Nobody asks: the digest is taken whole.
    fn finish(&self) -> u64 {
        0
    }
}
