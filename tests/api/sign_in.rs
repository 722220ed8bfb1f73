//! The form that signs browsers in, and the way to it and back.

use crate::client::Api;
use crate::sessions::{HOST, ORIGIN, editor, sessions, show, sign_in};
use http::Method;
use rtmx::core::{assert_code, server};

#[tokio::test]
async fn a_wrong_token_is_answered_alike_whatever_is_wrong() {
    let api = Api::new().await;
    let (token, id) = editor(&api).await;
    api.post(format!("/api/v1/tokens/{id}/revoke")).send().await;
    let unknown = format!("rtmx_{}", "A".repeat(43));
    let mut answers = Vec::new();
    for wrong in [token.as_str(), unknown.as_str(), ""] {
        let got = show(&api, &[("token", wrong), ("next", "/projects/a")], &[("origin", ORIGIN)]).await;
        assert_eq!((got.status.as_u16(), got.headers.get("set-cookie")), (401, None));
        assert!(wrong.is_empty() || !got.text().contains(wrong), "the page does not show it");
        assert!(got.text().contains("/projects/a"), "the way back is kept");
        answers.push(got.body);
    }
    assert_eq!((&answers[0], &answers[0]), (&answers[1], &answers[2]));
    assert_eq!(sessions(&api).await, 0);
}

#[tokio::test]
async fn the_form_is_bounded_and_goes_back_to_no_other_site() {
    let api = Api::new().await;
    let (token, _) = editor(&api).await;
    for next in ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example", ""] {
        let got = show(&api, &[("token", &token), ("next", next)], &[("origin", ORIGIN)]).await;
        assert_eq!((got.status.as_u16(), got.header("location").as_str()), (303, "/"), "{next:?}");
    }
    let long = "a".repeat(17 << 10);
    assert_eq!(show(&api, &[("token", &long)], &[("origin", ORIGIN)]).await.status, 413);
    assert_eq!(show(&api, &[("next", "/")], &[("origin", ORIGIN)]).await.status, 400);
    let call =
        api.outside(Method::POST, "/sign-in").over_network().header("host", HOST).header("origin", ORIGIN);
    let got = call.header("content-type", "application/json").with("{}").unjudged().await;
    assert_eq!(got.status, 415);
}

#[tokio::test]
async fn people_are_sent_to_the_form_and_back_and_programs_are_told() {
    let api = Api::new().await;
    let (token, _) = editor(&api).await;
    let get = |path: &str| api.outside(Method::GET, path).over_network().header("host", HOST);
    let html = "text/html,application/xhtml+xml,*/*;q=0.8";
    let sent = get("/projects/default?phase=1&q=a%20b").header("accept", html).unjudged().await;
    let form = "/sign-in?next=%2Fprojects%2Fdefault%3Fphase%3D1%26q%3Da%2520b";
    assert_eq!((sent.status.as_u16(), sent.header("location").as_str()), (303, form));
    let shown = get(form).header("accept", html).unjudged().await;
    assert_eq!(shown.status, 200);
    assert!(shown.text().contains(r#"value="/projects/default?phase=1&#38;q=a%20b""#), "{}", shown.text());
    assert!(shown.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(shown.header("cache-control"), "no-store");

    let told = get("/projects/default").header("accept", "application/json").unjudged().await;
    assert_code(told.code(), server::UNAUTHENTICATED);
    let script = get("/projects/default").header("accept", html).header("sec-fetch-mode", "cors");
    assert_eq!(script.unjudged().await.status, 401, "a script follows no redirect to a form");
    let api_path = get("/api/v1/projects/default/status").header("accept", html).unjudged().await;
    assert_code(api_path.code(), server::UNAUTHENTICATED);

    let cookie = sign_in(&api, &token).await;
    let page =
        get("/projects/default").header("accept", html).header("cookie", cookie.as_str()).unjudged().await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains(r#"action="/sign-out""#), "{}", page.text());
    let (_, secret) = cookie.split_once('.').expect("digits, a dot and the secret");
    assert!(!page.text().contains(secret) && !page.text().contains(&token), "the page holds no secret");
    let again = get(form).header("accept", html).header("cookie", cookie.as_str()).unjudged().await;
    let back = again.header("location");
    assert_eq!((again.status.as_u16(), back.as_str()), (303, "/projects/default?phase=1&q=a%20b"));
}
