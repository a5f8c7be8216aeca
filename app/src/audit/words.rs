//! Actions and outcomes in words.

use model::{AuditAction as A, AuditOutcome as O};

pub fn action(action: A) -> &'static str {
    match action {
        A::SignIn => "Sign-in",
        A::SignOut => "Sign-out",
        A::Query => "Query",
        A::Rows => "Rows read",
        A::Result => "Stored answer read",
        A::Download => "Download",
        A::Profile => "Column profile",
        A::Look => "Dataset looked at",
        A::Inspect => "File inspected",
        A::Upload => "File sent",
        A::Arrival => "File taken",
        A::Report => "Arrival looked at",
        A::Quarantine => "Quarantine read",
        A::Correct => "Correction sent",
        A::Decide => "Decision",
        A::Explain => "View explained",
        A::ViewAs => "View as",
        A::AskAccess => "Access asked for",
        A::WithdrawAccess => "Request taken back",
        A::GrantAccess => "Access given",
        A::RefuseAccess => "Access refused",
        A::EndAccess => "Access ended",
        A::RollBack => "Roll back",
        A::MakeToken => "Token made",
        A::RevokeToken => "Token revoked",
        A::RevokeSession => "Session revoked",
        A::MakeAccount => "Service account made",
        A::ChangeAccount => "Service account changed",
        A::RemoveAccount => "Service account removed",
        A::Policy => "Policy",
        A::Audit => "Audit searched",
        A::Request => "API request",
    }
}

pub fn outcome(outcome: O) -> &'static str {
    match outcome {
        O::Ok => "Done",
        O::Denied => "Denied",
        O::Failed => "Failed",
    }
}
