//! The grants that Penstock itself gives, on what it keeps itself: stewards read all of it, anyone else what they did
//! themselves, without the true reasons. `policy.toml` has no say in it, not by `*` either, so that no grant written for data opens the audit.

use arrow::datatypes::Schema;
use datafusion::{common::Column, logical_expr::Expr, prelude::lit};
use model::{Action, DatasetName, Principal};

use super::{
    compose::{Part, Said},
    grantee::in_scope,
    has_groups,
};
use crate::audit::{REASON, WHO};

/// Whether `who` may do this with a dataset that is reserved: read, within a token's scope, and nothing else.
pub(super) fn gives(who: &Principal, dataset: &DatasetName, action: Action) -> bool {
    action == Action::Read && has_groups(who) && in_scope(who, dataset, "read")
}

/// What `who` sees of a reserved dataset that had this schema.
pub(super) fn parts(who: &Principal, steward: bool, dataset: &DatasetName, then: &Schema) -> Vec<Part> {
    // Without the column that says whose a row is, nobody's rows are known.
    let known = then.field_with_name(WHO).is_ok();
    if !gives(who, dataset, Action::Read) || !(steward || known) {
        return Vec::new();
    }
    let own = || Expr::Column(Column::new_unqualified(WHO)).eq(lit(who.key()));
    // A true reason tells a dataset that is hidden from one that is absent.
    let shown = then.fields().iter().map(|f| f.name()).filter(|name| steward || *name != REASON);
    let columns = shown.map(|name| (name.clone(), None)).collect();
    vec![Part { filter: (!steward).then(own), said: (!steward).then(|| Said { words: own(), told: true }), columns }]
}
