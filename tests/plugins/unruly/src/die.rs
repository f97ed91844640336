//! The ways in which a stage takes its process with it.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Obeys the word in a text that ends the process, if there is one.
pub(crate) fn obey(text: &str) {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    if text.is_empty() {
        return;
    }
    let seen = SEEN.fetch_add(1, Ordering::Relaxed);
    if text.contains("SEGV") {
        segfault();
    }
    if text.contains("ABORT") || (text.contains("COMPANY") && seen > 0) {
        std::process::abort();
    }
    if text.contains("EXIT") {
        std::process::exit(0);
    }
    while text.contains("HANG") {
        std::hint::spin_loop();
    }
    if text.contains("HOARD") {
        hoard();
    }
}

#[expect(unsafe_code, reason = "what is tested")]
fn segfault() {
    let nowhere = std::hint::black_box(std::ptr::null_mut::<u8>());
    // SAFETY: none; the process ends here.
    unsafe { nowhere.write_volatile(1) };
}

/// Takes ten gigabytes, a little at a time.
fn hoard() {
    let taken: Vec<Vec<u8>> = (0..640).map(|_| std::hint::black_box(vec![1; 1 << 24])).collect();
    drop(std::hint::black_box(taken));
}
