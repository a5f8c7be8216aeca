//! The forms of access requests: ask, grant, refuse, end, take back. Each answers with the list of requests.

use std::collections::HashMap;

use axum::{
    extract::{Form, Path, State, rejection::FormRejection},
    response::Response,
};
use lake::LakeError;
use model::{AccessAnswer, AccessVerdict, Ask, DatasetName, Giving};

use crate::{
    auth::{Caller, Via, return_to},
    problem::{Page, see_other},
    state::AppState,
};

const LIST: &str = "/access";

type Fields = Result<Form<HashMap<String, String>>, FormRejection>;

/// `POST /datasets/{unit}/{name}/access`
pub(crate) async fn ask(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path((unit, name)): Path<(String, String)>,
    form: Fields,
) -> Result<Response, Page> {
    let Some(caller) = by_session(caller) else {
        return Ok(see_other(&return_to::sign_in(&format!("/datasets/{unit}/{name}"))));
    };
    let name = DatasetName::new(&unit, &name).map_err(|_| LakeError::no_dataset(format!("{unit}.{name}")))?;
    let Form(form) = form.map_err(|_| Page::bad_request("Fill in the form on the dataset's page."))?;
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let days = field("days").parse().map_err(|_| Page::bad_request("Choose for how many days."))?;
    state
        .lake
        .ask_access(&caller.principal, &name, Ask { purpose: field("purpose"), days, wish: field("wish") })
        .await?;
    Ok(see_other(LIST))
}

/// `POST /access/{id}/answer`
pub(crate) async fn answer(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path(id): Path<String>,
    form: Fields,
) -> Result<Response, Page> {
    let Some(caller) = by_session(caller) else { return Ok(see_other(&return_to::sign_in(LIST))) };
    let Form(form) = form.map_err(|_| Page::bad_request("Fill in the form on the request's page."))?;
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let (verdict, give) = match field("verdict").as_str() {
        "grant" => (AccessVerdict::Grant, Some(Giving::of_form(field).map_err(Page::bad_request)?)),
        "refuse" => (AccessVerdict::Refuse, None),
        "end" => (AccessVerdict::End, None),
        "withdraw" => (AccessVerdict::Withdraw, None),
        _ => return Err(Page::bad_request("Use the buttons on the request's page.")),
    };
    let answer = AccessAnswer { verdict, reason: field("reason"), give };
    state.lake.answer_access(&caller.principal, &id, answer).await?;
    Ok(see_other(LIST))
}

/// Forms are for people in browsers; tokens have the API.
fn by_session(caller: Option<Caller>) -> Option<Caller> {
    caller.filter(|c| matches!(c.via, Via::Session(_)))
}
