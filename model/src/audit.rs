//! The audit: who did what, when, and what became of it. One event is one row of `system.audit`.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};

/// Something that a person, a program or Penstock itself did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When it began, UTC.
    pub at: DateTime<Utc>,
    /// UUID, version 7: in the order of time.
    pub event: String,
    pub action: AuditAction,
    pub outcome: AuditOutcome,
    /// What whoever asked was told when it was denied or failed.
    pub message: Option<String>,
    /// Why it was denied or failed, in truth: tells what is hidden from what is absent, and is for stewards alone.
    pub reason: Option<String>,
    /// The key of the principal; `None` when nobody is known, and for the watcher and the command line themselves.
    pub who: Option<String>,
    pub name: String,
    pub email: Option<String>,
    /// How it came: `session ID`, `token ID`, `command line`, `watcher`, `sign-in`, `server`; `session ID as
    /// NAME` where a steward viewed as somebody.
    pub via: String,
    /// `unit.dataset`, with a comma and a space between several.
    pub datasets: Option<String>,
    /// Columns that a query reads, as `unit.dataset.column`, with a comma and a space between several.
    pub columns: Option<String>,
    /// What was asked or sent: a SQL text, a file's name, a note; cut at [`AuditEvent::TEXT_BYTES`].
    pub text: Option<String>,
    /// Hash of the policy that held.
    pub policy: Option<String>,
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
    /// Whether the answer was there already.
    pub cached: Option<bool>,
    pub milliseconds: Option<u64>,
    /// Id of the request, as `X-Request-Id` and the log say it.
    pub request: Option<String>,
    /// The address that the connection came from.
    pub address: Option<String>,
    /// What the access was asked for by which a query saw something, with a semicolon and a space between several.
    pub purpose: Option<String>,
}

impl AuditEvent {
    /// Bytes of each text of an event, at most.
    pub const TEXT_BYTES: usize = 8 << 10;
}

/// Words that the table, the page and this code share.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As the table has it.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(s: &str) -> Result<Self, String> {
                let known = Self::ALL.iter().copied().find(|k| k.word() == s);
                known.ok_or_else(|| {
                    let words: Vec<&str> = Self::ALL.iter().map(|k| k.word()).collect();
                    format!("`{s}` is none of {}", words.join(", "))
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// What was done, in one word.
    AuditAction {
        SignIn = "sign-in",
        SignOut = "sign-out",
        /// A SQL text.
        Query = "query",
        /// Rows of a dataset without SQL.
        Rows = "rows",
        /// Rows of a stored answer that the person did not just ask for.
        Result = "result",
        Download = "download",
        /// What a dataset's columns hold.
        Profile = "profile",
        /// A dataset's description, columns or versions; only when denied.
        Look = "look",
        /// A look at what would become of a file.
        Inspect = "inspect",
        /// A file that was sent.
        Upload = "upload",
        /// A file that was found in the landing area, or that came to its turn.
        Arrival = "arrival",
        /// A report of an arrival; only when denied.
        Report = "report",
        /// Raw rows that did not land.
        Quarantine = "quarantine",
        /// Corrected rows that were sent.
        Correct = "correct",
        /// An owner's decision about a file.
        Decide = "decide",
        /// What somebody sees, told to a steward.
        Explain = "explain",
        /// A steward began or ended to look at the portal as somebody else.
        ViewAs = "view-as",
        /// Somebody asked for access to a dataset.
        AskAccess = "ask-access",
        WithdrawAccess = "withdraw-access",
        GrantAccess = "grant-access",
        RefuseAccess = "refuse-access",
        /// Access that was granted was taken away.
        EndAccess = "end-access",
        RollBack = "roll-back",
        MakeToken = "make-token",
        RevokeToken = "revoke-token",
        RevokeSession = "revoke-session",
        /// A service account was made.
        MakeAccount = "make-account",
        /// A service account was disabled, or works again.
        ChangeAccount = "change-account",
        RemoveAccount = "remove-account",
        /// A policy was reviewed or published, or another one was read.
        Policy = "policy",
        /// The audit was searched.
        Audit = "audit",
        /// A request of the API that its token does not allow.
        Request = "request",
    }
}

words! {
    /// What became of it.
    AuditOutcome {
        Ok = "ok",
        Denied = "denied",
        Failed = "failed",
    }
}

/// Which events are wanted; absent means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub action: Option<AuditAction>,
    pub outcome: Option<AuditOutcome>,
    /// A part of the datasets' names.
    pub dataset: Option<String>,
    /// A part of the name, the e-mail or the key of the person.
    pub person: Option<String>,
    /// The key of one person.
    pub who: Option<String>,
    /// A part of the text, of what was told, or of the reason as far as the asker may see it.
    pub text: Option<String>,
    /// The first instant that is wanted.
    pub from: Option<DateTime<Utc>>,
    /// The first instant that is not wanted any more.
    pub until: Option<DateTime<Utc>>,
    /// Only events before this one.
    pub before: Option<String>,
}

/// Some events, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPage {
    pub events: Vec<AuditEvent>,
    /// The event before which there are more.
    pub before: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for action in AuditAction::ALL {
            assert_eq!(action.word().parse(), Ok(*action));
        }
        let said = "nothing".parse::<AuditOutcome>().expect_err("is no outcome");
        assert_eq!(said, "`nothing` is none of ok, denied, failed");
    }
}
