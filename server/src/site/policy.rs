//! `POST /policy/edit`: changes of the policy's text, its review and its publication. Answers with the page, filled; with
//! the history once it is published.

use std::sync::Arc;

use app::context::{Draft, DraftGrant};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest as _, Request, State},
    http::Method,
    middleware::{from_fn, from_fn_with_state},
    response::Response,
    routing::post,
};
use lake::{
    LakeError,
    policy::{GrantText, add_grant, end_grant},
};
use model::{Doubt, Principal, PublishPolicy};

use crate::{
    api,
    auth::{Caller, Via},
    problem::{ApiProblem, Page, see_other},
    state::AppState,
};

/// What a form of the page sends.
#[derive(Debug, Default)]
struct Sent {
    does: String,
    draft: Draft,
    /// The grant that ends, by its line.
    line: u64,
    end: String,
}

/// The route, with what every page has around it.
pub(super) fn form(state: &AppState) -> Router<AppState> {
    let options = state.site.options.clone();
    let render = leptos_axum::render_app_async_with_context(super::context(state), move || app::shell(options.clone()));
    let answer = move |State(state): State<AppState>, request: Request| {
        let render = render.clone();
        async move {
            let mut page = Request::new(axum::body::Body::empty());
            *page.uri_mut() = request.uri().clone();
            *page.headers_mut() = request.headers().clone();
            *page.extensions_mut() = request.extensions().clone();
            *page.method_mut() = Method::GET;
            match done(&state, request).await? {
                Done::Published(version) => Ok(see_other(&format!("/policy/history?published={version}"))),
                Done::Draft(draft) => {
                    page.extensions_mut().insert(Arc::new(*draft));
                    Ok::<Response, Page>(render(page).await)
                }
            }
        }
    };
    Router::new()
        .route("/policy/edit", post(answer))
        .layer(DefaultBodyLimit::max(api::policy::MOST))
        .layer(from_fn_with_state(state.clone(), super::know_steward))
        .layer(from_fn(super::require_sign_in))
}

enum Done {
    Published(u64),
    Draft(Box<Draft>),
}

async fn done(state: &AppState, request: Request) -> Result<Done, Page> {
    // Forms are for people in browsers; tokens have the API.
    let caller = request.extensions().get::<Caller>().filter(|c| matches!(c.via, Via::Session(_))).cloned();
    let Some(Caller { principal: who, .. }) = caller else { return Err(Page::not_found()) };
    let too_long = |_| Page::bad_request("The form could not be read: a policy has at most 256 KiB.");
    let bytes = Bytes::from_request(request, state).await.map_err(too_long)?;
    // The page does not exist for others, and what they send is not looked at.
    match state.lake.policy_text(&who).await {
        Err(LakeError::Forbidden { .. }) => return Err(Page::not_found()),
        told => drop(told?),
    }
    let Sent { does, mut draft, line, end } = read(&bytes);
    match does.as_str() {
        "add" => match grant(&draft.grant).and_then(|grant| add_grant(&draft.text, &grant)) {
            Ok((text, at)) => {
                draft.text = text;
                draft.grant = DraftGrant::default();
                draft.done = Some(format!("A grant was added to the text, on line {at}. Review it to publish it."));
            }
            Err(e) => draft.failed = Some(said(e)),
        },
        "end" => match end_grant(&draft.text, line, &end) {
            Ok(text) => {
                draft.text = text;
                draft.done = Some(format!("The grant on line {line} ends in the text. Review it to publish it."));
            }
            Err(e) => draft.failed = Some(said(e)),
        },
        "publish" => {
            let publish = PublishPolicy {
                text: draft.text.clone(),
                note: draft.note.clone(),
                restores: draft.restores,
                accept: draft.accept.clone(),
            };
            match state.lake.publish_policy(&who, &draft.base, publish).await {
                Ok(made) => return Ok(Done::Published(made.version)),
                Err(LakeError::Conflict { .. }) => overtaken(state, &who, &mut draft).await?,
                Err(e) => draft.failed = Some(said(e)),
            }
            review(state, &who, &mut draft).await?;
        }
        _ => review(state, &who, &mut draft).await?,
    }
    Ok(Done::Draft(Box::new(draft)))
}

/// Somebody published since the editor was opened: what they changed is shown, and what is sent next replaces that.
async fn overtaken(state: &AppState, who: &Principal, draft: &mut Draft) -> Result<(), Page> {
    let now = state.lake.policy_text(who).await?;
    let whose = match now.version {
        Some(number) => {
            let version = state.lake.policy_version(who, number).await?.version;
            match version.by {
                Some(by) => format!("{by} published version {number} since you began"),
                None => format!("Version {number} was found in policy.toml since you began"),
            }
        }
        None => "policy.toml was changed since you began, and not here".to_owned(),
    };
    if now.sha256 == draft.base {
        draft.failed = Some("Another version is being published at this moment; try again in a minute".to_owned());
        return Ok(());
    }
    let then = "Nothing of yours was published. Your text is below as you sent it, without these changes";
    draft.failed = Some(format!("{whose}. {then}: take over what should stay, and review it again."));
    draft.since = state.lake.policy_since(who, &draft.base).await?;
    draft.base = now.sha256;
    Ok(())
}

async fn review(state: &AppState, who: &Principal, draft: &mut Draft) -> Result<(), Page> {
    match api::policy::reviewed(state, who, &draft.text).await {
        Ok(found) if found.base == draft.base => draft.review = Some(found),
        Ok(found) => {
            // Compared with what the reader has not seen so far.
            overtaken(state, who, draft).await?;
            draft.review = Some(found);
        }
        Err(e) => {
            draft.failed.get_or_insert(said(e));
        }
    }
    Ok(())
}

fn said(error: LakeError) -> String {
    ApiProblem::from(error).detail().to_owned()
}

fn read(bytes: &[u8]) -> Sent {
    let mut sent = Sent::default();
    let draft = &mut sent.draft;
    for (name, value) in url::form_urlencoded::parse(bytes) {
        // Browsers send every end of a line as two characters.
        let value = value.replace("\r\n", "\n");
        match name.as_ref() {
            "do" => sent.does = value,
            "text" => draft.text = value,
            "base" => draft.base = value,
            "note" => draft.note = value,
            "restores" => draft.restores = value.parse().ok(),
            "accept" => draft.accept.extend(Doubt::ALL.into_iter().find(|d| d.word() == value)),
            "line" => sent.line = value.parse().unwrap_or(0),
            "end" => sent.end = value,
            "to" => draft.grant.to = value,
            "on" => draft.grant.on = value,
            "rows" => draft.grant.rows = value,
            "columns" => draft.grant.columns = value,
            "except" => draft.grant.except = value,
            "mask" => draft.grant.mask = value,
            "until" => draft.grant.until = value,
            "why" => draft.grant.why = value,
            _ => {}
        }
    }
    sent
}

fn grant(given: &DraftGrant) -> lake::Result<GrantText> {
    let list = |text: &str| -> Vec<String> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let mask = |line: &str| {
        let wrong = || LakeError::invalid(format!("`{line}` is no mask: write for example `tailnum = hash`"));
        let (column, mask) = line.split_once('=').ok_or_else(wrong)?;
        Ok((column.trim().to_owned(), mask.trim().to_owned()))
    };
    let masks = given.mask.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(GrantText {
        to: list(&given.to),
        on: list(&given.on),
        rows: given.rows.trim().to_owned(),
        columns: list(&given.columns),
        except: list(&given.except),
        mask: masks.map(mask).collect::<lake::Result<_>>()?,
        until: given.until.trim().to_owned(),
        note: given.why.trim().to_owned(),
    })
}
