//! Work that the reader will need done, and that idle workers do in advance.
//!
//! One thread at a time reads, and it only cuts ([`super::cut`]). What comes before the cut can cost more than all the rest: a
//! member of a compressed file is unpacked, a row group is decoded. Where the parts of a file are independent of each other,
//! the reader puts them up as [`Task`]s in the order in which it needs them, and a worker that finds the reader taken does one.
//! What nobody has done when it is needed, the reader does itself; so no thread waits for one that has not begun.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

/// A task takes no more than so many bytes, so that several can be in memory at a time.
const MOST_BYTES: usize = 16 << 20;

/// Less than so many bytes (for a task) is not worth a task.
const LEAST_BYTES: usize = 1 << 20;

/// Tasks that wait for somebody who has time.
pub struct Ahead {
    depth: usize,
    task_bytes: usize,
    waiting: Mutex<VecDeque<Weak<dyn Run + Send + Sync>>>,
}

/// Something that is being done, or will be. Dropped, it is not done any more.
pub(super) struct Task<T> {
    slot: Arc<Slot<T>>,
}

struct Slot<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

enum State<T> {
    Waiting(Box<dyn FnOnce() -> T + Send>),
    Running,
    Done(T),
    /// It panicked.
    Failed,
    Taken,
}

trait Run {
    /// Does it, unless somebody does it or has done it. Whether there was something to do.
    fn run(&self) -> bool;
}

impl Ahead {
    /// For so many workers, and so many bytes in all; `None` where that is too little to be of use.
    pub fn new(workers: NonZeroUsize, bytes: usize) -> Option<Arc<Self>> {
        let depth = workers.get() + 1;
        let task_bytes = (bytes / depth).min(MOST_BYTES);
        let is_useful = workers.get() > 1 && task_bytes >= LEAST_BYTES;
        is_useful.then(|| Arc::new(Self { depth, task_bytes, waiting: Mutex::default() }))
    }

    /// Does one task that waits; false if there is none.
    pub fn help(&self) -> bool {
        loop {
            let Some(task) = lock(&self.waiting).pop_front() else { return false };
            if task.upgrade().is_some_and(|task| task.run()) {
                return true;
            }
        }
    }

    /// How many tasks of one file there should be at a time.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// How many bytes a task may take.
    pub(super) fn task_bytes(&self) -> usize {
        self.task_bytes
    }

    pub(super) fn put_up<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        let state = Mutex::new(State::Waiting(Box::new(job)));
        let slot = Arc::new(Slot { state, changed: Condvar::new() });
        let weak: Weak<Slot<T>> = Arc::downgrade(&slot);
        lock(&self.waiting).push_back(weak);
        Task { slot }
    }
}

impl<T: Send + 'static> Task<T> {
    /// What came of it; `None` if it panicked. Does it here, if nobody has begun, and another one while somebody is at it.
    pub(super) fn finish(self, ahead: &Ahead) -> Option<T> {
        self.slot.run();
        loop {
            {
                let mut state = lock(&self.slot.state);
                match std::mem::replace(&mut *state, State::Taken) {
                    State::Done(result) => return Some(result),
                    State::Failed | State::Taken => return None,
                    other => *state = other,
                }
            }
            if !ahead.help() {
                self.slot.wait();
            }
        }
    }
}

impl<T> Slot<T> {
    fn wait(&self) {
        let mut state = lock(&self.state);
        while matches!(*state, State::Running) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T: Send> Run for Slot<T> {
    fn run(&self) -> bool {
        let job = {
            let mut state = lock(&self.state);
            match std::mem::replace(&mut *state, State::Running) {
                State::Waiting(job) => job,
                other => {
                    *state = other;
                    return false;
                }
            }
        };
        let result = catch_unwind(AssertUnwindSafe(job));
        *lock(&self.state) = result.map_or(State::Failed, State::Done);
        self.changed.notify_all();
        true
    }
}

impl fmt::Debug for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ahead").field("depth", &self.depth).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead() -> Arc<Ahead> {
        Ahead::new(NonZeroUsize::new(2).unwrap(), 64 << 20).unwrap()
    }

    #[test]
    fn what_nobody_did_is_done_when_it_is_needed() {
        let ahead = ahead();
        let tasks: Vec<_> = (0..3).map(|number| ahead.put_up(move || number)).collect();
        let results: Vec<_> = tasks.into_iter().map(|task| task.finish(&ahead)).collect();
        assert_eq!(results, [Some(0), Some(1), Some(2)]);
        assert!(!ahead.help());
    }

    #[test]
    fn what_is_not_needed_is_not_done() {
        let ahead = ahead();
        drop(ahead.put_up(|| panic!("nobody wants it")));
        let task = ahead.put_up(|| 7);
        assert!(ahead.help() && !ahead.help());
        assert_eq!(task.finish(&ahead), Some(7));
    }

    #[test]
    fn one_that_panics_has_no_result() {
        let ahead = ahead();
        let task = ahead.put_up(|| -> u8 { panic!("damaged") });
        assert!(ahead.help());
        assert_eq!(task.finish(&ahead), None);
    }

    #[test]
    fn all_is_done_once_whoever_does_it() {
        let ahead = ahead();
        let results: Vec<_> = std::thread::scope(|scope| {
            let helpers: Vec<_> = (0..3).map(|_| scope.spawn(|| while ahead.help() {})).collect();
            let tasks: Vec<_> = (0..500).map(|number| ahead.put_up(move || number)).collect();
            let results = tasks.into_iter().map(|task| task.finish(&ahead).unwrap()).collect();
            for helper in helpers {
                helper.join().unwrap();
            }
            results
        });
        assert_eq!(results, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn too_little_memory_is_of_no_use() {
        let new = |workers, bytes| Ahead::new(NonZeroUsize::new(workers).unwrap(), bytes);
        assert!(new(1, 1 << 30).is_none());
        assert!(new(2, 1 << 20).is_none());
        assert_eq!(new(2, 6 << 20).unwrap().task_bytes(), 2 << 20);
    }
}
