//! Drag and drop, looking at once and progress for the forms that take files, which work without.

use leptos::prelude::*;

/// Looks for the form `upload` with the field `upload-file` and the places `upload-progress` and `upload-message`.
/// Where there is a place `inspections`, chosen files are looked at before they are sent.
#[island]
pub fn Uploader() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser_side();
}

#[cfg(feature = "hydrate")]
fn browser_side() {
    use web_sys::{DragEvent, Element, Event, HtmlFormElement, HtmlInputElement};

    use super::browser;

    const OVER: &str = "upload--over";
    let Some(form) = browser::by_id::<HtmlFormElement>("upload") else { return };
    let Some(field) = browser::by_id::<HtmlInputElement>("upload-file") else { return };
    let looks = browser::by_id::<Element>("inspections").is_some();
    for (event, over) in [("dragover", true), ("dragleave", false), ("drop", false)] {
        let zone = form.clone();
        browser::listen(&form, event, move |event: DragEvent| {
            event.prevent_default();
            let classes = zone.class_list();
            drop(if over { classes.add_1(OVER) } else { classes.remove_1(OVER) });
        });
    }
    let (dropped_on, chosen) = (form.clone(), field.clone());
    browser::listen(&form, "drop", move |event: DragEvent| {
        if let Some(files) = event.data_transfer().and_then(|d| d.files()).filter(|f| f.length() > 0) {
            chosen.set_files(Some(&files));
            if looks {
                look(&dropped_on, &chosen);
            } else {
                drop(dropped_on.request_submit());
            }
        }
    });
    let (sent, files) = (form.clone(), field.clone());
    browser::listen(&form, "submit", move |event: Event| {
        let to = sends(&event);
        let taken = match to {
            Some(to) => send(&sent, &files, &to),
            None if looks => look(&sent, &files),
            None => send(&sent, &files, &sent.get_attribute("action").unwrap_or_default()),
        };
        if taken.is_some() {
            event.prevent_default();
        }
    });
    if looks {
        looking(&form, &field);
        // Chosen before this ran, or kept by the browser on the way back.
        let _ = look(&form, &field);
    }
}

/// Where the pressed button sends the files, when it is the one that does.
#[cfg(feature = "hydrate")]
fn sends(event: &web_sys::Event) -> Option<String> {
    use wasm_bindgen::JsCast as _;

    let button: web_sys::Element = super::browser::member(event, "submitter").dyn_into().ok()?;
    button.has_attribute("data-send").then(|| button.get_attribute("formaction")).flatten()
}

/// Looks again whenever other files are chosen or the contract changes.
#[cfg(feature = "hydrate")]
fn looking(form: &web_sys::HtmlFormElement, field: &web_sys::HtmlInputElement) {
    use std::{cell::Cell, rc::Rc};

    use wasm_bindgen::{JsCast as _, closure::Closure};
    use web_sys::{Element, Event, HtmlElement, HtmlTextAreaElement};

    use super::browser;

    /// Milliseconds without a key before the contract is read.
    const PAUSE: i32 = 500;

    let (at, files) = (form.clone(), field.clone());
    browser::listen(field, "change", move |_: Event| {
        let _ = look(&at, &files);
    });
    let Some(contract) = browser::by_id::<HtmlTextAreaElement>("contract") else { return };
    sendable(&contract);
    let text = contract.clone();
    let timer = Rc::new(Cell::new(0));
    let (at, files) = (form.clone(), field.clone());
    let run = Closure::<dyn Fn()>::new(move || {
        let _ = look(&at, &files);
    });
    browser::listen(&contract, "input", move |_: Event| {
        sendable(&text);
        if let Some(window) = web_sys::window() {
            window.clear_timeout_with_handle(timer.get());
            let set = window.set_timeout_with_callback_and_timeout_and_arguments_0(run.as_ref().unchecked_ref(), PAUSE);
            timer.set(set.unwrap_or_default());
        }
    });
    let Some(begin) = browser::by_id::<HtmlElement>("use-draft") else { return };
    let (at, files) = (form.clone(), field.clone());
    browser::listen(&begin, "click", move |_: Event| {
        let drafts: Vec<Element> = browser::all("[data-draft] code");
        if let Some(text) = drafts.first().and_then(|d| d.text_content()) {
            contract.set_value(&text);
            sendable(&contract);
            drop(contract.focus());
            let _ = look(&at, &files);
        }
    });
}

/// Files land by the dataset's own contract: while another is written here, nothing is sent, and a sentence says why.
#[cfg(feature = "hydrate")]
fn sendable(contract: &web_sys::HtmlTextAreaElement) {
    let own = contract.value().trim().is_empty();
    for (selector, attribute, set) in [("[data-send]", "disabled", !own), ("#send-why", "hidden", own)] {
        for element in super::browser::all(selector) {
            drop(if set { element.set_attribute(attribute, "") } else { element.remove_attribute(attribute) });
        }
    }
}

/// Shows what the chosen files would become. Of a large text file the first part is sent; the server cuts it at a line.
#[cfg(feature = "hydrate")]
fn look(form: &web_sys::HtmlFormElement, field: &web_sys::HtmlInputElement) -> Option<()> {
    use wasm_bindgen::JsCast as _;
    use web_sys::{Element, Event, FormData, HtmlTextAreaElement, XmlHttpRequest, XmlHttpRequestResponseType};

    use super::browser;

    /// Bytes of a text file that are looked at.
    const PART: f64 = 4_000_000.0;

    let files = field.files().filter(|f| f.length() > 0)?;
    let place = browser::by_id::<Element>("inspections")?;
    let message = browser::by_id::<Element>("upload-message")?;
    let data = FormData::new().ok()?;
    if let Some(contract) = browser::by_id::<HtmlTextAreaElement>("contract") {
        data.append_with_str("contract", &contract.value()).ok()?;
    }
    for at in 0..files.length() {
        let file = files.item(at)?;
        let name = file.name();
        let lower = name.to_lowercase();
        let text = [".csv", ".tsv", ".txt", ".ndjson", ".jsonl"].iter().any(|end| lower.ends_with(end));
        let part =
            if text && file.size() > PART { file.slice_with_f64_and_f64(0.0, PART).ok()? } else { file.clone().into() };
        data.append_with_blob_and_filename("file", &part, &name).ok()?;
        data.append_with_str("size", &file.size().to_string()).ok()?;
    }
    let request = XmlHttpRequest::new().ok()?;
    request.open("POST", &form.action()).ok()?;
    request.set_response_type(XmlHttpRequestResponseType::Document);
    message.set_text_content(Some("Looking…"));
    drop(place.class_list().add_1("inspections--busy"));
    let answered = request.clone();
    browser::listen(&request, "loadend", move |_: Event| {
        // Asked for by its id each time: an earlier answer has put another in its place.
        let Some(place) = browser::by_id::<Element>("inspections") else { return };
        let page = answered.response().ok().and_then(|r| r.dyn_into::<web_sys::Document>().ok());
        let Some(new) = page.and_then(|page| page.get_element_by_id("inspections")) else {
            drop(place.class_list().remove_1("inspections--busy"));
            message.set_text_content(Some("That could not be looked at. Press Look to try again."));
            return;
        };
        message.set_text_content(new.get_attribute("data-said").as_deref());
        drop(place.replace_with_with_node_1(&new));
    });
    request.send_with_opt_form_data(Some(&data)).ok()
}

/// `None` when the browser cannot; the form then goes its own way.
#[cfg(feature = "hydrate")]
fn send(form: &web_sys::HtmlFormElement, field: &web_sys::HtmlInputElement, to: &str) -> Option<()> {
    use web_sys::{Element, Event, FormData, ProgressEvent, XmlHttpRequest};

    use super::{browser, pieces};

    let files = field.files()?;
    let files: Vec<web_sys::File> = (0..files.length()).filter_map(|at| files.item(at)).collect();
    if let Some(dataset) = to.strip_prefix("/api/v1/uploads/")
        && files.iter().any(|f| f.size() > pieces::PIECE)
    {
        return pieces::send(dataset, files);
    }

    let data = FormData::new_with_form(form).ok()?;
    let request = XmlHttpRequest::new().ok()?;
    request.open("POST", to).ok()?;
    request.set_request_header("accept", "text/html, application/problem+json").ok()?;
    let bar = browser::by_id::<Element>("upload-progress")?;
    let message = browser::by_id::<Element>("upload-message")?;
    drop(bar.remove_attribute("hidden"));
    message.set_text_content(Some("Sending…"));

    let upload = request.upload().ok()?;
    let (progress, words) = (bar.clone(), message.clone());
    browser::listen(&upload, "progress", move |event: ProgressEvent| {
        let share = event.loaded() / event.total().max(1.0);
        drop(progress.set_attribute("value", &share.to_string()));
        let text =
            if share < 1.0 { format!("Sending… {:.0} %", share * 100.0) } else { "Reading the file…".into() };
        words.set_text_content(Some(&text));
    });
    let answered = request.clone();
    browser::listen(&request, "loadend", move |_: Event| {
        if answered.status().is_ok_and(|s| (200..400).contains(&s)) {
            browser::go(&answered.response_url());
            return;
        }
        let text = answered.response_text().ok().flatten().unwrap_or_default();
        let detail = js_sys::JSON::parse(&text).map(|p| browser::text_member(&p, "detail")).unwrap_or_default();
        drop(bar.set_attribute("hidden", ""));
        let said = if detail.is_empty() { "The file was not taken. Try again." } else { &detail };
        message.set_text_content(Some(said));
    });
    request.send_with_opt_form_data(Some(&data)).ok()
}
