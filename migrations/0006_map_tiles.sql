-- What Martin serves: places, and the route of a walker. It reaches the database as a role that can call two functions
-- and nothing else.

CREATE SCHEMA tiles;

-- A tile asks for places by web map squares, in degrees; the index on the geography cannot answer that.
CREATE INDEX pois_location_degrees ON pois USING gist ((location::geometry)) WHERE retired_at IS NULL;

-- What the map tells of a place. The rest is asked of the API when a walker taps it.
CREATE VIEW tiles.pois_shown AS
SELECT id, name, popularity_score,
       (SELECT theme.icon
        FROM poi_interest_themes JOIN interest_themes theme ON theme.id = theme_id
        WHERE poi_id = pois.id AND theme.retired_at IS NULL
        ORDER BY theme.position LIMIT 1) AS icon,
       -- Without a type modifier: with one the index is not used.
       location::geometry AS geom
FROM pois
WHERE retired_at IS NULL;

-- ST_TileEnvelope raises an error for what is no tile; here it is an empty one.
CREATE FUNCTION tiles.is_tile(z integer, x integer, y integer) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN z BETWEEN 0 AND 24 AND x >= 0 AND y >= 0 AND x < 1 << z AND y < 1 << z;

-- Places of a tile, layer `pois`. A tile of a big city is bounded by leaving out the least popular ones.
CREATE FUNCTION tiles.pois(z integer, x integer, y integer, query jsonb) RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT tiles.is_tile(z, x, y) THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT ST_AsMVT(feature, 'pois', 4096, 'geom', 'id')
        FROM (
            SELECT id, name, popularity_score, icon,
                   ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(z, x, y), 4096, 64) AS geom
            FROM tiles.pois_shown
            WHERE geom && ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.015625), 4326)
            ORDER BY popularity_score DESC, id
            LIMIT 1000
        ) feature
    );
END $$;

-- A part of a route, layer `route`. It knows nothing of whose it is: only the gateway asks, once it has looked.
-- ST_AsMVTGeom of PostGIS 3.3 drops the way out and back to a stop (0 0, 30 30, 0 0, 500 0 becomes 0 0, 500 0), so the
-- line is clipped and brought into the tile's own units, 4096 a side and y downwards, without it.
CREATE FUNCTION get_route_tile(route_id uuid, z integer, x integer, y integer) RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
DECLARE
    tile geometry;
    units double precision;
BEGIN
    IF NOT tiles.is_tile(z, x, y) THEN
        RETURN NULL;
    END IF;
    tile := ST_TileEnvelope(z, x, y);
    units := 4096 / (ST_XMax(tile) - ST_XMin(tile));
    RETURN (
        SELECT ST_AsMVT(feature, 'route', 4096, 'geom')
        FROM (
            SELECT ST_SnapToGrid(
                ST_Affine(clipped, units, 0, 0, -units, -ST_XMin(tile) * units, ST_YMax(tile) * units), 1) AS geom
            FROM (
                SELECT ST_ClipByBox2D(
                    ST_Transform(path, 3857), ST_TileEnvelope(z, x, y, margin => 0.015625)) AS clipped
                FROM routes
                WHERE id = get_route_tile.route_id
            ) route
            WHERE NOT ST_IsEmpty(clipped)
        ) feature
        WHERE geom IS NOT NULL
    );
END $$;

-- The form that Martin calls. What a query says is JSON: a text that is no uuid is no route, and neither is a number.
CREATE FUNCTION tiles.routes(z integer, x integer, y integer, query jsonb) RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF query ->> 'route_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
        RETURN get_route_tile((query ->> 'route_id')::uuid, z, x, y);
    END IF;
    RETURN NULL;
END $$;

-- Roles are the server's and not the database's: another database of it may have made this one.
DO $$
BEGIN
    CREATE ROLE martin_ro LOGIN;
    ALTER ROLE martin_ro SET default_transaction_read_only = on;
    ALTER ROLE martin_ro SET statement_timeout = '5s';
    -- A parallel plan gives the same tile with its features in another order, and so another ETag.
    ALTER ROLE martin_ro SET max_parallel_workers_per_gather = 0;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$;

REVOKE EXECUTE ON FUNCTION tiles.pois, tiles.routes, get_route_tile FROM PUBLIC;
GRANT USAGE ON SCHEMA tiles TO martin_ro;
GRANT EXECUTE ON FUNCTION tiles.pois, tiles.routes TO martin_ro;
