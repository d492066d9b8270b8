-- What an ingest brings: places, streets, and where they came from.

-- One more for every change of the data; part of the key under which routes are cached.
CREATE SEQUENCE data_version;

-- An area that is kept up to date from extracts of one name.
CREATE TABLE datasets (
    name         text PRIMARY KEY,
    coverage     geometry(MultiPolygon, 4326) NOT NULL,
    -- How new its data is, where its extract tells it: of two datasets that overlap, the newer one describes a place.
    osm_timestamp timestamptz,
    data_version bigint NOT NULL DEFAULT nextval('data_version'),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX datasets_coverage ON datasets USING gist (coverage);

-- Provenance: one row for every ingest that ran to its end, also for one that changed nothing.
CREATE TABLE ingests (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset       text NOT NULL REFERENCES datasets (name),
    extract_name  text NOT NULL,
    extract_bytes bigint NOT NULL,
    extract_sha256 text NOT NULL,
    -- State of the OSM data, where the extract tells it.
    osm_timestamp timestamptz,
    attribution   text NOT NULL,
    started_at    timestamptz NOT NULL,
    finished_at   timestamptz NOT NULL DEFAULT now(),
    changed       boolean NOT NULL,
    counts        jsonb NOT NULL
);
CREATE INDEX ingests_dataset ON ingests (dataset, finished_at);

CREATE TABLE pois (
    -- OSM id * 4 + kind (0 node, 1 way, 2 relation): OSM counts each kind from 1, so the bare number is ambiguous.
    id               bigint PRIMARY KEY CHECK (id & 3 < 3),
    -- Longitude and latitude come in as numbers and are checked as numbers: a cast to geography would quietly turn
    -- (181, 95) into another place before any check saw it. NaN is greater than every number and fails as well.
    lon              double precision NOT NULL CHECK (lon BETWEEN -180 AND 180),
    lat              double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    location         geography(Point, 4326) NOT NULL
                     GENERATED ALWAYS AS (ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geography) STORED,
    osm_tags         jsonb NOT NULL DEFAULT '{}',
    narrative        text,
    popularity_score real DEFAULT 0.5 CHECK (popularity_score BETWEEN 0 AND 1),
    name             text,
    kind             text NOT NULL,
    dwell_s          integer NOT NULL CHECK (dwell_s >= 0),
    -- The one of its datasets that describes it.
    dataset          text NOT NULL REFERENCES datasets (name),
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    -- Gone from every dataset. Kept, because old routes stop there.
    retired_at       timestamptz
);
CREATE INDEX pois_location ON pois USING gist (location) WHERE retired_at IS NULL;
CREATE INDEX pois_osm_tags ON pois USING gin (osm_tags);
CREATE INDEX pois_dataset ON pois (dataset);

-- Which datasets have a place: extracts may overlap, and it is retired when the last of them has lost it.
CREATE TABLE poi_datasets (
    dataset text NOT NULL REFERENCES datasets (name),
    poi_id  bigint NOT NULL REFERENCES pois (id) ON DELETE CASCADE,
    PRIMARY KEY (dataset, poi_id)
);
CREATE INDEX poi_datasets_poi ON poi_datasets (poi_id);

CREATE TABLE poi_interest_themes (
    poi_id   bigint NOT NULL REFERENCES pois (id) ON DELETE CASCADE,
    theme_id uuid NOT NULL REFERENCES interest_themes (id),
    PRIMARY KEY (poi_id, theme_id)
);
CREATE INDEX poi_interest_themes_theme ON poi_interest_themes (theme_id);

-- The walkable streets, in squares of the web map's zoom 14 (about 1.3 km at 56 degrees north). What is inside a
-- square is the engine's own compact form; the database only has to find squares by area.
CREATE TABLE street_cells (
    dataset  text NOT NULL REFERENCES datasets (name),
    x        integer NOT NULL,
    y        integer NOT NULL,
    network  bytea NOT NULL,
    segments integer NOT NULL,
    PRIMARY KEY (x, y, dataset)
);
