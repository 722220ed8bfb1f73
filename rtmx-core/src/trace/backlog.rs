//! The backlog: what is left to do, in the order in which to look at it.
//!
//! Upstream has two backlogs that sort the same requirements into different sections: the one its
//! command line prints, and the one its web server answers. Both are here as a [`Formula`]; what they
//! share (who waits for whom, what is blocked) is computed one way.

use super::item::{Item, weeks};
use super::matrix::Matrix;
use super::row::Row;
use crate::Status;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// The most effort of a quick win, in weeks.
const QUICK_WIN_WEEKS: f64 = 1.0;
/// From so many waiting requirements on, one is critical.
const CRITICAL_FROM: u32 = 2;

/// Which part of the backlog to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum BacklogView {
    /// Everything, in three sections: critical path, quick wins, remaining.
    #[default]
    All,
    /// What is urgent or holds up others.
    Critical,
    /// What is urgent, small and can be started now.
    QuickWins,
    /// What others wait for.
    Blockers,
    /// What waits for others.
    Blocked,
    /// Everything by id.
    List,
}

/// Whose definition of critical and quick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Formula {
    /// As `rtmx backlog` prints it. Critical: P0, HIGH, or two waiting requirements. A quick win: a known
    /// effort of at most a week.
    #[default]
    Tool,
    /// As `/api/backlog` answers it. Critical: two waiting requirements (and in its own view also P0 or HIGH). A
    /// quick win: an effort of at most a week, also an unknown one, and not blocked.
    Web,
}

/// A question for the backlog.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct BacklogQuery {
    /// Which part.
    pub view: BacklogView,
    /// Whose definitions.
    pub formula: Formula,
    /// Only this phase.
    pub phase: Option<u32>,
    /// Only this category, ignoring case.
    pub category: Option<String>,
    /// Only what is planned for this version, which is the column `sprint`.
    pub version: Option<String>,
    /// At most so many items, over all sections; `None` for all.
    pub limit: Option<usize>,
    /// In each section so many items are passed over.
    pub offset: usize,
    /// At most so many items in each section; `None` for all.
    pub section_limit: Option<usize>,
}

/// What is left to do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Backlog {
    /// Which part this is.
    pub view: BacklogView,
    /// The items in their sections.
    pub sections: Vec<BacklogSection>,
    /// Of everything that the filters let through, shown or not.
    pub summary: BacklogSummary,
}

/// A part of the backlog under one heading.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BacklogSection {
    /// The heading, such as `Critical Path`.
    pub name: String,
    /// How many items belong here, shown or not.
    pub total: usize,
    /// Their effort in weeks, shown or not; an unknown effort counts nothing.
    #[serde(default)]
    pub total_effort_weeks: f64,
    /// The items, best first.
    pub items: Vec<Item>,
}

/// What is left, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BacklogSummary {
    /// Incomplete requirements.
    pub total_incomplete: usize,
    /// Those with status MISSING or NOT_STARTED.
    pub missing: usize,
    /// Those with status PARTIAL.
    pub partial: usize,
    /// Their effort in weeks; an unknown effort counts nothing.
    pub total_effort_weeks: f64,
    /// Those that can be started now.
    pub unblocked_count: usize,
    /// Those that wait for others.
    pub blocked_count: usize,
}

impl BacklogView {
    /// Every view.
    pub const ALL: [BacklogView; 6] = [
        BacklogView::All,
        BacklogView::Critical,
        BacklogView::QuickWins,
        BacklogView::Blockers,
        BacklogView::Blocked,
        BacklogView::List,
    ];

    /// The view's name in requests.
    pub fn name(self) -> &'static str {
        match self {
            BacklogView::All => "all",
            BacklogView::Critical => "critical",
            BacklogView::QuickWins => "quick-wins",
            BacklogView::Blockers => "blockers",
            BacklogView::Blocked => "blocked",
            BacklogView::List => "list",
        }
    }

    /// The view of this name.
    pub fn parse(name: &str) -> Option<BacklogView> {
        BacklogView::ALL.into_iter().find(|view| view.name() == name)
    }
}

/// An incomplete requirement on its way into a section.
#[derive(Clone, Copy)]
struct Candidate<'m> {
    slot: u32,
    id: &'m str,
    row: &'m Row,
    blocked: bool,
    waiting: u32,
}

impl Candidate<'_> {
    fn is_critical(&self, query: &BacklogQuery) -> bool {
        let holds_up = self.waiting >= CRITICAL_FROM;
        match (query.formula, query.view) {
            (Formula::Tool, _) => self.row.is_urgent() || holds_up,
            (Formula::Web, BacklogView::Critical) => self.row.is_urgent() && holds_up,
            (Formula::Web, _) => holds_up,
        }
    }

    fn is_quick_win(&self, query: &BacklogQuery) -> bool {
        let effort = self.row.effort;
        let small = effort <= QUICK_WIN_WEEKS && (effort > 0.0 || query.formula == Formula::Web);
        let own_view = query.view == BacklogView::QuickWins;
        let can_start = !self.blocked || (query.formula == Formula::Tool && !own_view);
        small && can_start && (self.row.is_urgent() || !own_view)
    }

    /// Priority, phase (none first), id.
    fn by_priority(&self, other: &Self) -> Ordering {
        let key = |it: &Self| (it.row.priority.weight(), it.row.phase.unwrap_or(0));
        key(self).cmp(&key(other)).then_with(|| self.id.cmp(other.id))
    }

    /// Effort (unknown first), priority, id.
    fn by_effort(&self, other: &Self) -> Ordering {
        let priority = |it: &Self| it.row.priority.weight();
        let effort = self.row.effort.total_cmp(&other.row.effort);
        effort.then_with(|| priority(self).cmp(&priority(other))).then_with(|| self.id.cmp(other.id))
    }

    /// Most waiting first, then id.
    fn by_waiting(&self, other: &Self) -> Ordering {
        other.waiting.cmp(&self.waiting).then_with(|| self.id.cmp(other.id))
    }

    fn by_file(&self, other: &Self) -> Ordering {
        let key = |it: &Self| (it.row.rank.is_none(), it.row.rank);
        key(self).cmp(&key(other)).then_with(|| self.id.cmp(other.id))
    }
}

impl Matrix {
    /// What is left to do, as the query asks for it.
    ///
    /// Filters choose what is shown; who waits for whom is counted over the whole matrix.
    pub fn backlog(&self, query: &BacklogQuery) -> Backlog {
        let blocking = self.blocking();
        let wanted = |row: &Row| {
            query.phase.is_none_or(|phase| row.phase == Some(phase))
                && query
                    .category
                    .as_ref()
                    .is_none_or(|it| row.category.to_lowercase() == it.trim().to_lowercase())
                && query.version.as_ref().is_none_or(|version| *row.sprint == **version)
        };
        let left: Vec<Candidate<'_>> = self
            .rows()
            .filter(|(.., row)| !row.status.is_complete() && wanted(row))
            .map(|(slot, named, row)| Candidate {
                slot,
                id: &named.id,
                row,
                blocked: self.blocked(slot),
                waiting: blocking[slot as usize],
            })
            .collect();
        Backlog { view: query.view, summary: summary(&left), sections: self.sections(query, left) }
    }

    fn sections(&self, query: &BacklogQuery, mut left: Vec<Candidate<'_>>) -> Vec<BacklogSection> {
        let limit = query.limit.unwrap_or(usize::MAX);
        let mut room = limit;
        let mut section = |name: &str, candidates: &[Candidate<'_>]| {
            let most = room.min(query.section_limit.unwrap_or(usize::MAX));
            let shown = candidates.iter().skip(query.offset).take(most);
            let items: Vec<Item> = shown.filter_map(|candidate| self.item_at(candidate.slot)).collect();
            room -= items.len();
            let total_effort_weeks = effort(candidates);
            BacklogSection { name: name.to_owned(), total: candidates.len(), total_effort_weeks, items }
        };
        match query.view {
            BacklogView::All => {
                if query.formula == Formula::Tool {
                    // The tool cuts its list before it sorts the rest into sections.
                    left.sort_unstable_by(Candidate::by_priority);
                    left.truncate(limit);
                }
                let (mut critical, rest): (Vec<_>, Vec<_>) =
                    left.into_iter().partition(|it| it.is_critical(query));
                let (mut quick, mut rest): (Vec<_>, Vec<_>) =
                    rest.into_iter().partition(|it| it.is_quick_win(query));
                if query.formula == Formula::Web {
                    critical.sort_unstable_by(Candidate::by_waiting);
                    quick.sort_unstable_by(Candidate::by_effort);
                    rest.sort_unstable_by(Candidate::by_file);
                }
                vec![
                    section("Critical Path", &critical),
                    section("Quick Wins", &quick),
                    section("Remaining", &rest),
                ]
            }
            BacklogView::Critical => {
                left.retain(|it| it.is_critical(query));
                left.sort_unstable_by(match query.formula {
                    Formula::Tool => Candidate::by_priority,
                    Formula::Web => Candidate::by_waiting,
                });
                vec![section("Critical Path", &left)]
            }
            BacklogView::QuickWins => {
                left.retain(|it| it.is_quick_win(query));
                left.sort_unstable_by(Candidate::by_effort);
                vec![section("Quick Wins", &left)]
            }
            BacklogView::Blockers => {
                left.retain(|it| it.waiting > 0);
                left.sort_unstable_by(Candidate::by_waiting);
                vec![section("Blockers", &left)]
            }
            BacklogView::Blocked => {
                left.retain(|it| it.blocked);
                left.sort_unstable_by(Candidate::by_priority);
                vec![section("Blocked", &left)]
            }
            BacklogView::List => {
                left.sort_unstable_by_key(|it| it.id);
                vec![section("Requirements", &left)]
            }
        }
    }
}

fn effort(candidates: &[Candidate<'_>]) -> f64 {
    weeks(candidates.iter().map(|it| it.row.effort).sum())
}

fn summary(left: &[Candidate<'_>]) -> BacklogSummary {
    let partial = left.iter().filter(|it| it.row.status == Status::Partial).count();
    let blocked_count = left.iter().filter(|it| it.blocked).count();
    BacklogSummary {
        total_incomplete: left.len(),
        missing: left.len() - partial,
        partial,
        total_effort_weeks: effort(left),
        unblocked_count: left.len() - blocked_count,
        blocked_count,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::Priority::{High, Low, Medium, P0};
    use crate::Status::{Complete, Missing, NotStarted, Partial};

    /// ROOT (LOW) is waited for by A and B, DONE is complete, the rest stands alone.
    fn matrix() -> Matrix {
        let mut matrix = Matrix::new();
        let rows = [
            // id, status, priority, effort (0 unknown), phase (0 none), dependencies
            ("ROOT", Missing, Low, 3.0, 2, &[][..]),
            ("A", Missing, Medium, 0.5, 1, &["ROOT"]),
            ("B", Partial, High, 0.5, 1, &["ROOT"]),
            ("DONE", Complete, P0, 0.25, 1, &[]),
            ("QUICK", NotStarted, Medium, 1.0, 3, &["DONE", "GONE", "x:Y"]),
            ("UNSIZED", Missing, Medium, 0.0, 0, &[]),
            ("URGENT", Missing, P0, 0.25, 5, &[]),
            ("BIG", Missing, Low, 8.0, 1, &[]),
        ];
        for (rank, (id, status, priority, effort, phase, dependencies)) in (0..).zip(rows) {
            let mut requirement = sample::plain(status, priority, effort, phase);
            requirement.dependencies = sample::requirement(status, dependencies, &[]).dependencies;
            requirement.placement.rank = Some(rank);
            matrix.upsert(id, &requirement);
        }
        matrix
    }

    fn shown(backlog: &Backlog) -> Vec<String> {
        let ids = |section: &BacklogSection| {
            section.items.iter().map(|item| item.req_id.as_str()).collect::<Vec<_>>().join(" ")
        };
        backlog.sections.iter().map(|section| format!("{}: {}", section.name, ids(section))).collect()
    }

    #[test]
    fn every_view_shows_what_its_formula_says() {
        use BacklogView::*;
        let cases: [(BacklogView, Formula, &[&str]); 11] = [
            (
                All,
                Formula::Tool,
                &["Critical Path: URGENT B ROOT", "Quick Wins: A QUICK", "Remaining: UNSIZED BIG"],
            ),
            (
                All,
                Formula::Web,
                &["Critical Path: ROOT", "Quick Wins: UNSIZED URGENT QUICK", "Remaining: A B BIG"],
            ),
            (Critical, Formula::Tool, &["Critical Path: URGENT B ROOT"]),
            (Critical, Formula::Web, &["Critical Path: "]),
            (QuickWins, Formula::Tool, &["Quick Wins: URGENT"]),
            (QuickWins, Formula::Web, &["Quick Wins: URGENT"]),
            (Blockers, Formula::Tool, &["Blockers: ROOT"]),
            (Blockers, Formula::Web, &["Blockers: ROOT"]),
            (Blocked, Formula::Tool, &["Blocked: B A"]),
            (List, Formula::Tool, &["Requirements: A B BIG QUICK ROOT UNSIZED URGENT"]),
            (List, Formula::Web, &["Requirements: A B BIG QUICK ROOT UNSIZED URGENT"]),
        ];
        for (view, formula, want) in cases {
            let backlog = matrix().backlog(&BacklogQuery { view, formula, ..BacklogQuery::default() });
            assert_eq!(shown(&backlog), want, "{view:?} {formula:?}");
            let summary = BacklogSummary {
                total_incomplete: 7,
                missing: 6,
                partial: 1,
                total_effort_weeks: 13.25,
                unblocked_count: 5,
                blocked_count: 2,
            };
            assert_eq!(backlog.summary, summary, "{view:?} {formula:?}");
        }
    }

    #[test]
    fn filters_and_limits_cut_what_is_shown_and_not_what_is_counted() {
        let phase =
            BacklogQuery { phase: Some(1), category: Some(" cat ".into()), ..BacklogQuery::default() };
        let version = BacklogQuery { version: Some("v1".into()), ..BacklogQuery::default() };
        let cut = |formula| BacklogQuery { formula, limit: Some(2), ..BacklogQuery::default() };
        // name, query, what is shown, how many are left
        let cases: [(&str, BacklogQuery, &[&str], usize); 4] = [
            ("by phase", phase, &["Critical Path: B", "Quick Wins: A", "Remaining: BIG"], 3),
            ("by version", version, &["Critical Path: ", "Quick Wins: ", "Remaining: "], 0),
            ("tool", cut(Formula::Tool), &["Critical Path: URGENT B", "Quick Wins: ", "Remaining: "], 7),
            ("web", cut(Formula::Web), &["Critical Path: ROOT", "Quick Wins: UNSIZED", "Remaining: "], 7),
        ];
        for (name, query, want, left) in cases {
            let backlog = matrix().backlog(&query);
            assert_eq!(shown(&backlog), want, "{name}");
            assert_eq!(backlog.summary.total_incomplete, left, "{name}");
        }
        let second = BacklogQuery { offset: 1, section_limit: Some(1), ..BacklogQuery::default() };
        let backlog = matrix().backlog(&second);
        assert_eq!(shown(&backlog), ["Critical Path: B", "Quick Wins: QUICK", "Remaining: BIG"]);
        let sections: Vec<(usize, f64)> =
            backlog.sections.iter().map(|it| (it.total, it.total_effort_weeks)).collect();
        assert_eq!(sections, [(3, 3.75), (2, 1.5), (2, 8.0)]);
        let root = matrix().item("ROOT").expect("it is in the matrix");
        assert_eq!((root.blocks_count, root.transitive_blocks_count, root.blocked), (2, 2, false));
    }

    #[test]
    fn views_are_read_by_the_names_they_are_written_with() {
        for view in BacklogView::ALL {
            assert_eq!(BacklogView::parse(view.name()), Some(view));
            assert_eq!(serde_json::to_value(view).expect("a name"), view.name());
        }
        assert_eq!(BacklogView::parse("everything"), None);
    }
}
