//! Signing in: the provider's button, or the people of the demo.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    address::{Address, Href},
    components::{Icon, icon},
    context::{DemoPerson, RequestContext},
    shell::{bare, logo, redirect},
};

#[component]
pub fn SignInPage() -> impl IntoView {
    let Some(context) = use_context::<RequestContext>() else { return ().into_any() };
    let address = Address::of_request();
    let return_to = local(address.get("return_to")).to_owned();
    // Someone who is signed in came by an old link, unless to be someone else of the demo.
    let viewing = context.principal.as_ref().is_some_and(|who| who.origin.viewing.is_some());
    if viewing || context.principal.is_some() && address.get("switch").is_none() {
        redirect(&return_to);
        return ().into_any();
    }
    let error = address.get("error").map(|code| {
        view! { <p class="banner banner--bad" role="alert">{icon(Icon::Alert)} {in_words(code)}</p> }
    });
    let provider = context.provider_name.clone().map(|name| {
        let href = Href::to("/auth/login").with("return_to", &return_to).build();
        view! { <a class="button button--primary button--wide" href=href>"Sign in with "<bdi>{name}</bdi></a> }
    });
    let neither = (provider.is_none() && context.demo.is_none()).then(|| {
        view! { <p class="banner banner--bad">{icon(Icon::Alert)} "No way to sign in has been set up on this server."</p> }
    });
    let demo = context.demo.clone().map(|people| demo(people, &return_to));
    view! {
        <Title text="Sign in · Penstock" />
        {bare(
            view! {
                <div class="sign-in">
                    <header class="sign-in__head">
                        {logo()}
                        <h1 class="sign-in__title">"Sign in to Penstock"</h1>
                        <p class="sign-in__text">"The data that you may see, and how to ask it."</p>
                    </header>
                    {error}
                    {neither}
                    {provider}
                    {demo}
                </div>
            },
        )}
    }
    .into_any()
}

fn demo(people: Vec<DemoPerson>, return_to: &str) -> AnyView {
    let cards: Vec<_> = people
        .into_iter()
        .map(|person| {
            view! {
                <li>
                    <form action="/auth/demo" method="post">
                        <input type="hidden" name="return_to" value=return_to.to_owned() />
                        <button class="person" type="submit" name="as" value=person.name.clone()>
                            <span class="avatar" aria-hidden="true">
                                {person.name.chars().next().map(|c| c.to_uppercase().to_string())}
                            </span>
                            <span class="person__words">
                                <span class="person__name">{person.name.clone()}</span>
                                <span class="person__about">{person.about}</span>
                            </span>
                        </button>
                    </form>
                </li>
            }
        })
        .collect();
    view! {
        <section class="sign-in__demo" aria-labelledby="demo">
            <div class="banner banner--careful banner--block">
                <h2 class="banner__title" id="demo">{icon(Icon::Alert)} "This is a demo"</h2>
                <p>
                    "There are no passwords: anyone who reaches this page on this machine can be any of these people. "
                    "Never put real data here."
                </p>
            </div>
            <p class="sign-in__ask">"Who do you want to be?"</p>
            <ul class="people">{cards}</ul>
        </section>
    }
    .into_any()
}

/// A path of this site, else home: `return_to` comes from outside.
fn local(return_to: Option<&str>) -> &str {
    let is_local = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains(['\\', '\r', '\n', '\t'])
            && !path.starts_with("/sign-in")
    };
    return_to.filter(is_local).unwrap_or("/")
}

fn in_words(code: &str) -> &'static str {
    match code {
        "expired" => "That took too long. Sign in again.",
        "denied" => "The sign-in service said no, or you cancelled.",
        "unavailable" => "The sign-in service does not answer at the moment. Try again shortly.",
        _ => "Signing in did not work. Try again; if it stays, tell whoever runs this portal.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_return_to_never_leaves_the_site() {
        fn check(given: &str, expected: &str) {
            assert_eq!(local(Some(given)), expected, "{given}");
        }
        check("/sql?sql=select+1", "/sql?sql=select+1");
        for bad in
            ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil", "/sign-in"]
        {
            check(bad, "/");
        }
    }
}
