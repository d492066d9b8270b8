//! Travel times: a customizable contraction hierarchy (Dibbelt, Strasser, Wagner, "Customizable contraction hierarchies",
//! JEA 2016). The order in which nodes are contracted comes with the network; here the shortcuts get the weights of one
//! kind of walker, and routes and matrices are found with them.

mod components;
mod hierarchy;
mod matrix;
mod profile;
mod route;
mod times;

pub(crate) use hierarchy::Hierarchy;
pub(crate) use matrix::many_to_many;
pub(crate) use profile::Profile;
pub use times::{Path, Times, Travel};
