//! The icons of the map as one picture and a list of where each is in it, as styles want them.

use anyhow::{Context, ensure};
use bytes::Bytes;
use spreet::{Sprite, Spritesheet, get_svg_input_paths, load_svg, sprite_name};
use std::{collections::BTreeMap, path::Path};

/// The picture and its index at one density of pixels.
pub(crate) struct Sheet {
    pub png: Bytes,
    pub index: Bytes,
}

/// Sheets for plain and for dense screens.
pub(crate) struct Sprites {
    pub plain: Sheet,
    pub dense: Sheet,
}

impl Sprites {
    /// Draws every `NAME.svg` of a folder. They are distance fields, so that the style chooses their colour.
    pub fn draw(dir: &Path) -> anyhow::Result<Self> {
        Ok(Self { plain: sheet(dir, 1)?, dense: sheet(dir, 2)? })
    }
}

fn sheet(dir: &Path, ratio: u8) -> anyhow::Result<Sheet> {
    let mut sprites = BTreeMap::new();
    let files = get_svg_input_paths(dir, false);
    for file in files.with_context(|| format!("reading the icons in {}", dir.display()))? {
        let tree = load_svg(&file).with_context(|| format!("{} is no icon", file.display()))?;
        let sprite = Sprite::new_sdf(tree, ratio).with_context(|| format!("{} is empty", file.display()))?;
        sprites.insert(sprite_name(&file, dir)?, sprite);
    }
    ensure!(!sprites.is_empty(), "there are no icons in {}", dir.display());
    let sheet = Spritesheet::build().sprites(sprites).make_sdf().generate().context("drawing the icons")?;
    let index = serde_json::to_vec(sheet.get_index())?;
    Ok(Sheet { png: sheet.encode_png()?.into(), index: index.into() })
}
