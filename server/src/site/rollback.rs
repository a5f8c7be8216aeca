//! `POST /datasets/{unit}/{name}/rollback`: the button of the list of versions. Answers with the list.

use axum::{
    extract::{Form, Path, State, rejection::FormRejection},
    response::Response,
};
use lake::LakeError;
use model::{DatasetName, RollBack};

use crate::{
    auth::{Caller, Via, return_to},
    problem::{Page, see_other},
    state::AppState,
};

pub(crate) async fn form(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path((unit, name)): Path<(String, String)>,
    form: Result<Form<RollBack>, FormRejection>,
) -> Result<Response, Page> {
    let list = format!("/datasets/{unit}/{name}?tab=versions");
    // Forms are for people in browsers; tokens have the API.
    let Some(caller) = caller.filter(|c| matches!(c.via, Via::Session(_))) else {
        return Ok(see_other(&return_to::sign_in(&list)));
    };
    let name = DatasetName::new(&unit, &name).map_err(|_| LakeError::no_dataset(format!("{unit}.{name}")))?;
    let Form(to) = form.map_err(|_| Page::bad_request("Choose one of the versions in the dataset's list."))?;
    state.lake.roll_back(&caller.principal, &name, to).await?;
    Ok(see_other(&list))
}
