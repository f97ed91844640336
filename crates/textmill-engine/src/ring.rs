//! Puts batches that finish in any order back into input order, and bounds how many bytes are between reader and writer.
//!
//! Only the reader ever waits for room. Every batch that was read is in the hands of a worker or waits here, so the
//! oldest unfinished one is always being worked on, and the writer gets on: order and bound cannot block each other.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Batches between the reader and the writer.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    state: Mutex<State<T>>,
    room: Condvar,
    limit: usize,
}

#[derive(Debug)]
struct State<T> {
    next: u64,
    ready: BTreeMap<u64, (T, usize)>,
    bytes: usize,
    writing: bool,
    stopped: bool,
}

impl<T> Ring<T> {
    /// A ring that lets the reader go on while fewer than `limit` bytes are on their way.
    pub(crate) fn new(limit: usize) -> Self {
        let state = State { next: 0, ready: BTreeMap::new(), bytes: 0, writing: false, stopped: false };
        Self { state: Mutex::new(state), room: Condvar::new(), limit }
    }

    /// Waits until there is room for one more batch; false if the run is being stopped.
    pub(crate) fn wait_for_room(&self) -> bool {
        let full = |state: &mut State<T>| state.bytes >= self.limit && !state.stopped;
        let state = self.room.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        !state.stopped
    }

    /// A batch of this many bytes was read.
    pub(crate) fn enter(&self, bytes: usize) {
        self.lock().bytes += bytes;
    }

    /// Takes a finished batch, and passes to `write` what can be written in order. One thread writes at a time; a thread
    /// that finds another one writing leaves its batch here and goes on. `write` says whether to go on.
    pub(crate) fn leave(&self, number: u64, batch: T, bytes: usize, mut write: impl FnMut(T) -> bool) {
        let mut state = self.lock();
        state.ready.insert(number, (batch, bytes));
        if state.writing {
            return;
        }
        state.writing = true;
        loop {
            let next = state.next;
            let Some((batch, bytes)) = state.ready.remove(&next).filter(|_| !state.stopped) else { break };
            drop(state);
            let go_on = write(batch);
            state = self.lock();
            state.next += 1;
            state.bytes -= bytes;
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn batches_leave_in_order_whatever_the_threads_do() {
        for limit in [1, 10, 1000] {
            let ring = Ring::new(limit);
            let next = Mutex::new(0_u64);
            let written = Mutex::new(Vec::new());
            let held = AtomicUsize::new(0);
            let work = || loop {
                let number = {
                    let mut next = next.lock().unwrap();
                    if *next == 500 || !ring.wait_for_room() {
                        break;
                    }
                    ring.enter(3);
                    // Whoever is let in finds fewer bytes than the limit on their way.
                    assert!(held.fetch_add(3, Ordering::SeqCst) < limit);
                    *next += 1;
                    *next - 1
                };
                // Some batches take longer than others, so that they finish out of order.
                (0..number * 7919 % 300).for_each(|_| std::hint::spin_loop());
                ring.leave(number, number, 3, |number| {
                    written.lock().unwrap().push(number);
                    held.fetch_sub(3, Ordering::SeqCst);
                    true
                });
            };
            std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(work))));
            assert_eq!(*written.lock().unwrap(), (0..500).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_stop_wakes_the_reader() {
        let ring = Ring::<()>::new(1);
        ring.enter(1);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| ring.wait_for_room());
            ring.stop();
            assert!(!reader.join().unwrap());
        });
    }
}
