//! The few calls of the browser that islands share.

use wasm_bindgen::{JsCast, JsValue, closure::Closure, convert::FromWasmAbi};
use web_sys::{Document, Element, Event, EventTarget, HtmlElement, XmlHttpRequest};

pub fn document() -> Option<Document> {
    web_sys::window()?.document()
}

/// The element with this id, as the kind that is wanted.
pub fn by_id<T: JsCast>(id: &str) -> Option<T> {
    document()?.get_element_by_id(id)?.dyn_into().ok()
}

/// Listens for as long as the page lives.
pub fn listen<E: FromWasmAbi + 'static>(target: &EventTarget, event: &str, act: impl FnMut(E) + 'static) {
    let act = Closure::<dyn FnMut(E)>::new(act);
    if target.add_event_listener_with_callback(event, act.as_ref().unchecked_ref()).is_ok() {
        act.forget();
    }
}

/// The nearest element around the event's target that matches.
pub fn closest(event: &Event, selector: &str) -> Option<HtmlElement> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest(selector).ok()??.dyn_into().ok()
}

pub fn all(selector: &str) -> Vec<Element> {
    let Some(found) = document().and_then(|d| d.query_selector_all(selector).ok()) else { return Vec::new() };
    (0..found.length()).filter_map(|i| found.item(i)?.dyn_into().ok()).collect()
}

/// Sends the browser to an address of this site.
pub fn go(to: &str) {
    if let Some(window) = web_sys::window() {
        // A refused navigation leaves the page as it is, which is all that could be done.
        drop(window.location().assign(to));
    }
}

/// GETs JSON of this site; the answer is dropped unless it is 2xx.
pub fn get_json(path: &str, then: impl FnOnce(JsValue) + 'static) {
    let Ok(request) = XmlHttpRequest::new() else { return };
    if request.open("GET", path).is_err() || request.set_request_header("accept", "application/json").is_err() {
        return;
    }
    let answered = request.clone();
    let mut then = Some(then);
    listen(&request, "load", move |_: Event| {
        let good = answered.status().is_ok_and(|s| (200..300).contains(&s));
        let text = answered.response_text().ok().flatten().unwrap_or_default();
        if let (true, Ok(json), Some(then)) = (good, js_sys::JSON::parse(&text), then.take()) {
            then(json);
        }
    });
    drop(request.send());
}

/// A member of a JSON object; undefined when there is none.
pub fn member(of: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

pub fn text_member(of: &JsValue, name: &str) -> String {
    member(of, name).as_string().unwrap_or_default()
}
