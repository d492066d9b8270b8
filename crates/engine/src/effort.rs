/// How hard to search. With the same `iterations` and a `should_stop` that never fires, the walk is the same.
pub struct Effort<'a> {
    /// Rounds of the search; more find slightly better walks, in proportion to the time they take.
    pub iterations: u32,
    /// Polled often; once true, the best walk so far is finished and returned.
    pub should_stop: &'a (dyn Fn() -> bool + Sync),
    /// Told the share of the work that is done, 0-1, never falling.
    pub on_progress: &'a (dyn Fn(f32) + Sync),
}

impl Default for Effort<'_> {
    fn default() -> Self {
        Self { iterations: 640, should_stop: &|| false, on_progress: &|_| () }
    }
}
