//! Puts batches that finish in any order back into input order, and bounds how many bytes are between reader and writer.
//!
//! Only the reader ever waits for room, and only while a batch that was read is on its way. Each of those is in the hands of
//! a worker or waits here for an older one, so the oldest is always being worked on, and the writer gets on: order and
//! bound cannot block each other. So a batch may exceed the bound, if it is the only one.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use textmill_io::{Budget, Permit};

/// Batches between the reader and the writer.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    state: Mutex<State<T>>,
    room: Condvar,
    budget: Arc<Budget>,
}

#[derive(Debug)]
struct State<T> {
    next: u64,
    ready: BTreeMap<u64, (T, Permit)>,
    /// How many batches are on their way.
    entered: usize,
    writing: bool,
    stopped: bool,
}

impl<T> Ring<T> {
    /// A ring that lets the reader go on while something of the budget is left.
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        let state = State { next: 0, ready: BTreeMap::new(), entered: 0, writing: false, stopped: false };
        Self { state: Mutex::new(state), room: Condvar::new(), budget }
    }

    /// Waits until there is room for one more batch; false if the run is being stopped.
    pub(crate) fn wait_for_room(&self) -> bool {
        let full = |state: &mut State<T>| state.entered > 0 && self.budget.is_spent() && !state.stopped;
        let state = self.room.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        !state.stopped
    }

    /// A batch was read that takes this many bytes. It must leave, or the run be stopped.
    pub(crate) fn enter(&self, bytes: usize) -> Permit {
        self.lock().entered += 1;
        self.budget.take(bytes)
    }

    /// Takes a finished batch, and passes to `write` what can be written in order. One thread writes at a time; a thread
    /// that finds another one writing leaves its batch here and goes on. `write` says whether to go on.
    pub(crate) fn leave(&self, number: u64, batch: T, permit: Permit, mut write: impl FnMut(T) -> bool) {
        let mut state = self.lock();
        state.ready.insert(number, (batch, permit));
        if state.writing {
            return;
        }
        state.writing = true;
        loop {
            let next = state.next;
            let Some((batch, permit)) = state.ready.remove(&next).filter(|_| !state.stopped) else { break };
            drop(state);
            let go_on = write(batch);
            drop(permit);
            state = self.lock();
            state.next += 1;
            state.entered -= 1;
            state.stopped |= !go_on;
            self.room.notify_all();
        }
        state.writing = false;
    }

    /// Lets nobody in any more.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.room.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Passes batches through a ring on eight threads: of which sizes, and what to do with each before it leaves and
    /// when it is written. What was written, in its order, and the most bytes that were on their way.
    fn pass(
        limit: usize,
        sizes: &[usize],
        work: impl Fn(usize) + Sync,
        write: impl Fn(usize) + Sync,
    ) -> (Vec<usize>, usize) {
        let budget = Budget::new(limit);
        let ring = Ring::new(Arc::clone(&budget));
        let next = Mutex::new(0_usize);
        let written = Mutex::new(Vec::new());
        let thread = || loop {
            let (number, permit) = {
                let mut next = next.lock().unwrap();
                if *next == sizes.len() || !ring.wait_for_room() {
                    break;
                }
                *next += 1;
                (*next - 1, ring.enter(sizes[*next - 1]))
            };
            work(number);
            ring.leave(number as u64, number, permit, |number| {
                write(number);
                written.lock().unwrap().push(number);
                true
            });
        };
        std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(thread))));
        assert!(!budget.is_spent());
        (written.into_inner().unwrap(), budget.peak())
    }

    #[test]
    fn batches_leave_in_order_whatever_the_threads_do() {
        for limit in [1, 10, 1000] {
            // Some batches take longer than others, so that they finish out of order.
            let work = |number| (0..number * 7919 % 300).for_each(|_| std::hint::spin_loop());
            let (written, peak) = pass(limit, &[3; 500], work, |_| ());
            assert_eq!(written, (0..500).collect::<Vec<_>>());
            assert!(peak < limit + 3, "{peak} of {limit}");
        }
    }

    #[test]
    fn the_oldest_goes_on_though_it_is_larger_than_the_limit() {
        // The first is slow: it leaves only when nobody can get in any more, which the others make sure of, or when all
        // others are there.
        let (tell, told) = mpsc::channel();
        let told = Mutex::new(told);
        let work = |number: usize| match number {
            0 => _ = told.lock().unwrap().recv_timeout(std::time::Duration::from_millis(300)),
            40 => _ = tell.send(()),
            _ => (),
        };
        let sizes: Vec<_> = (0..100).map(|number| if number % 10 == 0 { 5000 } else { 1 }).collect();
        for limit in [1, 100, 6000] {
            let (written, peak) = pass(limit, &sizes, work, |_| ());
            assert_eq!(written, (0..100).collect::<Vec<_>>());
            assert!(peak < limit + 5000, "{peak} of {limit}");
        }
    }

    #[test]
    fn a_slow_writer_stops_the_reader() {
        let slow = |_| std::thread::sleep(std::time::Duration::from_millis(2));
        let (written, peak) = pass(50, &[10; 60], |_| (), slow);
        assert_eq!(written.len(), 60);
        assert!(peak <= 50, "{peak}");
    }

    #[test]
    fn a_stop_wakes_the_reader() {
        let ring = Ring::<()>::new(Budget::new(1));
        let _permit = ring.enter(1);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| ring.wait_for_room());
            ring.stop();
            assert!(!reader.join().unwrap());
        });
    }
}
