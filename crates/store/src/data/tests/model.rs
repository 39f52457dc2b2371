//! Any history of accepts, claims, outcomes, second thoughts, logouts, clock changes and restarts, against a model.
//!
//! The model is what the gateway promises, without tables and lanes. The promises are numbered as in the design:
//!
//! 1. What was accepted is there, whatever happens: [`Run::check`] compares every message after every step.
//! 2. A key is accepted once: [`Step::Repeat`].
//! 3. Every attempt carries the stanza id of the acceptance: [`Run::claim`].
//! 4. Attempts start in the order of acceptance, and one that waits holds back its own chat only: [`Run::claim`].
//! 5. A message takes one step after the other and ends once: [`Run::check`]; and it does end: [`Run::drain`].
//! 6. What comes in is stored once: [`Step::Receive`].
//!
//! And the invariants that nothing leaves from another account than it was accepted for, and that what is parked stays
//! until somebody acts: [`Model::turn`].

mod expected;
mod run;

use postern_domain::port::ReceiptKind;
use proptest::prelude::*;

use super::*;
use expected::Model;
use run::Run;

/// What can happen. Messages are named by a number, which is taken modulo how many there are.
#[derive(Debug, Clone)]
enum Step {
    Accept { chat: usize, delay: Option<i64> },
    Repeat(usize),
    Claim { limit: usize },
    Acked(usize),
    Receipt(usize, ReceiptKind),
    Retry(usize, i64),
    Failed(usize),
    ReleaseClaims,
    Hasten,
    Promote,
    Cancel(usize),
    TryAgain(usize),
    Reschedule(usize, Option<i64>),
    LogOut { removed: bool },
    Link { account: u8 },
    Release(usize),
    ReleaseAll,
    CancelParked,
    Receive(usize),
    Pass(i64),
    TurnBack(i64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => on_the_way(),
        8 => by_hand(),
        4 => of_the_link(),
        8 => of_the_machine(),
    ]
}

/// What a session does with the outbox.
fn on_the_way() -> impl Strategy<Value = Step> {
    let message = 0..40_usize;
    prop_oneof![
        6 => (1..5_usize).prop_map(|limit| Step::Claim { limit }),
        3 => Just(Step::Claim { limit: 100 }),
        4 => message.clone().prop_map(Step::Acked),
        1 => (message.clone(), prop_oneof![
            Just(ReceiptKind::Delivered), Just(ReceiptKind::Read), Just(ReceiptKind::Played)
        ]).prop_map(|(message, kind)| Step::Receipt(message, kind)),
        6 => (message.clone(), 1..300_i64).prop_map(|(message, delay)| Step::Retry(message, delay)),
        2 => message.prop_map(Step::Failed),
        1 => Just(Step::ReleaseClaims),
        1 => Just(Step::Hasten),
        1 => (0..6_usize).prop_map(Step::Receive),
    ]
}

/// What callers of the API do.
fn by_hand() -> impl Strategy<Value = Step> {
    let message = 0..40_usize;
    prop_oneof![
        8 => (0..3_usize, prop::option::weighted(0.2, 1..300_i64))
            .prop_map(|(chat, delay)| Step::Accept { chat, delay }),
        1 => message.clone().prop_map(Step::Repeat),
        2 => message.clone().prop_map(Step::Cancel),
        3 => message.clone().prop_map(Step::TryAgain),
        2 => (message, prop::option::of(-50..300_i64))
            .prop_map(|(message, delay)| Step::Reschedule(message, delay)),
    ]
}

/// What becomes of the link, and of what it leaves.
fn of_the_link() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => prop::bool::weighted(0.2).prop_map(|removed| Step::LogOut { removed }),
        4 => prop::bool::weighted(0.3).prop_map(|other| Step::Link { account: u8::from(other) }),
        2 => (0..40_usize).prop_map(Step::Release),
        1 => Just(Step::ReleaseAll),
        1 => Just(Step::CancelParked),
    ]
}

fn of_the_machine() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1..200_i64).prop_map(Step::Pass),
        1 => (1..400_i64).prop_map(Step::TurnBack),
        1 => Just(Step::Promote),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_loses_or_reorders_messages(steps in prop::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut run = Run { fixture: Fixture::in_memory().await, model: Model::default() };
            for step in steps {
                run.step(step).await;
                run.check().await;
            }
            run.drain().await;
            run.fixture.store.close().await;
        });
    }
}
