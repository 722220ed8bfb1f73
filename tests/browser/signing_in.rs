//! Signing in with a token, being refused, running out, signing out. Each on a server of its own that
//! has a token.

use crate::Told;
use crate::api::Api;
use crate::inspection::inspect;
use crate::matrix;
use crate::server::Server;
use crate::tab::Tab;
use crate::time::seconds_from_now;
use serde_json::json;
use std::time::{Duration, Instant};

/// The first token of the server: at least 32 characters.
const OWNER: &str = "stories-of-the-owner-0123456789abcdef";

pub(crate) async fn a_token_lets_in_and_a_wrong_one_does_not(tab: Tab) -> Told {
    let (_server, tab) = guarded(tab).await;
    let wanted = tab.at("requirements?status=MISSING");
    tab.open(&wanted).await?;
    assert!(tab.address().await.starts_with("/sign-in?"), "{}", tab.address().await);
    let faults = inspect(&tab, "sign-in").await?;
    assert!(faults.is_empty(), "{}", faults.join("\n"));

    tab.field("Token").await?.send_keys("this is not a token of this server").await?;
    tab.click("Sign in").await?;
    assert!(tab.text("main [role=alert]").await?.contains("That did not work"));
    assert_eq!(
        tab.js("return document.querySelector('#token').value;").await?,
        "",
        "no token comes back in a page"
    );

    // By keyboard: the field has the focus.
    tab.open(&wanted).await?;
    assert_eq!(tab.js("return document.activeElement.id;").await?, "token");
    tab.browser.action_chain().send_keys(format!("{OWNER}\u{e007}")).perform().await?;
    tab.until("the page that was wanted", "return location.pathname.endsWith('/requirements');").await?;
    assert_eq!(tab.address().await, wanted);
    assert_eq!(tab.js("return document.cookie;").await?, "", "no script can read the session");

    tab.named("header", "Sign out").await?.click().await?;
    tab.until("the form", "return location.pathname === '/sign-in';").await?;
    tab.open(&wanted).await?;
    assert!(tab.address().await.starts_with("/sign-in?"), "{}", tab.address().await);
    Ok(())
}

pub(crate) async fn a_session_ends_with_its_token_and_what_it_may_is_what_the_token_may(tab: Tab) -> Told {
    let (_server, tab) = guarded(tab).await;
    let soon = seconds_from_now(12);
    let viewer = json!({ "name": "for a while", "role": "viewer", "expires_at": soon });
    let viewer = tab.api.post("/api/v1/tokens", &viewer).await;
    tab.open(&tab.at("requirements")).await?;
    let token = viewer["token"].as_str().expect("a token is shown once");
    tab.field("Token").await?.send_keys(token).await?;
    tab.click("Sign in").await?;
    tab.until("the table", "return document.querySelector('main tr[data-row]') !== null;").await?;
    let edits =
        "return Array.from(document.querySelectorAll('main a, main button'), (it) => it.innerText.trim())
        .filter((name) => /^(New|Edit|Delete|Import$|Create)/.test(name));";
    assert_eq!(tab.js(edits).await?, json!([]), "what a viewer may not do is not offered");

    let deadline = Instant::now() + Duration::from_secs(60);
    while !tab.address().await.contains("/sign-in?") {
        assert!(Instant::now() < deadline, "the session outlives its token");
        tab.browser.refresh().await?;
        // What the page asks for just after the end is refused, and that is all.
        let others: Vec<_> =
            tab.troubles().await?.into_iter().filter(|trouble| !trouble.ends_with("401")).collect();
        assert!(others.is_empty(), "{others:?}");
    }
    Ok(())
}

/// A server with a token, and the story's project on it.
async fn guarded(tab: Tab) -> (Server, Tab) {
    let server = Server::start(&tab.lab.program, &[("RTMX_ADMIN_TOKEN", OWNER)]);
    let tab = tab.at_server(&server.address, Some(OWNER));
    tab.project_of(&matrix::plain(12)).await;
    assert_eq!(Api::of(&server.address, None).page("/api/v1/projects").await.status, 401);
    (server, tab)
}
