//! The route table: every page, its address and what draws it.

use any_spawner::Executor;
use leptos::prelude::*;
use leptos_axum::{AxumRouteListing, generate_route_list};
use leptos_meta::provide_meta_context;
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

use crate::{
    access::AccessPage, access::RequestPage, account::AccountPage, accounts::AccountOfOthersPage,
    accounts::AccountsPage, audit::AuditPage, catalog::CatalogPage, dataset::DatasetPage, home::HomePage,
    ingest::ArrivalPage, ingest::ArrivalsPage, ingest::SendPage, policy::PolicyEditPage, policy::PolicyHistoryPage,
    policy::PolicyPage, session::SignInPage, shell::NotFoundPage, sql::SqlPage,
};

/// All pages. Each waits for its data, so that status and HTML are complete.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <FlatRoutes fallback=NotFoundPage>
                <Route path=path!("/") view=HomePage ssr=SsrMode::Async />
                <Route path=path!("/datasets") view=CatalogPage ssr=SsrMode::Async />
                <Route path=path!("/datasets/:unit/:name") view=DatasetPage ssr=SsrMode::Async />
                <Route path=path!("/sql") view=SqlPage ssr=SsrMode::Async />
                <Route path=path!("/arrivals") view=ArrivalsPage ssr=SsrMode::Async />
                <Route path=path!("/arrivals/:id") view=ArrivalPage ssr=SsrMode::Async />
                <Route path=path!("/send") view=SendPage ssr=SsrMode::Async />
                <Route path=path!("/policy") view=PolicyPage ssr=SsrMode::Async />
                <Route path=path!("/policy/edit") view=PolicyEditPage ssr=SsrMode::Async />
                <Route path=path!("/policy/history") view=PolicyHistoryPage ssr=SsrMode::Async />
                <Route path=path!("/audit") view=AuditPage ssr=SsrMode::Async />
                <Route path=path!("/access") view=AccessPage ssr=SsrMode::Async />
                <Route path=path!("/access/:id") view=RequestPage ssr=SsrMode::Async />
                <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async />
                <Route path=path!("/accounts") view=AccountsPage ssr=SsrMode::Async />
                <Route path=path!("/accounts/:id") view=AccountOfOthersPage ssr=SsrMode::Async />
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
            </FlatRoutes>
        </Router>
    }
}

/// The addresses of all pages, for the server's router. Must be what first touches Leptos in a process: it chooses
/// tokio to run its tasks.
#[must_use]
pub fn route_list() -> Vec<AxumRouteListing> {
    // Chosen already: a second router in one process, as in tests.
    drop(Executor::init_tokio());
    generate_route_list(App)
}
