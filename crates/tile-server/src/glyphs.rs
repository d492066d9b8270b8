//! Letters as MapLibre wants them: ranges of 256 code points, each glyph a signed distance field, in the protobuf form
//! that Mapbox's node-fontnik began (glyphs.proto). They are made from TrueType fonts when they are first asked for.

use ab_glyph::{Font, FontVec, PxScale, ScaleFont};
use anyhow::Context;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use sdf_glyph_renderer::{BitmapGlyph, clamp_to_u8};
use std::{collections::BTreeMap, fs, io::Write, path::Path};

/// What style renderers take for granted: size in pixels, margin around a glyph, reach and place of the edge.
const SIZE: f32 = 24.0;
const MARGIN: usize = 3;
const RADIUS: usize = 8;
const CUTOFF: f64 = 0.25;

/// Fonts by the name that a style calls them.
pub(crate) struct Fonts(BTreeMap<String, FontVec>);

impl Fonts {
    /// Every `NAME.ttf` of a folder.
    pub fn read(dir: &Path) -> anyhow::Result<Self> {
        let mut fonts = BTreeMap::new();
        for entry in fs::read_dir(dir).with_context(|| format!("reading the fonts in {}", dir.display()))? {
            let file = entry?.path();
            let (Some(name), Some("ttf")) =
                (file.file_stem().and_then(|n| n.to_str()), file.extension().and_then(|e| e.to_str()))
            else {
                continue;
            };
            let font = FontVec::try_from_vec(fs::read(&file)?);
            fonts.insert(name.to_owned(), font.with_context(|| format!("{} is no font", file.display()))?);
        }
        Ok(Self(fonts))
    }

    /// Whether a style may name it.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The glyphs of a font from `start` on, gzipped. There is no such font: nothing.
    pub fn range(&self, name: &str, start: u32) -> anyhow::Result<Option<Bytes>> {
        let Some(font) = self.0.get(name) else { return Ok(None) };
        let mut stack = Vec::new();
        text(&mut stack, 1, name);
        text(&mut stack, 2, &format!("{start}-{}", start + 255));
        for letter in (start..start + 256).filter_map(char::from_u32) {
            if let Some(glyph) = glyph(font, letter)? {
                message(&mut stack, 3, &glyph);
            }
        }
        let mut glyphs = Vec::new();
        message(&mut glyphs, 1, &stack);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&glyphs)?;
        Ok(Some(gzip.finish()?.into()))
    }
}

fn glyph(font: &FontVec, letter: char) -> anyhow::Result<Option<Vec<u8>>> {
    let id = font.glyph_id(letter);
    if id.0 == 0 {
        return Ok(None);
    }
    // MapLibre's glyphs are 24 pixels to the em, whereas ab_glyph scales by the height of a line.
    let em = font.units_per_em().context("a font without an em")?;
    let scale = PxScale::from(SIZE * font.height_unscaled() / em);
    let scaled = font.as_scaled(scale);
    let mut encoded = Vec::new();
    number(&mut encoded, 1, u64::from(u32::from(letter)));
    if let Some(outline) = scaled.outline_glyph(id.with_scale(scale)) {
        let bounds = outline.px_bounds();
        let (width, height) = (bounds.width() as usize, bounds.height() as usize);
        let mut alpha = vec![0; width * height];
        outline.draw(|x, y, coverage| {
            if let Some(pixel) = alpha.get_mut(y as usize * width + x as usize) {
                *pixel = (coverage * 255.0).round().clamp(0.0, 255.0) as u8;
            }
        });
        let bitmap = BitmapGlyph::from_unbuffered(&alpha, width, height, MARGIN)?;
        bytes(&mut encoded, 2, &clamp_to_u8(&bitmap.render_sdf(RADIUS), CUTOFF)?);
        number(&mut encoded, 3, width as u64);
        number(&mut encoded, 4, height as u64);
        signed(&mut encoded, 5, bounds.min.x as i64);
        // Counted from the ascender, downwards is negative.
        signed(&mut encoded, 6, -(bounds.min.y as i64) - scaled.ascent().round() as i64);
    } else {
        for field in 3..=6 {
            number(&mut encoded, field, 0);
        }
    }
    number(&mut encoded, 7, scaled.h_advance(id).round() as u64);
    Ok(Some(encoded))
}

// The four kinds of field that the form has.

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(out: &mut Vec<u8>, field: u8, value: u64) {
    out.push(field << 3);
    varint(out, value);
}

fn signed(out: &mut Vec<u8>, field: u8, value: i64) {
    number(out, field, ((value << 1) ^ (value >> 63)) as u64);
}

fn bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend(value);
}

fn text(out: &mut Vec<u8>, field: u8, value: &str) {
    bytes(out, field, value.as_bytes());
}

fn message(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    bytes(out, field, value);
}
