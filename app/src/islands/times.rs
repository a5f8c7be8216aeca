//! Turns instants into the viewer's own zone, with the zone named; UTC stays on hover.

use leptos::prelude::*;

/// One for all `<time data-local>` of a page.
#[island]
pub fn LocalTimes() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser_side();
}

#[cfg(feature = "hydrate")]
fn browser_side() {
    use super::browser;

    let options = js_sys::Object::new();
    let set = |name: &str, value: &str| drop(js_sys::Reflect::set(&options, &name.into(), &value.into()));
    for (name, value) in [("day", "numeric"), ("month", "short"), ("year", "numeric")] {
        set(name, value);
    }
    for (name, value) in [("hour", "2-digit"), ("minute", "2-digit"), ("hourCycle", "h23"), ("timeZoneName", "short")] {
        set(name, value);
    }
    let viewers = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::of1(&"en-GB".into()), &options);
    let format = viewers.format();
    for time in browser::all("time[data-local]") {
        let Some(at) = time.get_attribute("datetime") else { continue };
        let date = js_sys::Date::new(&at.into());
        let Some(local) = format.call1(&wasm_bindgen::JsValue::UNDEFINED, &date).ok().and_then(|s| s.as_string())
        else {
            continue;
        };
        drop(time.set_attribute("title", &time.text_content().unwrap_or_default()));
        time.set_text_content(Some(&local));
    }
}
