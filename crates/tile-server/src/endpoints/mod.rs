//! What is answered, a file for each kind of thing.

pub(crate) mod documents;
pub(crate) mod fonts_and_sprites;
pub(crate) mod health;
pub(crate) mod tiles;
