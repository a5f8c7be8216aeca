//! An allocator that counts for those threads that a meter watches, so that a test knows the most that its own work
//! held at once, whatever other tests do meanwhile.
#![allow(unsafe_code, reason = "an allocator is unsafe by its trait; this one only adds up what passes through")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::atomic::{AtomicIsize, Ordering::Relaxed},
};

struct Counting;

thread_local! {
    // Constant and without a destructor: an allocator can ask for it at any time of a thread's life.
    static METER: Cell<Option<&'static Meter>> = const { Cell::new(None) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize) {
    if let Some(meter) = METER.get() {
        let held = meter.held.fetch_add(bytes, Relaxed) + bytes;
        meter.most.fetch_max(held, Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both are held while the one becomes the other.
        count(size.cast_signed());
        count(-layout.size().cast_signed());
        // SAFETY: as the caller promises.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// What the threads that it watches hold beyond what they held before: in all, and at most.
#[derive(Default)]
pub struct Meter {
    held: AtomicIsize,
    most: AtomicIsize,
}

impl Meter {
    pub fn new() -> &'static Self {
        Box::leak(Box::default())
    }

    /// Counts what this thread takes and gives back, from now on.
    pub fn watch(&'static self) {
        METER.set(Some(self));
    }

    /// What was held at most, in bytes. This thread is watched no more.
    pub fn peak(&self) -> usize {
        METER.set(None);
        self.most.load(Relaxed).max(0).cast_unsigned()
    }
}
