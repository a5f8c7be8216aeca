//! What moves in the browser. Each island adds to links and forms that work without it, and takes no props: what it
//! needs stands in the page. Nothing here knows the engine.

#[cfg(feature = "hydrate")]
mod browser;
pub mod copy;
pub mod editor_keys;
pub mod menus;
pub mod palette;
#[cfg(feature = "hydrate")]
mod pieces;
pub mod progress;
pub mod theme;
pub mod times;
pub mod upload;
