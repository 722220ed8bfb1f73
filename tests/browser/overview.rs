//! The first page, and the one for an address that is nowhere.

use crate::Told;
use crate::inspection::inspect;
use crate::matrix;
use crate::tab::Tab;

pub(crate) async fn the_first_page_says_how_far_the_project_is_and_each_number_is_a_link(tab: Tab) -> Told {
    tab.project_of(&matrix::real()).await;
    let status = tab.api.get(&format!("/api/v1/projects/{}/status", tab.project)).await;
    tab.open(&tab.at("")).await?;
    let page = tab.text("main").await?;
    let percentage = format!("{:.1} %", status["percentage"].as_f64().expect("the status has a percentage"));
    assert!(page.contains(&percentage), "{percentage:?} is not in {page}");
    let bare = "return Array.from(document.querySelectorAll('main .legend li'))
        .filter((item) => !item.querySelector('a[href]')).map((item) => item.innerText);";
    assert_eq!(tab.js(bare).await?, serde_json::json!([]), "numbers without a list behind them");
    Ok(())
}

pub(crate) async fn a_page_that_is_not_there_says_what_to_do(tab: Tab) -> Told {
    for path in ["/projects/no-such-project", "/no-such-page"] {
        tab.open_as(path, 404).await?;
        let text = tab.text("main").await?;
        assert!(text.contains("What to do:"), "{path}: {text}");
        let faults = inspect(&tab, "not-found").await?;
        assert!(faults.is_empty(), "{path}:\n{}", faults.join("\n"));
    }
    Ok(())
}
