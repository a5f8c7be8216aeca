//! Large files, sent in pieces: what has come stays when the connection breaks off, and after a reload of the page too.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{Blob, Element, Event, File, ProgressEvent, Storage, XmlHttpRequest};

use super::browser;

/// Bytes of one request; what is larger is sent this way.
pub const PIECE: f64 = 8_388_608.0;
const UPLOADS: &str = "/api/v1/uploads";
/// Attempts at one place before a person is asked to try again.
const TRIES: u32 = 6;

struct Sending {
    dataset: String,
    files: Vec<File>,
    /// Of them, the one that is being sent.
    at: usize,
    /// Where its pieces go.
    address: String,
    offset: f64,
    tries: u32,
    arrivals: Vec<String>,
    bar: Element,
    message: Element,
}

type Shared = Rc<RefCell<Sending>>;

/// Sends the files to `unit/dataset`, one after the other. `None` when the page has no place to say how it goes.
pub fn send(dataset: &str, files: Vec<File>) -> Option<()> {
    let bar = browser::by_id::<Element>("upload-progress")?;
    let message = browser::by_id::<Element>("upload-message")?;
    drop(bar.remove_attribute("hidden"));
    message.set_text_content(Some("Sending…"));
    let sending = Sending {
        dataset: dataset.replace('/', "."),
        files,
        at: 0,
        address: String::new(),
        offset: 0.0,
        tries: 0,
        arrivals: Vec::new(),
        bar,
        message,
    };
    begin(&Rc::new(RefCell::new(sending)))
}

impl Sending {
    fn file(&self) -> &File {
        &self.files[self.at]
    }

    /// What this browser knows the upload by.
    fn key(&self) -> String {
        let file = self.file();
        format!("upload {} {} {} {}", self.dataset, file.name(), file.size(), file.last_modified())
    }

    fn show(&self, loaded: f64) {
        let all: f64 = self.files.iter().map(|f| f.size()).sum();
        let before: f64 = self.files[..self.at].iter().map(|f| f.size()).sum();
        let share = (before + self.offset + loaded) / all.max(1.0);
        drop(self.bar.set_attribute("value", &share.to_string()));
        let name = self.file().name();
        let text = match self.offset + loaded < self.file().size() {
            true => format!("Sending {name}… {:.0} %", share * 100.0),
            false => format!("Reading {name}…"),
        };
        self.message.set_text_content(Some(&text));
    }

    fn stop(&self, said: &str) {
        drop(self.bar.set_attribute("hidden", ""));
        self.message.set_text_content(Some(said));
    }
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}

/// Begins with a file, or goes on where an earlier attempt of this browser broke off.
fn begin(sending: &Shared) -> Option<()> {
    let known = storage().and_then(|s| s.get_item(&sending.borrow().key()).ok().flatten());
    if let Some(address) = known.filter(|a| a.starts_with(UPLOADS)) {
        sending.borrow_mut().address = address;
        return look(sending);
    }
    let (name, bytes, dataset) = {
        let s = sending.borrow();
        (s.file().name(), s.file().size(), s.dataset.clone())
    };
    let request = request("POST", UPLOADS)?;
    request.set_request_header("upload-length", &format!("{bytes:.0}")).ok()?;
    let metadata = format!("dataset {},filename {}", base64(&dataset)?, base64(&name)?);
    request.set_request_header("upload-metadata", &metadata).ok()?;
    answered(sending, &request, |sending, request| {
        let address = request.get_response_header("location").ok().flatten().unwrap_or_default();
        if let Some(storage) = storage() {
            // Without it the file is sent from its begin after a reload.
            drop(storage.set_item(&sending.borrow().key(), &address));
        }
        sending.borrow_mut().address = address;
        sending.borrow_mut().offset = 0.0;
        next(sending)
    });
    request.send().ok()
}

/// Asks how far the upload is, and goes on from there or, when it is whole, to the next file.
fn look(sending: &Shared) -> Option<()> {
    let request = request("GET", &sending.borrow().address)?;
    answered(sending, &request, |sending, request| {
        let text = request.response_text().ok().flatten().unwrap_or_default();
        let upload = js_sys::JSON::parse(&text).ok()?;
        sending.borrow_mut().offset = browser::member(&upload, "offset").as_f64()?;
        match browser::member(&upload, "ingest").as_string() {
            Some(arrival) => arrived(sending, arrival),
            None => next(sending),
        }
    });
    request.send().ok()
}

fn next(sending: &Shared) -> Option<()> {
    let (address, offset, piece) = {
        let s = sending.borrow();
        s.show(0.0);
        let end = (s.offset + PIECE).min(s.file().size());
        (s.address.clone(), s.offset, s.file().slice_with_f64_and_f64(s.offset, end).ok()?)
    };
    let request = request("PATCH", &address)?;
    request.set_request_header("content-type", "application/offset+octet-stream").ok()?;
    request.set_request_header("upload-offset", &format!("{offset:.0}")).ok()?;
    let shown = Rc::clone(sending);
    let upload = request.upload().ok()?;
    browser::listen(&upload, "progress", move |event: ProgressEvent| {
        shown.borrow().show(event.loaded());
    });
    answered(sending, &request, |sending, request| {
        let come = request.get_response_header("upload-offset").ok().flatten().and_then(|o| o.parse::<f64>().ok())?;
        let whole = come >= sending.borrow().file().size();
        sending.borrow_mut().offset = come;
        sending.borrow_mut().tries = 0;
        if whole { look(sending) } else { next(sending) }
    });
    request.send_with_opt_blob(Some(&piece as &Blob)).ok()
}

fn arrived(sending: &Shared, arrival: String) -> Option<()> {
    if let Some(storage) = storage() {
        drop(storage.remove_item(&sending.borrow().key()));
    }
    {
        let mut s = sending.borrow_mut();
        s.arrivals.push(arrival);
        (s.at, s.offset, s.tries) = (s.at + 1, 0.0, 0);
    }
    if sending.borrow().at < sending.borrow().files.len() {
        return begin(sending);
    }
    let s = sending.borrow();
    match (s.arrivals.as_slice(), s.dataset.split_once('.')) {
        ([one], _) => browser::go(&format!("/arrivals/{one}")),
        (_, Some((unit, name))) => browser::go(&format!("/arrivals?unit={unit}&dataset={name}")),
        _ => browser::go("/arrivals"),
    }
    Some(())
}

fn request(method: &str, to: &str) -> Option<XmlHttpRequest> {
    let request = XmlHttpRequest::new().ok()?;
    request.open(method, to).ok()?;
    request.set_request_header("tus-resumable", "1.0.0").ok()?;
    request.set_request_header("accept", "application/json, application/problem+json").ok()?;
    Some(request)
}

/// Goes on with `then` when the answer is good, tries again when the connection or the server was not, and says what is
/// wrong otherwise.
fn answered(
    sending: &Shared,
    request: &XmlHttpRequest,
    then: impl Fn(&Shared, &XmlHttpRequest) -> Option<()> + 'static,
) {
    let (sending, answer) = (Rc::clone(sending), request.clone());
    browser::listen(request, "loadend", move |_: Event| {
        let status = answer.status().unwrap_or_default();
        let gone_on = match status {
            200..300 => then(&sending, &answer),
            404 if storage().is_some_and(|s| known_again(&s, &sending)) => begin(&sending),
            0 | 409 | 429 | 500.. => try_again(&sending),
            _ => {
                let text = answer.response_text().ok().flatten().unwrap_or_default();
                let problem = js_sys::JSON::parse(&text).map(|p| browser::text_member(&p, "detail"));
                let detail = problem.ok().filter(|d| !d.is_empty());
                sending.borrow().stop(detail.as_deref().unwrap_or("The file was not taken. Try again."));
                Some(())
            }
        };
        if gone_on.is_none() {
            sending.borrow().stop("The file was not taken. Try again.");
        }
    });
}

/// An upload that this browser remembers and the server does not: it begins anew.
fn known_again(storage: &Storage, sending: &Shared) -> bool {
    let key = sending.borrow().key();
    let known = storage.get_item(&key).ok().flatten().is_some();
    drop(storage.remove_item(&key));
    known
}

fn try_again(sending: &Shared) -> Option<()> {
    let tries = {
        let mut s = sending.borrow_mut();
        s.tries += 1;
        s.tries
    };
    let s = sending.borrow();
    if tries > TRIES {
        s.stop("The connection broke off. Press the button again: it goes on where it stopped.");
        return Some(());
    }
    s.message.set_text_content(Some("The connection broke off; trying again…"));
    let later = Rc::clone(sending);
    let act = Closure::once_into_js(move || {
        let address_known = !later.borrow().address.is_empty();
        if (if address_known { look(&later) } else { begin(&later) }).is_none() {
            later.borrow().stop("The file was not taken. Try again.");
        }
    });
    let wait = 500 << tries.min(5);
    web_sys::window()?.set_timeout_with_callback_and_timeout_and_arguments_0(act.unchecked_ref(), wait).ok().map(|_| ())
}

/// UTF-8 as Base64.
fn base64(text: &str) -> Option<String> {
    let bytes: String = text.bytes().map(char::from).collect();
    web_sys::window()?.btoa(&bytes).ok()
}
