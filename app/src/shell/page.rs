//! How a page comes to be: who asks, what it loads, what becomes of errors.

use http::{HeaderValue, StatusCode, header};
use lake::{Lake, LakeError};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title;
use model::{Dataset, DatasetFilter, Principal, Viewing};

use super::{
    error_page::error_content,
    frame::{Place, frame},
};
use crate::{
    address::{Address, Href},
    components::{Icon, empty, escaped},
    context::RequestContext,
};

/// The signed-in person who asks for a page.
#[derive(Debug, Clone)]
pub struct Viewer {
    pub context: RequestContext,
    pub who: Principal,
    pub address: Address,
}

impl Viewer {
    pub fn lake(&self) -> &Lake {
        &self.context.lake
    }

    /// Set when this is a steward who looks as somebody else.
    pub fn viewing(&self) -> Option<&Viewing> {
        self.who.origin.viewing.as_ref()
    }

    pub async fn datasets(&self) -> lake::Result<Vec<Dataset>> {
        self.lake().datasets(&self.who, DatasetFilter::default()).await
    }

    /// Whether the frame offers the arrivals page: to those who may see some or may send files.
    async fn sees_arrivals(&self) -> bool {
        if self.context.steward {
            return true;
        }
        let mine = |d: &Dataset| d.access.may_own || d.access.may_upload;
        // The frame must stand even when the catalog does not answer.
        self.datasets().await.is_ok_and(|all| all.iter().any(mine))
    }
}

/// What a page shows inside the frame.
pub struct Content {
    /// For the browser's tab, without the product's name.
    pub title: String,
    pub body: AnyView,
}

impl Content {
    pub fn new(title: impl Into<String>, body: impl IntoView) -> Self {
        Self { title: title.into(), body: body.into_any() }
    }
}

/// A page in the frame: loads its content for the viewer, sends others to the sign-in page, explains errors.
pub fn page<F, Fut>(place: Place, load: F) -> AnyView
where
    F: FnOnce(Viewer) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Content, LakeError>> + Send + 'static,
{
    let Some(context) = use_context::<RequestContext>() else { return ().into_any() };
    let address = Address::of_request();
    let Some(who) = context.principal.clone() else {
        redirect(&Href::to("/sign-in").with("return_to", &address.here).build());
        return ().into_any();
    };
    let viewer = Viewer { context, who, address };
    Suspend::new(async move {
        let arrivals = viewer.sees_arrivals().await;
        let content = load(viewer.clone()).await.unwrap_or_else(|e| error_content(&e));
        let title = format!("{} · Penstock", content.title);
        view! {
            <Title text=escaped(&title) />
            {frame(&viewer, place, arrivals, content.body)}
        }
    })
    .into_any()
}

/// In the place of what is somebody's own while a steward views as them.
pub fn not_shown(title: &'static str, name: &str) -> Content {
    let words = view! {
        <p>
            "Tokens, sessions, recent queries and activity are somebody's own. What "<bdi>{name.to_owned()}</bdi>
            " may see of data is on all other pages; stop viewing to see what is yours."
        </p>
    };
    Content::new(title, empty(Icon::Eye, format!("{title}: not shown in a view"), words))
}

/// Answers with this status; the body stands.
pub fn set_status(status: StatusCode) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
}

/// Sends the browser on, by GET.
pub fn redirect(to: &str) {
    if let (Some(response), Ok(to)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(to)) {
        response.set_status(StatusCode::SEE_OTHER);
        response.insert_header(header::LOCATION, to);
    }
}
