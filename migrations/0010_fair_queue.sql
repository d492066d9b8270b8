-- Requests are served in a fair order, admitted by the wait that is expected, and their ends are announced until the
-- announcement has reached the broker. See docs/accepted-is-never-lost.md.

ALTER TABLE route_requests
    -- The network address (or IPv6 prefix) that asks; forgotten when the request has ended.
    ADD COLUMN source text,
    -- Expected work: 1 is a walk of 60 minutes. See RouteRequest::cost.
    ADD COLUMN cost real NOT NULL DEFAULT 1 CHECK (cost > 0),
    -- Place in the queue: the lowest comes first. See store/src/queue.rs.
    ADD COLUMN finish_tag double precision NOT NULL DEFAULT 0,
    -- A released request is not claimed before.
    ADD COLUMN due_at timestamptz NOT NULL DEFAULT now(),
    -- Attempts that a lost lease or a panic cut off: too many of them end the request.
    ADD COLUMN lost_attempts integer NOT NULL DEFAULT 0,
    -- Times that a worker released the request for reasons of its own; each pause is longer than the one before.
    ADD COLUMN releases integer NOT NULL DEFAULT 0,
    -- When the end was announced. Rows of today count as announced; later ones start without.
    ADD COLUMN notified_at timestamptz DEFAULT now();
ALTER TABLE route_requests ALTER COLUMN notified_at DROP DEFAULT;

CREATE INDEX route_requests_queue ON route_requests (finish_tag, id) INCLUDE (cost, due_at) WHERE status = 'pending';
CREATE INDEX route_requests_leases ON route_requests (coalesce(lease_until, '-infinity')) WHERE status = 'in_progress';
CREATE INDEX route_requests_source ON route_requests (source) INCLUDE (finish_tag, cost)
    WHERE status IN ('pending', 'in_progress');
CREATE INDEX route_requests_unnotified ON route_requests (updated_at)
    WHERE status IN ('complete', 'failed') AND notified_at IS NULL;

-- Route workers that are alive, each with what it measured: the capacity by which a wait is estimated.
CREATE TABLE route_workers (
    id               uuid PRIMARY KEY,
    slots            integer NOT NULL CHECK (slots > 0),
    -- Seconds that one slot takes for a request of cost 1.
    seconds_per_cost real NOT NULL CHECK (seconds_per_cost > 0),
    seen_at          timestamptz NOT NULL DEFAULT now()
);

-- Work of cost 1 that all workers together finish in a second; NULL where no worker is alive.
CREATE FUNCTION route_workers_capacity() RETURNS double precision LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT sum(slots / seconds_per_cost)::double precision FROM route_workers
    WHERE seen_at > now() - interval '15 seconds';
END;

-- Seconds until a request with this place in the queue is taken up; NULL where no worker is alive.
CREATE FUNCTION route_queue_wait_s(tag double precision) RETURNS double precision LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT (coalesce((SELECT sum(cost) FROM route_requests WHERE status = 'pending' AND finish_tag < tag), 0)
            -- Of what is in hand, half is still to be done on average.
            + coalesce((SELECT sum(cost) FROM route_requests WHERE status = 'in_progress'), 0) / 2)
           / route_workers_capacity();
END;
