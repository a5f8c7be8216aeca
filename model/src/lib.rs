//! The words that all layers of Penstock share.
//!
//! Plain data with serde and the parsing that makes invalid names unrepresentable.
//! No IO, no engine, no HTTP; builds for wasm32.

pub mod access;
pub mod account;
pub mod audit;
pub mod column;
pub mod dataset;
pub mod difference;
pub mod explain;
pub mod ingest;
pub mod inspect;
pub mod name;
pub mod network;
pub mod page;
pub mod policy;
pub mod principal;
pub mod problem;
pub mod profile;
pub mod query;
pub mod session;
pub mod text;
pub mod token;
pub mod upload;

pub use access::{
    AccessAnswer, AccessPreview, AccessRequest, AccessRequests, AccessState, AccessVerdict, Answered, Ask, Asker,
    Discovered, Giving,
};
pub use account::{Account, AccountChange, AccountDetail, Accounts, NewServiceAccount, Service};
pub use audit::{AuditAction, AuditEvent, AuditFilter, AuditOutcome, AuditPage};
pub use column::{Column, ColumnType};
pub use dataset::{
    AccessNote, Compacted, Dataset, DatasetDetail, DatasetFilter, DatasetVersion, RollBack, UnitSummary,
};
pub use difference::{Ahead, ColumnChange, ColumnDifference, Decision, Difference, Verdict};
pub use explain::{ColumnExplanation, DatasetExplanation, Explanation, GrantExplanation, VisibleRows};
pub use ingest::{
    Astray, ColumnReport, ColumnWarning, Correction, IngestFilter, IngestReport, IngestState, QuarantinedRow,
    RefusedBecause, RowCounts, Waiting,
};
pub use inspect::{InspectedColumn, InspectedRows, Inspection, Lands, Refused, RowNumber};
pub use name::{ColumnName, DatasetName, InvalidName, UnitName};
pub use network::{InvalidNetwork, Network};
pub use page::{Cell, Page};
pub use policy::{Action, Grant, Partner, Policy};
pub use policy::{
    review::{
        AccessChange, Doubt, PolicyEffect, PolicyFinding, PolicyReview, PolicyTestResult, RowsChange, ShownChange,
        StewardChange, Turn,
    },
    version::{
        PolicyText, PolicyVersion, PolicyVersionDetail, PolicyVersionState, PolicyVersions, PublishPolicy, TextLine,
    },
};
pub use principal::{Origin, Principal, Viewing};
pub use problem::Problem;
pub use profile::{Bin, ColumnProfile, DatasetProfile, Lengths, TopValue};
pub use query::{
    CacheOutcome, CacheTier, ExportFormat, Formulas, QueryRequest, QueryState, QueryStatus, RecentQuery, RowsRequest,
};
pub use session::SessionSummary;
pub use token::{NewToken, TokenSecret, TokenSummary};
pub use upload::Upload;
