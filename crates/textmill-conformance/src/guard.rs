//! Memory that can be read up to its last byte, and neither written to nor read beyond.

#![expect(unsafe_code, reason = "asks the system for pages, and for their protection")]

use std::ffi::c_void;
use std::ptr;

use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use rustix::param::page_size;

/// A copy of some bytes in pages that are read-only, with an inaccessible page right behind the last byte.
#[derive(Debug)]
pub(crate) struct Guarded {
    pages: *mut c_void,
    /// Of all pages, in bytes.
    mapped: usize,
    /// Where the bytes begin, from the first page on.
    start: usize,
    len: usize,
}

impl Guarded {
    /// # Errors
    /// If the system has no such memory.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, Errno> {
        let guarded = Self::writable(bytes)?;
        // SAFETY: the pages are ours, and nobody has a reference to them.
        unsafe { mprotect(guarded.pages, guarded.readable(), MprotectFlags::READ)? };
        Ok(guarded)
    }

    /// [`Guarded::new`], only that the bytes can be written to.
    ///
    /// # Errors
    /// If the system has no such memory.
    pub(crate) fn writable(bytes: &[u8]) -> Result<Self, Errno> {
        let page = page_size();
        let readable = bytes.len().div_ceil(page) * page;
        let mapped = readable + page;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: new pages, at a place that the system chooses.
        let pages = unsafe { mmap_anonymous(ptr::null_mut(), mapped, protection, MapFlags::PRIVATE)? };
        // From here on `drop` gives them back.
        let guarded = Self { pages, mapped, start: readable - bytes.len(), len: bytes.len() };
        // SAFETY: there is room for the bytes from `start` on, and the last page is ours too.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), guarded.as_mut_ptr(), bytes.len());
            mprotect(pages.byte_add(readable), page, MprotectFlags::empty())?;
        }
        Ok(guarded)
    }

    pub(crate) fn as_ptr(&self) -> *const u8 {
        self.as_mut_ptr()
    }

    /// Where the bytes are. Only of memory that is writable may anything be written there.
    pub(crate) fn as_mut_ptr(&self) -> *mut u8 {
        // SAFETY: `start` lies within the pages, or right behind the readable ones.
        unsafe { self.pages.byte_add(self.start).cast() }
    }

    /// The bytes as text.
    ///
    /// # Panics
    /// If they are no UTF-8.
    pub(crate) fn text(&self) -> &str {
        // SAFETY: `len` bytes, which nobody can write to.
        let bytes = unsafe { std::slice::from_raw_parts(self.as_ptr(), self.len) };
        std::str::from_utf8(bytes).expect("what was put there is text")
    }

    fn readable(&self) -> usize {
        self.mapped - page_size()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: mapped once, in `writable`, and not used any more.
        let _freed = unsafe { munmap(self.pages, self.mapped) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        for text in ["", "a", "é\0", &"x".repeat(page_size()), &"y".repeat(page_size() + 1)] {
            assert_eq!(Guarded::new(text.as_bytes()).unwrap().text(), text);
        }
    }

    #[test]
    fn they_end_where_the_pages_do() {
        let guarded = Guarded::new(b"abc").unwrap();
        assert_eq!(guarded.as_ptr().addr() % page_size(), page_size() - 3);
    }
}
