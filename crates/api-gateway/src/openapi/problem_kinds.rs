//! Which kinds of problem an answer of a status can be: the last part of their `type`, as in docs/problems.md.

/// A problem that says no more than its status.
pub(super) const BLANK: &str = "about:blank";

/// Every status of a problem with its kinds; `None` stands for [`BLANK`].
const KINDS: &[(u16, &[Option<&str>])] = &[
    (400, &[Some("malformed"), Some("body"), None]),
    (401, &[Some("no-session")]),
    (403, &[Some("foreign-origin")]),
    (404, &[Some("not-found")]),
    (405, &[Some("method-not-allowed")]),
    (406, &[Some("not-acceptable")]),
    (408, &[None]),
    (409, &[Some("not-complete"), Some("failed"), Some("too-many-saved-routes")]),
    (412, &[Some("lost-update")]),
    (413, &[Some("body")]),
    (415, &[Some("unsupported-media-type"), Some("unsupported-content-encoding")]),
    (422, &[Some("invalid"), Some("idempotency-key-reused")]),
    (429, &[Some("rate-limited"), Some("too-many-new-users"), Some("too-many-open-requests")]),
    (500, &[Some("internal"), None]),
    (503, &[Some("busy"), Some("unavailable")]),
];

/// The `type` of every problem, or of those of one status.
pub(super) fn types(status: Option<u16>) -> Vec<String> {
    let of_status = KINDS.iter().filter(|(of, _)| status.is_none_or(|status| status == *of));
    let kinds = of_status.flat_map(|(_, kinds)| *kinds);
    let mut types: Vec<String> = kinds
        .map(|kind| kind.map_or_else(|| BLANK.into(), |kind| format!("urn:wildside:problem:{kind}")))
        .collect();
    types.sort_unstable();
    types.dedup();
    types
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of the table in docs/problems.md: a kind and its statuses.
    fn row(line: &str) -> Option<(&str, Vec<u16>)> {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let kind = cells.next()?.strip_suffix('`')?;
        Some((kind, cells.next()?.split(", ").filter_map(|status| status.parse().ok()).collect()))
    }

    #[test]
    fn every_kind_is_explained_in_the_guide_to_problems_and_has_the_status_that_stands_there() {
        let guide = include_str!("../../../../docs/problems.md");
        // The notifier's own.
        let of_sockets = ["too-many-sockets"];
        let mut explained: Vec<(u16, &str)> = guide
            .lines()
            .filter_map(row)
            .filter(|(kind, _)| !of_sockets.contains(kind))
            .flat_map(|(kind, statuses)| statuses.into_iter().map(move |status| (status, kind)))
            .collect();
        explained.sort_unstable();
        let documented =
            KINDS.iter().flat_map(|(status, kinds)| kinds.iter().flatten().map(|kind| (*status, *kind)));
        let mut documented: Vec<(u16, &str)> = documented.collect();
        documented.sort_unstable();
        assert_eq!(explained, documented);
    }
}
