//! What is done with a key is written down: the store as a caller writes to it.
//!
//! The act's row is committed with the act ([`postern_store::Store::acting`]), so every handler that changes something writes
//! through here. Messages that are sent are no acts: they are listed themselves, with their timelines.

use std::fmt::Display;

use postern_domain::WorkspaceId;
use postern_store::{Act, Actor, Store};

use crate::{Api, Caller};

impl Api {
    /// The store, for an act of this caller in its workspace: what it does, as `thing.verb`, and the id of what it does it to.
    pub(crate) fn acting(&self, caller: Caller, action: &'static str, target: impl Display) -> Store {
        self.store.acting(self.act(caller, action, target, ""))
    }

    /// The store, for an act on any workspace. One from outside is in the trail of that workspace as well: there the
    /// administration did it, and nobody learns of a key of others.
    pub(crate) fn acting_on(&self, workspace: WorkspaceId, act: Act) -> Store {
        let store = self.store.acting(act.clone());
        if workspace == act.workspace {
            return store;
        }
        store.acting(Act {
            workspace,
            actor: Actor::Administration,
            ..act
        })
    }

    /// An act of this caller, with more about it: no secret, text or phone number.
    pub(crate) fn act(
        &self,
        caller: Caller,
        action: &'static str,
        target: impl Display,
        details: impl Display,
    ) -> Act {
        Act {
            workspace: caller.workspace,
            at: self.clock.now(),
            actor: Actor::ApiKey(caller.key),
            action,
            target: target.to_string(),
            details: details.to_string(),
        }
    }
}
