-- A tile of places has each id as a property as well: who filters or joins by properties does not see the feature's own.
-- ST_AsMVT takes the column of the feature's id away from the properties, so there are two.
CREATE OR REPLACE FUNCTION tiles.pois(z integer, x integer, y integer, query jsonb) RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT tiles.is_tile(z, x, y) THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT ST_AsMVT(feature, 'pois', 4096, 'geom', 'feature_id')
        FROM (
            SELECT id AS feature_id, id, name, popularity_score, icon,
                   ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(z, x, y), 4096, 64) AS geom
            FROM tiles.pois_shown
            WHERE geom && ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.015625), 4326)
            ORDER BY popularity_score DESC, id
            LIMIT 1000
        ) feature
    );
END $$;

-- Migration 0006 left a role alone that was there before, and so without what keeps it from harm.
DO $$
BEGIN
    FOR attempt IN 1..5 LOOP
        EXIT WHEN EXISTS (
            SELECT FROM pg_db_role_setting JOIN pg_roles ON pg_roles.oid = setrole
            WHERE rolname = 'martin_ro' AND setdatabase = 0 AND setconfig @> ARRAY[
                'default_transaction_read_only=on', 'statement_timeout=5s', 'max_parallel_workers_per_gather=0']);
        BEGIN
            ALTER ROLE martin_ro SET default_transaction_read_only = on;
            ALTER ROLE martin_ro SET statement_timeout = '5s';
            ALTER ROLE martin_ro SET max_parallel_workers_per_gather = 0;
        EXCEPTION
            -- Another database of this server does the same just now ("tuple concurrently updated").
            WHEN internal_error OR unique_violation THEN
                NULL;
            WHEN insufficient_privilege THEN
                RAISE WARNING 'the settings of the role martin_ro are for its owner to make: see docs/operating.md';
                EXIT;
        END;
    END LOOP;
END $$;
