//! How many files and sockets this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files that are left to databases, brokers, temporary files and the admin server, whatever the public door suffers.
const RESERVE: u64 = 160;

/// Raises the limit as far as the system lets it be raised, and says what it is. To be called once, at the start.
pub fn raise_limit() {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: before.maximum, maximum: before.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    let limit = limit();
    tracing::info!(limit, was = before.current, for_connections = for_connections(), "open files");
    if limit < 4 * RESERVE {
        tracing::warn!(limit, "few files may be open; set a higher limit (ulimit -n, LimitNOFILE)");
    }
}

/// Files that may be open.
pub fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Those of them that the public door may use for connections.
pub fn for_connections() -> u64 {
    let limit = limit();
    limit - RESERVE.min(limit / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_may_be() {
        let maximum = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current: Some(1024), maximum }).unwrap();
        assert_eq!((limit(), for_connections()), (1024, 1024 - RESERVE));
        raise_limit();
        assert_eq!(limit(), maximum.unwrap_or(u64::MAX));
    }
}
