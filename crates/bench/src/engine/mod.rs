pub(crate) mod ours;
