//! What the loop promises, on a target that lives in memory and fails where a test wants it to.

use async_trait::async_trait;
use proptest::prelude::*;
use rtmx_core::{Cx, Error, Result, Timestamp, assert_code, deploy, storage};
use rtmx_deploy::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// What the target was asked, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    Probe(String),
    Run(String),
    Undo(String),
}

#[derive(Debug, Default)]
struct World {
    in_effect: BTreeSet<String>,
    begun: BTreeSet<String>,
    calls: Vec<Call>,
    history: Vec<HistoryEntry>,
}

#[derive(Debug, Default)]
struct InMemory {
    world: Mutex<World>,
    fails_to_run: Option<String>,
    fails_half_way: bool,
    fails_to_undo: Option<String>,
    cancels_during: Option<String>,
}

impl InMemory {
    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().expect("no test panics while it holds the lock")
    }
}

#[async_trait]
impl DeployTarget for InMemory {
    fn capability(&self) -> DeployCapability {
        DeployCapability::NONE
    }

    fn render(&self, _: &Release) -> Result<Rendered> {
        Ok(Rendered { files: Vec::new() })
    }

    async fn inspect(&self, _: &Cx) -> Result<Inspection> {
        Ok(Inspection { owner: Owner::Nobody, installed: None, remembered_settings: BTreeMap::new() })
    }

    async fn plan(&self, _: &Cx, goal: &Goal) -> Result<Plan> {
        Ok(plan_of(goal.clone(), Vec::new()))
    }

    async fn run(&self, cx: &Cx, step: &Step, _: &dyn Progress) -> Result<()> {
        let mut world = self.world();
        world.calls.push(Call::Run(step.id.clone()));
        if self.fails_to_run.as_ref() == Some(&step.id) {
            if self.fails_half_way {
                world.begun.insert(step.id.clone());
            }
            return Err(Error::new(deploy::SERVICE_FAILED, "could not start the service"));
        }
        if self.cancels_during.as_ref() == Some(&step.id) {
            cx.cancel();
        }
        world.begun.remove(&step.id);
        world.in_effect.insert(step.id.clone());
        Ok(())
    }

    async fn probe(&self, _: &Cx, step: &Step) -> Result<StepState> {
        let mut world = self.world();
        world.calls.push(Call::Probe(step.id.clone()));
        Ok(match (world.in_effect.contains(&step.id), world.begun.contains(&step.id)) {
            (true, _) => StepState::Done,
            (false, true) => StepState::Partly,
            (false, false) => StepState::NotDone,
        })
    }

    async fn undo(&self, _: &Cx, step: &Step) -> Result<()> {
        let mut world = self.world();
        world.calls.push(Call::Undo(step.id.clone()));
        if self.fails_to_undo.as_ref() == Some(&step.id) {
            return Err(Error::new(deploy::DEPLOY_IO, "could not remove the file"));
        }
        world.in_effect.remove(&step.id);
        world.begun.remove(&step.id);
        Ok(())
    }

    async fn run_task(&self, _: &Cx, _: &Task) -> Result<TaskOutput> {
        Err(Error::new(storage::NOT_SUPPORTED, "the target `memory` does not run tasks"))
    }

    async fn writers(&self, _: &Cx, _: Writers) -> Result<()> {
        Ok(())
    }

    async fn record(&self, _: &Cx, call: &RecordCall) -> Result<RecordAnswer> {
        let mut world = self.world();
        match call {
            RecordCall::Append(entry) => {
                world.history.push(entry.clone());
                Ok(RecordAnswer::Written)
            }
            _ => Ok(RecordAnswer::History(world.history.clone())),
        }
    }

    async fn logs(&self, _: &Cx, _: LogRequest, _: &mut dyn LogSink) -> Result<()> {
        Ok(())
    }
}

fn plan_of(goal: Goal, steps: Vec<Step>) -> Plan {
    Plan {
        format: Plan::FORMAT,
        target: "memory".into(),
        installation: "rtmx".into(),
        goal,
        changes: vec![PlannedChange::added("release", "1.0.0")],
        outage: None,
        steps,
    }
}

fn steps(undoable: &[bool]) -> Vec<Step> {
    let step = |(index, undoable): (usize, &bool)| Step {
        id: format!("step-{index}"),
        kind: "step".into(),
        title: format!("do step {index}"),
        args: serde_json::Value::Null,
        undo: if *undoable {
            Undo::Restores("the state before".into())
        } else {
            Undo::Nothing("it only reads".into())
        },
        commands: Vec::new(),
    };
    undoable.iter().enumerate().map(step).collect()
}

fn carry_out(cx: &Cx, target: &InMemory, plan: &Plan) -> Result<Outcome> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime without I/O can be built");
    runtime.block_on(apply(cx, target, plan, Timestamp::UNIX_EPOCH, "test", &Silent))
}

fn keep() -> Goal {
    Goal::Removed(DataFate::Keep)
}

proptest! {
    #[test]
    fn every_step_is_probed_first_and_a_second_run_changes_nothing(
        undoable in prop::collection::vec(any::<bool>(), 0..8),
        done_before in prop::collection::btree_set(0usize..8, 0..8),
    ) {
        let plan = plan_of(keep(), steps(&undoable));
        let target = InMemory::default();
        target.world().in_effect = done_before.iter().map(|i| format!("step-{i}")).collect();
        let first = carry_out(&Cx::new(), &target, &plan).expect("no step fails");
        let skipped = done_before.iter().filter(|index| **index < undoable.len()).count();
        prop_assert_eq!(first, Outcome { ran: undoable.len() - skipped, skipped });
        let mut probed = BTreeSet::new();
        for call in &target.world().calls {
            match call {
                Call::Probe(id) => { probed.insert(id.clone()); }
                Call::Run(id) => prop_assert!(probed.contains(id), "{} ran unprobed", id),
                Call::Undo(id) => prop_assert!(false, "{} was undone without a failure", id),
            }
        }
        let second = carry_out(&Cx::new(), &target, &plan).expect("no step fails");
        prop_assert_eq!(second, Outcome { ran: 0, skipped: undoable.len() });
    }

    #[test]
    fn a_failure_undoes_what_ran_in_reverse_and_nothing_else(
        undoable in prop::collection::vec(any::<bool>(), 1..8),
        done_before in prop::collection::btree_set(0usize..8, 0..4),
        failing in any::<prop::sample::Index>(),
        half_way in any::<bool>(),
    ) {
        let plan = plan_of(keep(), steps(&undoable));
        let failing = failing.index(undoable.len());
        let before: BTreeSet<String> =
            done_before.iter().filter(|i| **i != failing).map(|i| format!("step-{i}")).collect();
        let target = InMemory {
            fails_to_run: Some(format!("step-{failing}")),
            fails_half_way: half_way,
            ..InMemory::default()
        };
        target.world().in_effect = before.clone();
        let error = carry_out(&Cx::new(), &target, &plan).expect_err("a step fails");
        assert_code(&error, deploy::SERVICE_FAILED);
        prop_assert!(error.state().is_some(), "the error says what state things are in");
        let world = target.world();
        let ids = |wanted: fn(&Call) -> Option<&String>| -> Vec<String> {
            world.calls.iter().filter_map(wanted).cloned().collect()
        };
        let mut expected = ids(|call| if let Call::Run(id) = call { Some(id) } else { None });
        expected.retain(|id| {
            let step = plan.steps.iter().find(|step| step.id == *id).expect("only steps of the plan run");
            matches!(step.undo, Undo::Restores(_))
        });
        expected.reverse();
        let undone = ids(|call| if let Call::Undo(id) = call { Some(id) } else { None });
        prop_assert_eq!(undone, expected);
        // Every step that declares an undo is as it was.
        for step in plan.steps.iter().filter(|step| matches!(step.undo, Undo::Restores(_))) {
            prop_assert_eq!(world.in_effect.contains(&step.id), before.contains(&step.id), "{}", step.id);
        }
        prop_assert_eq!(world.history.last().map(|entry| entry.result), Some(HistoryResult::Undone));
    }
}

#[test]
fn a_step_that_cannot_be_undone_stops_the_way_back_and_both_causes_are_told() {
    let target = InMemory {
        fails_to_run: Some("step-2".into()),
        fails_to_undo: Some("step-1".into()),
        ..InMemory::default()
    };
    let error =
        carry_out(&Cx::new(), &target, &plan_of(keep(), steps(&[true; 4]))).expect_err("a step fails");
    assert_code(&error, deploy::UNDO_FAILED);
    assert!(error.causes()[0].contains("could not remove the file"), "{error:?}");
    assert!(error.causes()[0].contains("could not start the service"), "{error:?}");
    assert_eq!(target.world().in_effect, BTreeSet::from(["step-0".to_owned(), "step-1".to_owned()]));
    assert_eq!(target.world().history.last().map(|entry| entry.result), Some(HistoryResult::Stuck));
}

#[test]
fn an_interrupt_stops_before_the_next_step_and_undoes_what_was_done() {
    let target = InMemory { cancels_during: Some("step-1".into()), ..InMemory::default() };
    let cx = Cx::new();
    let error = carry_out(&cx, &target, &plan_of(keep(), steps(&[true; 3]))).expect_err("it is interrupted");
    assert_code(&error, deploy::INTERRUPTED);
    assert!(error.message().contains("step 3 of 3"), "{error}");
    assert!(target.world().in_effect.is_empty());
}

#[test]
fn an_empty_plan_leaves_no_line_in_the_history_and_a_purge_none_either() {
    let target = InMemory::default();
    carry_out(&Cx::new(), &target, &plan_of(keep(), Vec::new())).expect("there is nothing to fail");
    carry_out(&Cx::new(), &target, &plan_of(Goal::Removed(DataFate::Purge), steps(&[true])))
        .expect("no step fails");
    assert!(target.world().history.is_empty());
}

#[test]
fn a_plan_comes_back_from_a_file_as_it_was() {
    let plan = plan_of(keep(), steps(&[true, false]));
    let text = serde_json::to_string(&plan).expect("a plan is a plain value");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("it was just written"), plan);
}

#[test]
fn changes_read_like_a_diff() {
    let cases = [
        (PlannedChange::added("release", "1.0.0"), "+ release: 1.0.0"),
        (PlannedChange::removed("release", "1.0.0"), "- release: 1.0.0"),
        (PlannedChange::changed("setting log.level", "info", "debug"), "~ setting log.level: info -> debug"),
    ];
    for (change, wanted) in cases {
        assert_eq!(change.to_string(), wanted);
    }
}
