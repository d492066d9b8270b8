-- Street networks as the search uses them, each prepared from the cells of an area, by the ingest that changed them.

CREATE SEQUENCE street_network_version;

CREATE TABLE street_networks (
    -- The tile of the web map whose walks it is for.
    zoom     smallint NOT NULL,
    x        integer NOT NULL,
    y        integer NOT NULL,
    -- The cells it holds (columns and rows at zoom 14, both ends included): those of the tile and of a margin.
    min_x    integer NOT NULL,
    max_x    integer NOT NULL,
    min_y    integer NOT NULL,
    max_y    integer NOT NULL,
    network  bytea NOT NULL,
    -- Of the engine's own form; an ingest prepares those anew that have another one.
    format   integer NOT NULL,
    -- Another one whenever it is prepared anew.
    version  bigint NOT NULL DEFAULT nextval('street_network_version'),
    PRIMARY KEY (zoom, x, y)
);
-- They are compressed by nature, and read as a whole.
ALTER TABLE street_networks ALTER COLUMN network SET STORAGE EXTERNAL;
