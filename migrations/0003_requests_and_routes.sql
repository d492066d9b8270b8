-- The road of a wish to a walk. See docs/accepted-is-never-lost.md.

-- A body of statements, not of text: its names are bound now, so that a restore, which runs with an empty search_path,
-- finds them. NaN is greater than every number, so it fails here as well.
CREATE FUNCTION on_earth(shape geometry) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(bool_and(ST_X(geom) BETWEEN -180 AND 180 AND ST_Y(geom) BETWEEN -90 AND 90), true)
    FROM ST_DumpPoints(shape);
END;

-- The truth about every accepted request. NATS only carries the news of it.
CREATE TABLE route_requests (
    id              uuid PRIMARY KEY,
    route_id        uuid NOT NULL UNIQUE,
    user_id         uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    idempotency_key text CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    body_hash       bytea NOT NULL,
    params          jsonb NOT NULL,
    cache_key       text NOT NULL,
    status          text NOT NULL DEFAULT 'pending'
                    CHECK (status IN ('pending', 'in_progress', 'complete', 'failed')),
    -- Answered from the cache, at once: a repetition gets the same answer.
    from_cache      boolean NOT NULL DEFAULT false,
    -- Which attempt owns the row. A worker may finish only the attempt that it claimed.
    attempt         integer NOT NULL DEFAULT 0,
    lease_until     timestamptz,
    -- How often the job was published, and when last: the sweeper publishes again what nobody took up.
    publications    integer NOT NULL DEFAULT 1,
    published_at    timestamptz NOT NULL DEFAULT now(),
    error           text CHECK ((error IS NOT NULL) = (status = 'failed')),
    -- Grows with every event that the walker is told.
    rev             bigint NOT NULL DEFAULT 0,
    -- W3C trace context of the HTTP request, so that a job published again still belongs to its trace.
    traceparent     text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, idempotency_key)
);
CREATE INDEX route_requests_open ON route_requests (published_at) WHERE status IN ('pending', 'in_progress');
CREATE INDEX route_requests_user ON route_requests (user_id, updated_at);
CREATE INDEX route_requests_cache_key ON route_requests (cache_key);

CREATE TABLE routes (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id           uuid REFERENCES users (id) ON DELETE CASCADE,
    path              geometry(LineString, 4326) CHECK (on_earth(path)),
    generation_params jsonb NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    request_id        uuid NOT NULL UNIQUE REFERENCES route_requests (id) ON DELETE CASCADE,
    -- The walk without its path: stops, legs, quality, as they were when it was made.
    itinerary         jsonb NOT NULL,
    -- Pinned by its walker.
    saved_at          timestamptz
);
CREATE INDEX routes_path ON routes USING gist (path);
CREATE INDEX routes_user ON routes (user_id, created_at DESC, id DESC);

CREATE TABLE route_pois (
    route_id uuid NOT NULL REFERENCES routes (id) ON DELETE CASCADE,
    poi_id   bigint NOT NULL REFERENCES pois (id),
    "order"  integer NOT NULL CHECK ("order" >= 1),
    PRIMARY KEY (route_id, poi_id),
    UNIQUE (route_id, "order")
);
CREATE INDEX route_pois_poi ON route_pois (poi_id);
