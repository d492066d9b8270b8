-- Places that are learnt of where walkers ask for them.

-- A dataset with a theme is no extract: it holds what an Overpass API knew of one theme in one area.
ALTER TABLE datasets
    ADD COLUMN theme_id uuid REFERENCES interest_themes (id),
    -- Where its data makes a difference; of an extract that is its coverage.
    ADD COLUMN extent geometry(Polygon, 4326),
    -- Prominence and popularity score, both growing: what is learnt of later is measured by the same scale.
    ADD COLUMN popularity_scale jsonb,
    ADD CONSTRAINT datasets_are_of_one_kind CHECK ((theme_id IS NULL) = (extent IS NULL));
CREATE INDEX datasets_extent ON datasets USING gist (extent);

-- The narrative that was last written from the tags. Where `narrative` differs, an editor wrote it, and it is kept.
ALTER TABLE pois ADD COLUMN generated_narrative text;

-- What walkers wanted and we had too little of: the truth about every enrichment. NATS only carries the news of it.
CREATE TABLE enrichments (
    -- A rectangle of the web map's tiles: see `SearchArea` in the domain.
    area         text NOT NULL,
    theme_id     uuid NOT NULL REFERENCES interest_themes (id),
    bounds       geometry(Polygon, 4326) NOT NULL,
    status       text NOT NULL DEFAULT 'wanted' CHECK (status IN ('wanted', 'done', 'failed')),
    -- Wanted: not to be tried before. Done or failed: known well enough until then; nothing found is a result, too.
    due_at       timestamptz NOT NULL DEFAULT now(),
    -- Which attempt owns the row, and for how long without renewal.
    attempt      integer NOT NULL DEFAULT 0,
    lease_until  timestamptz,
    failures     integer NOT NULL DEFAULT 0,
    publications integer NOT NULL DEFAULT 1,
    published_at timestamptz NOT NULL DEFAULT now(),
    -- When a walker last wanted it: what nobody wants any more is not kept fresh.
    wanted_at    timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    found        integer,
    added        integer,
    skipped      integer,
    error        text,
    PRIMARY KEY (area, theme_id)
);
CREATE INDEX enrichments_wanted ON enrichments (due_at) WHERE status = 'wanted';
CREATE INDEX enrichments_bounds ON enrichments USING gist (bounds);

-- Whose request led to it, until they have been told.
CREATE TABLE enrichment_requests (
    area       text NOT NULL,
    theme_id   uuid NOT NULL,
    request_id uuid NOT NULL REFERENCES route_requests (id) ON DELETE CASCADE,
    PRIMARY KEY (area, theme_id, request_id),
    FOREIGN KEY (area, theme_id) REFERENCES enrichments (area, theme_id) ON DELETE CASCADE
);
CREATE INDEX enrichment_requests_request ON enrichment_requests (request_id);

-- Manners towards the Overpass API, for all replicas together. One row.
CREATE TABLE overpass (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- What was used on this day (UTC).
    day          date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
    requests     bigint NOT NULL DEFAULT 0,
    bytes        bigint NOT NULL DEFAULT 0,
    -- Since the last answer that was one.
    failures     integer NOT NULL DEFAULT 0,
    paused_until timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO overpass DEFAULT VALUES;

-- Queries under way. One whose asker died frees its place when its time is over.
CREATE TABLE overpass_turns (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- On whose budget.
    day   date NOT NULL,
    until timestamptz NOT NULL
);

-- What maintenance looks for.
CREATE INDEX route_requests_created ON route_requests (created_at);
CREATE INDEX route_requests_keys ON route_requests (created_at) WHERE idempotency_key IS NOT NULL;
