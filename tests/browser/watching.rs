//! The watch itself: what goes wrong unseen is noticed, or the other stories would prove nothing.

use crate::Told;
use crate::matrix;
use crate::tab::Tab;

pub(crate) async fn what_a_page_does_wrong_unseen_is_noticed(tab: Tab) -> Told {
    tab.project_of(&matrix::real()).await;
    // what the page does, a word of the trouble that it must be
    let wrongs = [
        ("fetch('/no-such-page');", "404"),
        (
            "const it = document.createElement('script'); it.textContent = '1'; document.body.append(it);",
            "script-src",
        ),
        ("document.body.setAttribute('style', 'color: red');", "style-src"),
        ("new Image().src = 'http://example.com/x.png';", "img-src"),
        ("console.error('something is wrong');", "something is wrong"),
        ("setTimeout(() => { throw new Error('thrown in a page'); });", "thrown in a page"),
        ("location.href = 'http://example.com/';", "left the server"),
    ];
    for (wrong, word) in wrongs {
        tab.open(&tab.at("")).await?;
        tab.js(wrong).await?;
        let mut seen = String::new();
        let noticed = async {
            while !seen.contains(word) {
                seen.push_str(&tab.troubles().await?.join("\n"));
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        let noticed = tokio::time::timeout(std::time::Duration::from_secs(10), noticed).await;
        assert!(noticed.is_ok_and(|noticed| noticed.is_ok()), "{wrong} went unnoticed; seen: {seen}");
        // What follows the trouble itself is of no interest.
        tab.browser.goto("about:blank").await?;
        tab.troubles().await?;
    }
    Ok(())
}
