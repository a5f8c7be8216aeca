//! The web app on this server: its pages with what they need to know, its assets, its page for unknown addresses.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use app::context::{Accounts, Draft, Known, Looked, RequestContext};
use async_trait::async_trait;
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::get_service,
};
use axum_extra::extract::CookieJar;
use leptos::{
    config::{LeptosOptions, get_configuration},
    prelude::{expect_context, provide_context, use_context},
};
use leptos_axum::{AxumRouteListing, LeptosRoutes as _, ResponseOptions};
use model::{Principal, SessionSummary, TokenSummary};
use tower_http::services::ServeDir;

use crate::{
    auth::{
        Caller, Via, account,
        cookie::{self, Name},
        demo, return_to,
    },
    config::Config,
    middleware::headers::{self, Public},
    problem::{ApiProblem, see_other},
    state::AppState,
};

pub(crate) mod access;
pub(crate) mod accounts;
pub(crate) mod chart;
mod policy;
pub(crate) mod rollback;
mod send;

/// Hashed names: a changed file has another name.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Names that stay when the file changes.
const ASK_AGAIN: &str = "public, no-cache";

/// Where the built web app is, and how Leptos is told so.
#[derive(Debug, Clone)]
pub struct Site {
    pub options: LeptosOptions,
    folder: PathBuf,
}

impl Site {
    /// From `Leptos.toml` where the server was started, with the folder that the settings name.
    ///
    /// # Errors
    /// When `Leptos.toml` cannot be read.
    pub fn find(config: &Config) -> anyhow::Result<Self> {
        const OPTIONS: &str = "Leptos.toml";
        let mut options = if std::path::Path::new(OPTIONS).exists() {
            get_configuration(Some(OPTIONS)).with_context(|| format!("cannot read {OPTIONS}"))?.leptos_options
        } else {
            // Started elsewhere: what `Leptos.toml` says, as a test holds.
            LeptosOptions::builder().output_name("penstock").site_root("target/site").hash_files(true).build()
        };
        if let Some(folder) = &config.server.site {
            options.site_root = folder.to_string_lossy().into();
        }
        let folder = PathBuf::from(options.site_root.as_ref());
        // Leptos looks for the list of hashes beside the program, unless its name is a whole path.
        if let Ok(list) = folder.join(options.hash_file.as_ref()).canonicalize() {
            options.hash_file = list.to_string_lossy().into();
        }
        let beside = std::env::current_exe().ok().and_then(|p| Some(p.parent()?.join(options.hash_file.as_ref())));
        if !beside.is_some_and(|list| list.is_file()) {
            // Not built: pages render, without script and style.
            options.hash_files = false;
        }
        Ok(Self { options, folder })
    }

    /// Whether the web app was built.
    #[must_use]
    pub fn is_built(&self) -> bool {
        self.folder.join(self.options.site_pkg_dir.as_ref()).is_dir()
    }
}

/// The pages. Whoever is not signed in is led to the sign-in page first.
pub fn pages(state: &AppState) -> Router<AppState> {
    let listed: Vec<AxumRouteListing> = app::route_list();
    let options = state.site.options.clone();
    Router::new()
        .leptos_routes_with_context(state, listed, context(state), move || app::shell(options.clone()))
        .layer(from_fn_with_state(state.clone(), know_steward))
        .layer(from_fn_with_state(state.clone(), take_flash))
        .layer(from_fn(require_sign_in))
        .merge(send::form(state))
        .merge(policy::form(state))
}

/// Files of the built web app.
pub fn assets(state: &AppState) -> Router<AppState> {
    let site = &state.site;
    let files = |folder: PathBuf| get_service(ServeDir::new(folder).precompressed_br().precompressed_gzip());
    let hashed = site.options.hash_files;
    let how = if hashed { FOREVER } else { ASK_AGAIN };
    let mut router = Router::new().nest_service(
        &format!("/{}", site.options.site_pkg_dir),
        files(site.folder.join(site.options.site_pkg_dir.as_ref()))
            .layer(from_fn(move |request, next| mark_public(how, request, next))),
    );
    // Only names that are there at the start: nothing of the folder can hide a page.
    for entry in std::fs::read_dir(&site.folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let asset =
            ["ico", "svg", "png", "webmanifest", "txt", "woff2"].iter().any(|e| name.ends_with(&format!(".{e}")));
        if asset && name != "hash.txt" && entry.path().is_file() {
            let file = get_service(tower_http::services::ServeFile::new(entry.path()));
            let file = file.layer(from_fn(move |request, next| mark_public(ASK_AGAIN, request, next)));
            router = router.route(&format!("/{name}"), file);
        }
    }
    router
}

/// For unknown addresses: the web app's page, or a problem in the API.
pub fn not_found(state: &AppState) -> Router {
    let options = state.site.options.clone();
    let render = leptos_axum::render_app_async_with_context(context(state), move || app::shell(options.clone()));
    let answer = move |request: Request| {
        let render = render.clone();
        async move {
            if crate::middleware::is_api(request.uri().path()) {
                return ApiProblem::no_route().into_response();
            }
            if request.method() != Method::GET && request.method() != Method::HEAD {
                return crate::problem::Page::method().into_response();
            }
            let mut answer = render(request).await;
            if answer.status() == StatusCode::OK {
                *answer.status_mut() = StatusCode::NOT_FOUND;
            }
            answer
        }
    };
    Router::new()
        .fallback(answer)
        .layer(from_fn_with_state(state.clone(), know_steward))
        .layer(from_fn_with_state(state.clone(), take_flash))
}

async fn mark_public(how: &'static str, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    if answer.status().is_success() || answer.status() == StatusCode::NOT_MODIFIED {
        answer.extensions_mut().insert(Public(how));
    }
    answer
}

async fn require_sign_in(request: Request, next: Next) -> Response {
    let signed_in = request.extensions().get::<Caller>().is_some();
    if signed_in || request.uri().path() == "/sign-in" {
        return next.run(request).await;
    }
    see_other(&return_to::sign_in(request.uri().path_and_query().map_or("/", |p| p.as_str())))
}

/// Whether the caller administers the lake; asked once a page.
#[derive(Debug, Clone, Copy)]
struct Steward(bool);

/// Whether the caller looks after accounts of others.
#[derive(Debug, Clone, Copy)]
struct Administrator(bool);

async fn know_steward(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    if let Some(caller) = request.extensions().get::<Caller>() {
        let steward = match state.lake.is_steward(&caller.principal).await {
            Ok(steward) => steward,
            Err(e) => {
                tracing::warn!(error = %e, "stewardship is not known; taken as no");
                false
            }
        };
        let administrator = steward || state.is_administrator(&caller.principal).await.unwrap_or(false);
        request.extensions_mut().insert(Steward(steward));
        request.extensions_mut().insert(Administrator(administrator));
    }
    next.run(request).await
}

/// A new token's secret, on its way to the account page.
#[derive(Debug, Clone)]
struct Flash(String);

fn shows_flash(path: &str) -> bool {
    path == "/account" || path.starts_with("/accounts/")
}

/// Takes the flash cookie on the account pages and removes it, so that the secret is shown once.
async fn take_flash(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let found = cookie::value(&CookieJar::from_headers(request.headers()), Name::Flash, state.https)
        .filter(|_| shows_flash(request.uri().path()) && request.method() == Method::GET);
    let Some(secret) = found else { return next.run(request).await };
    request.extensions_mut().insert(Flash(secret));
    let mut answer = next.run(request).await;
    answer.headers_mut().append(header::SET_COOKIE, cookie::remove(Name::Flash, state.https));
    answer
}

/// What pages find in Leptos's context, from this request.
fn context(state: &AppState) -> impl Fn() + Clone + Send + Sync + 'static + use<> {
    let state = state.clone();
    move || {
        let parts = use_context::<http::request::Parts>();
        let extensions = parts.as_ref().map(|p| &p.extensions);
        let caller = extensions.and_then(|e| e.get::<Caller>()).cloned();
        let nonce = leptos::nonce::use_nonce().map(|n| n.to_string()).unwrap_or_default();
        let answer = expect_context::<ResponseOptions>();
        answer.insert_header(header::CONTENT_SECURITY_POLICY, headers::policy(&nonce));
        answer.insert_header(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        provide_context(RequestContext {
            lake: state.lake.clone(),
            session: caller.as_ref().and_then(|c| c.session().map(str::to_owned)),
            principal: caller.filter(|c| matches!(c.via, Via::Session(_))).map(|c| c.principal),
            steward: extensions.and_then(|e| e.get::<Steward>()).is_some_and(|s| s.0),
            administrator: extensions.and_then(|e| e.get::<Administrator>()).is_some_and(|a| a.0),
            accounts: Arc::new(AccountsOf(state.clone())),
            nonce,
            demo: state.config.demo().then(demo::people),
            provider_name: state.oidc.as_ref().and_then(|_| state.config.sign_in.name()),
            flash: extensions.and_then(|e| e.get::<Flash>()).map(|f| f.0.clone()),
            looked: extensions.and_then(|e| e.get::<Arc<Looked>>()).cloned(),
            draft: extensions.and_then(|e| e.get::<Arc<Draft>>()).cloned(),
            base_url: state.origin.clone(),
        });
    }
}

struct AccountsOf(AppState);

#[async_trait]
impl Accounts for AccountsOf {
    async fn sessions(&self, who: &Principal, current: Option<&str>) -> lake::Result<Vec<SessionSummary>> {
        self.0.sessions.list(who, current).await
    }

    async fn tokens(&self, who: &Principal) -> lake::Result<Vec<TokenSummary>> {
        self.0.tokens.list(who).await
    }

    async fn looked_after(&self, who: &Principal) -> lake::Result<model::Accounts> {
        self.0.accounts(who, true).await
    }

    async fn owned(&self, who: &Principal) -> lake::Result<Vec<model::Account>> {
        Ok(self.0.accounts(who, false).await?.all)
    }

    async fn one(&self, who: &Principal, id: &str) -> lake::Result<model::AccountDetail> {
        self.0.account(who, id).await
    }

    async fn people(&self, who: &Principal) -> lake::Result<Vec<Known>> {
        if !self.0.lake.is_steward(who).await? {
            let message = "who has signed in is shown to stewards".to_owned();
            return Err(lake::LakeError::Forbidden { message });
        }
        account::known(self.0.lake.documents()).await
    }
}
