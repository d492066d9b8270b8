//! What the network remembers of a way.

use bytemuck::{Pod, Zeroable};

/// What kind of street it is, by how pleasant it is to walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Made for walkers: footways, paths, squares, living streets.
    Foot = 0,
    /// Field and forest tracks.
    Track = 1,
    /// Residential streets; cycleways and bridleways that walkers share.
    Quiet = 2,
    /// Driveways, alleys, parking aisles.
    Service = 3,
    /// Through roads with little traffic.
    Minor = 4,
    /// Through roads with much traffic.
    Major = 5,
    /// Primary roads and faster.
    Heavy = 6,
    /// Waiting areas of buses and trains.
    Platform = 7,
}

const CLASSES: [Class; 8] = [
    Class::Foot,
    Class::Track,
    Class::Quiet,
    Class::Service,
    Class::Minor,
    Class::Major,
    Class::Heavy,
    Class::Platform,
];

/// Whether a way is lit at night. Most ways do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lit {
    Unknown = 0,
    Yes = 1,
    No = 2,
}

/// What matters about a way, in 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub(crate) struct Attributes(pub u32);

impl Attributes {
    pub(super) const LIT_SHIFT: u32 = 5;
    pub(super) const STEPS: u32 = 1 << 4;
    pub(super) const PRIVATE: u32 = 1 << 7;
    pub(super) const NO_FORWARD: u32 = 1 << 8;
    pub(super) const NO_BACKWARD: u32 = 1 << 9;
    pub(super) const CROSSING: u32 = 1 << 10;
    pub(super) const SIDEWALK_APART: u32 = 1 << 11;
    pub(super) const ROUGH: u32 = 1 << 12;
    pub(super) const BUSY: u32 = 1 << 13;
    /// The uppermost bits: the incline in percent.
    pub(super) const INCLINE_SHIFT: u32 = 24;

    pub fn class(self) -> Class {
        CLASSES[(self.0 & 7) as usize]
    }

    pub fn lit(self) -> Lit {
        match self.0 >> Self::LIT_SHIFT & 3 {
            1 => Lit::Yes,
            2 => Lit::No,
            _ => Lit::Unknown,
        }
    }

    /// A flight of steps or an escalator.
    pub fn steps(self) -> bool {
        self.0 & Self::STEPS != 0
    }

    /// Not for the public.
    pub fn private(self) -> bool {
        self.0 & Self::PRIVATE != 0
    }

    /// One may walk it from its first to its last node.
    pub fn forward(self) -> bool {
        self.0 & Self::NO_FORWARD == 0
    }

    /// One may walk it from its last to its first node.
    pub fn backward(self) -> bool {
        self.0 & Self::NO_BACKWARD == 0
    }

    /// The same way, walked straight across the square that it outlines.
    pub fn across(self) -> Self {
        Self(self.0 | Self::CROSSING)
    }

    /// A straight way across a square.
    pub fn crosses_square(self) -> bool {
        self.0 & Self::CROSSING != 0
    }

    /// Underfoot it is known to be soft, loose or uneven.
    pub fn rough(self) -> bool {
        self.0 & Self::ROUGH != 0
    }

    /// A trunk road that is not said to have room for walkers.
    pub fn busy(self) -> bool {
        self.0 & Self::BUSY != 0
    }

    /// How steeply it rises from its first to its last node, in percent, where that is known; 0 else.
    pub fn incline_percent(self) -> i8 {
        (self.0 >> Self::INCLINE_SHIFT) as u8 as i8
    }

    /// The same way with its first node for its last.
    pub fn reversed(self) -> Self {
        let ways = Self::NO_FORWARD | Self::NO_BACKWARD;
        let mut bits = self.0 & !(ways | 0xff << Self::INCLINE_SHIFT);
        bits |= if self.forward() { 0 } else { Self::NO_BACKWARD };
        bits |= if self.backward() { 0 } else { Self::NO_FORWARD };
        Self(bits | u32::from(self.incline_percent().saturating_neg() as u8) << Self::INCLINE_SHIFT)
    }

    /// Its sidewalk is mapped as a way of its own.
    pub fn sidewalk_apart(self) -> bool {
        self.0 & Self::SIDEWALK_APART != 0
    }
}
