//! Random calls on several devices in one file, each answered as wacore's `InMemoryBackend` answers it.

use proptest::prelude::*;
use proptest::test_runner::Config;
use wacore::store::InMemoryBackend;

use super::calls::{AREAS, Call, METHODS, Method, call, questions};
use super::*;

const DEVICES: usize = 3;

/// Mostly the first.
fn device() -> impl Strategy<Value = usize> {
    prop::sample::select(&[0, 0, 0, 1, 1, 2][..])
}

#[derive(Debug, Clone)]
enum Step {
    Call { device: usize, call: Call },
    Wipe { device: usize },
    Reopen,
    Kill,
}

/// Most sequences keep to the methods of one area, where they meet; some mix all.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let methods = prop_oneof![4 => prop::sample::select(AREAS), 1 => Just(METHODS)];
    methods.prop_flat_map(|methods| prop::collection::vec(step(methods), 1..120))
}

fn step(methods: &'static [Method]) -> impl Strategy<Value = Step> {
    prop_oneof![
        60 => (device(), call(methods)).prop_map(|(device, call)| Step::Call { device, call }),
        1 => device().prop_map(|device| Step::Wipe { device }),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ]
}

/// The file under test beside one model for each device.
struct Pair {
    fixture: Fixture,
    ids: Vec<DeviceId>,
    backends: Vec<Arc<dyn Backend>>,
    models: Vec<InMemoryBackend>,
}

impl Pair {
    async fn new() -> Self {
        let mut pair = Self {
            fixture: Fixture::new(),
            ids: (0..DEVICES).map(|_number| DeviceId::generate()).collect(),
            backends: Vec::new(),
            models: (0..DEVICES).map(|_number| InMemoryBackend::new()).collect(),
        };
        pair.renew_backends().await;
        pair
    }

    async fn renew_backends(&mut self) {
        self.backends.clear();
        for id in &self.ids {
            self.backends.push(self.fixture.backend(*id).await);
        }
    }

    async fn take(&mut self, step: &Step, order: i64) -> Result<(), TestCaseError> {
        match step {
            Step::Call { device, call } => {
                self.compare(*device, call, order).await?;
                for question in call.questions_after() {
                    self.compare(*device, &question, order).await?;
                }
            }
            Step::Wipe { device } => {
                self.fixture.store.wipe(self.ids[*device]).await.expect("a wipe");
                self.models[*device] = InMemoryBackend::new();
                self.renew_backends().await;
            }
            Step::Reopen => {
                self.fixture.reopen().await;
                self.renew_backends().await;
            }
            Step::Kill => {
                self.fixture.kill_and_reopen();
                self.renew_backends().await;
            }
        }
        Ok(())
    }

    async fn compare(&self, device: usize, call: &Call, order: i64) -> Result<(), TestCaseError> {
        let answer = call.give_to(&*self.backends[device], order).await;
        let model = &self.models[device];
        let expected = match call.method {
            Method::GetPnMapping => latest_mapping(model, call).await,
            _ => call.give_to(model, order).await,
        };
        prop_assert_eq!(answer, expected, "device {} answers {:?}", device, call);
        Ok(())
    }
}

/// What the trait says: "the most recent LID for that phone".
///
/// `InMemoryBackend` forgets it when an older LID of the number moves on: after (A, 1), (B, 1), (A, 2) it
/// knows no LID of 1. So the model is asked for all its mappings.
async fn latest_mapping(model: &InMemoryBackend, call: &Call) -> String {
    use wacore::store::traits::ProtocolStore;
    let mut mappings = model.get_all_lid_mappings().await.expect("the mappings");
    let asked = ["1", "11", "2", "12"][usize::from(call.a)];
    mappings.retain(|mapping| mapping.phone_number == asked);
    let latest = mappings.into_iter().max_by_key(|mapping| mapping.updated_at);
    format!("{:?}", Ok::<_, ()>(latest))
}

proptest! {
    #![proptest_config(Config { cases: 64, failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_answer_is_that_of_the_model(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut pair = Pair::new().await;
            for (number, step) in steps.iter().enumerate() {
                // Two apart, because a batch uses the next one too.
                let order = i64::try_from(number * 2).expect("a small number");
                pair.take(step, order).await?;
            }
            for device in 0..DEVICES {
                for question in questions() {
                    pair.compare(device, &question, 0).await?;
                }
            }
            Ok::<_, TestCaseError>(())
        })?;
    }
}
