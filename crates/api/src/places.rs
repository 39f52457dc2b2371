//! Places that all workspaces share, like those for streams: so many and no more, and no workspace can take them all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postern_domain::WorkspaceId;

/// Who has how many places, and how many are free.
#[derive(Debug)]
pub(crate) struct Places(Mutex<Shares>);

#[derive(Debug)]
struct Shares {
    free: usize,
    taken: HashMap<WorkspaceId, usize>,
}

/// A place that is taken, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    workspace: WorkspaceId,
}

impl Places {
    /// So many, all of them free.
    pub(crate) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Shares {
            free: count,
            taken: HashMap::new(),
        })))
    }

    /// A place, if the workspace has fewer than are free. So alone it gets half of them, and there are some for the others.
    pub(crate) fn take(self: &Arc<Self>, workspace: WorkspaceId) -> Option<Place> {
        let mut shares = self.lock();
        let own = shares.taken.get(&workspace).copied().unwrap_or_default();
        if own >= shares.free {
            return None;
        }
        shares.free -= 1;
        shares.taken.insert(workspace, own + 1);
        drop(shares);
        Some(Place {
            places: Arc::clone(self),
            workspace,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Shares> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut shares = self.places.lock();
        shares.free += 1;
        if let Entry::Occupied(mut own) = shares.taken.entry(self.workspace) {
            *own.get_mut() -= 1;
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_leaves_places_to_others() {
        let places = Places::new(16);
        let take_all = |workspace| std::iter::from_fn(|| places.take(workspace)).collect::<Vec<_>>();
        let (greedy, other) = (WorkspaceId::generate(), WorkspaceId::generate());
        let held = take_all(greedy);
        assert_eq!((held.len(), take_all(other).len()), (8, 4));
        drop(held);
        assert_eq!(take_all(other).len(), 8, "what was given back is free again");
    }

    #[test]
    fn the_only_place_can_be_taken_once() {
        let places = Places::new(1);
        let (first, second) = (WorkspaceId::generate(), WorkspaceId::generate());
        let held = places.take(first);
        assert!(held.is_some() && places.take(first).is_none() && places.take(second).is_none());
        drop(held);
        assert!(places.take(second).is_some());
        assert!(places.lock().taken.is_empty());
    }
}
