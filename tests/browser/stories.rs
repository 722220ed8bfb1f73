//! Clicks through the dashboard in a real browser: see `README.md`.
//!
//! A story is what a person does, told once and run on a desktop and on a phone. Each has a browser, a
//! server and a project of its own, so that stories run beside each other; the driver is shared. All are
//! ended, whatever happened. Deliberately absent: anything of the product. The server is a program
//! that is started, and its pages and its API are all that a story knows.

mod api;
mod driver;
mod inspection;
mod lab;
mod matrix;
mod report;
mod server;
mod tab;
mod time;
mod view;

mod editing;
mod everywhere;
mod finding;
mod hostile;
mod importing;
mod keyboard;
mod license;
mod live;
mod overview;
mod signing_in;
mod watching;

use lab::Lab;
use libtest_mimic::{Arguments, Failed, Trial};
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use tab::Tab;
use view::View;

/// What a story answers: it asserts what it claims, and the errors are those of the browser.
type Told = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// A story, and the file that tells it.
struct Story {
    file: &'static str,
    claim: &'static str,
    tell: fn(Tab) -> Pin<Box<dyn Future<Output = Told> + Send>>,
}

macro_rules! stories {
    ($($file:ident :: $claim:ident),+ $(,)?) => {
        &[$(Story { file: stringify!($file), claim: stringify!($claim), tell: |tab| Box::pin($file::$claim(tab)) }),+]
    };
}

const STORIES: &[Story] = stories![
    watching::what_a_page_does_wrong_unseen_is_noticed,
    everywhere::every_page_that_can_be_reached_is_whole,
    overview::the_first_page_says_how_far_the_project_is_and_each_number_is_a_link,
    overview::a_page_that_is_not_there_says_what_to_do,
    finding::filters_order_search_and_pages_are_what_the_address_says,
    finding::without_scripts_filters_act_by_their_button,
    finding::each_number_leads_to_a_list_of_that_many,
    editing::a_requirement_is_found_opened_edited_and_saved,
    editing::without_scripts_an_edit_is_saved_all_the_same,
    editing::an_edit_that_came_too_late_shows_both_and_stores_what_is_chosen,
    editing::a_requirement_is_made_and_deleted,
    editing::what_is_typed_and_not_saved_is_untouched_by_an_update,
    keyboard::from_the_first_page_to_a_saved_edit_without_a_mouse,
    importing::an_import_is_reported_before_it_changes_anything,
    importing::without_scripts_a_file_is_chosen_twice_and_imported_as_checked,
    importing::the_export_is_the_file_as_it_was,
    license::a_license_is_seen_from_its_first_day_to_its_last,
    live::an_edit_through_the_api_appears_and_nothing_moves,
    live::a_new_row_is_offered_and_moves_nothing_until_it_is_wanted,
    live::more_tabs_than_a_browser_has_connections_all_work,
    hostile::no_cell_of_a_matrix_becomes_part_of_a_page,
    hostile::each_cell_is_read_as_the_file_has_it,
    signing_in::a_token_lets_in_and_a_wrong_one_does_not,
    signing_in::a_session_ends_with_its_token_and_what_it_may_is_what_the_token_may,
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Two browsers keep two cores busy; more make each story slower than its deadlines are meant for.
    arguments.test_threads.get_or_insert(2);
    let lab = if arguments.list { None } else { Some(Arc::new(Lab::open())) };
    let views = View::all();
    let trials = STORIES.iter().flat_map(|story| {
        let trial = |view: &View| {
            let (lab, view) = (lab.clone(), *view);
            let name = format!("{}::{}::{}", story.file, view.name, story.claim);
            Trial::test(name, move || {
                let lab = lab.ok_or("the stories were only listed")?;
                lab.tell(view, story.claim, story.tell).map_err(Failed::from)
            })
        };
        views.iter().map(trial).collect::<Vec<_>>()
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // The driver ends here.
    drop(lab);
    conclusion.exit_code()
}
