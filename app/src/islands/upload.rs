//! Drag and drop and progress for the upload form, which works without.

use leptos::prelude::*;

/// Looks for the form `upload` with the field `upload-file` and the places `upload-progress` and `upload-message`.
#[island]
pub fn Uploader() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser_side();
}

#[cfg(feature = "hydrate")]
fn browser_side() {
    use web_sys::{DragEvent, Event, HtmlFormElement, HtmlInputElement};

    use super::browser;

    const OVER: &str = "upload--over";
    let Some(form) = browser::by_id::<HtmlFormElement>("upload") else { return };
    let Some(field) = browser::by_id::<HtmlInputElement>("upload-file") else { return };
    for (event, over) in [("dragover", true), ("dragleave", false), ("drop", false)] {
        let zone = form.clone();
        browser::listen(&form, event, move |event: DragEvent| {
            event.prevent_default();
            let classes = zone.class_list();
            drop(if over { classes.add_1(OVER) } else { classes.remove_1(OVER) });
        });
    }
    let dropped_on = form.clone();
    browser::listen(&form, "drop", move |event: DragEvent| {
        if let Some(files) = event.data_transfer().and_then(|d| d.files()).filter(|f| f.length() > 0) {
            field.set_files(Some(&files));
            drop(dropped_on.request_submit());
        }
    });
    let sent = form.clone();
    browser::listen(&form, "submit", move |event: Event| {
        if send(&sent).is_some() {
            event.prevent_default();
        }
    });
}

/// `None` when the browser cannot; the form then goes its own way.
#[cfg(feature = "hydrate")]
fn send(form: &web_sys::HtmlFormElement) -> Option<()> {
    use web_sys::{Element, Event, FormData, ProgressEvent, XmlHttpRequest};

    use super::browser;

    let data = FormData::new_with_form(form).ok()?;
    let request = XmlHttpRequest::new().ok()?;
    request.open("POST", &form.action()).ok()?;
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
    browser::listen(&request, "load", move |_: Event| {
        if answered.status().is_ok_and(|s| s < 400) {
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
