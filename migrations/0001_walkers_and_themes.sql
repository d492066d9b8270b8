-- Walkers and what they like. The first thing every installation needs is PostGIS.
CREATE EXTENSION IF NOT EXISTS postgis;

CREATE TABLE users (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- Grows with every change of the profile: the ETag of /users/me.
    revision   bigint NOT NULL DEFAULT 1
);

-- Filled from config/themes.yaml. A theme that left the file is retired, never deleted: old routes speak of it.
CREATE TABLE interest_themes (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name        text NOT NULL UNIQUE,
    description text,
    key         text NOT NULL UNIQUE,
    icon        text NOT NULL,
    position    integer NOT NULL DEFAULT 0,
    -- Counted at the end of every ingest: counting a planet's places at every visit of the list would be slow.
    poi_count   bigint NOT NULL DEFAULT 0,
    retired_at  timestamptz
);

CREATE TABLE user_interest_themes (
    user_id  uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    theme_id uuid NOT NULL REFERENCES interest_themes (id),
    PRIMARY KEY (user_id, theme_id)
);
CREATE INDEX user_interest_themes_theme ON user_interest_themes (theme_id);
