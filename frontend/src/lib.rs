//! Wakes the islands in the browser; nothing else.
