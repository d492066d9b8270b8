-- What each service may do in the database. `wildside-admin migrate` runs this after the migrations, every time, for the
-- roles that exist, so that it holds for new tables and columns as well: first nothing is allowed, then what is listed
-- here, in one transaction. A new table, column or statement of a service is one more line, or one more name in a line.
-- The role martin_ro is set up by migrations 0006 and 0008.
DO $$
DECLARE
    service text;
    line record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('wildside grants'));
    FOR service IN SELECT rolname FROM pg_roles WHERE rolname IN (
        'wildside_api_gateway', 'wildside_route_worker', 'wildside_enrichment_worker', 'wildside_notifier')
    LOOP
        -- What PostGIS brings may belong to somebody else.
        FOR line IN SELECT oid::regclass AS relation, relkind = 'S' AS is_sequence FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
              AND pg_has_role(relowner, 'USAGE')
        LOOP
            EXECUTE format('REVOKE ALL ON %s %s FROM %I',
                CASE WHEN line.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, line.relation, service);
        END LOOP;
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', service);
        EXECUTE format('GRANT SELECT ON _sqlx_migrations TO %I', service);
    END LOOP;
    FOR line IN SELECT * FROM (VALUES
        -- Walkers, and what they ask for.
        ('wildside_api_gateway', 'SELECT, INSERT, DELETE, UPDATE (revision, updated_at, active_at)', 'users'),
        ('wildside_api_gateway', 'SELECT, INSERT, UPDATE', 'session_revocations'),
        ('wildside_api_gateway', 'SELECT, INSERT, DELETE', 'user_interest_themes'),
        ('wildside_api_gateway', 'SELECT, INSERT, DELETE, UPDATE (status, error, rev, lease_until, publications, published_at, updated_at, source, notified_at)', 'route_requests'),
        ('wildside_api_gateway', 'SELECT', 'route_workers'),
        ('wildside_api_gateway', 'SELECT, UPDATE (walk_told)', 'enrichment_requests'),
        ('wildside_api_gateway', 'SELECT, INSERT, UPDATE (saved_at)', 'routes'),
        ('wildside_api_gateway', 'SELECT, INSERT', 'route_pois'),
        ('wildside_api_gateway', 'SELECT', 'interest_themes, pois, poi_interest_themes, datasets, ingests'),

        -- Walks.
        ('wildside_route_worker', 'SELECT, UPDATE (status, error, rev, attempt, lease_until, updated_at, source, due_at, lost_attempts, releases, notified_at)', 'route_requests'),
        ('wildside_route_worker', 'SELECT, INSERT, UPDATE, DELETE', 'route_workers'),
        ('wildside_route_worker', 'SELECT, INSERT', 'routes, route_pois'),
        ('wildside_route_worker', 'SELECT', 'interest_themes, pois, poi_interest_themes, datasets, street_cells, street_networks'),
        ('wildside_route_worker', 'SELECT, INSERT, UPDATE (status, due_at, failures, publications, published_at, wanted_at)', 'enrichments'),
        ('wildside_route_worker', 'SELECT, INSERT, DELETE, UPDATE (walk_told)', 'enrichment_requests'),

        -- Places that are learnt of, and maintenance.
        ('wildside_enrichment_worker', 'SELECT, UPDATE (status, due_at, attempt, lease_until, failures, publications, published_at, finished_at, found, added, skipped, error, doubted_at)', 'enrichments'),
        ('wildside_enrichment_worker', 'SELECT, DELETE', 'enrichment_requests'),
        ('wildside_enrichment_worker', 'SELECT, DELETE, UPDATE (idempotency_key, status, error, rev, lease_until, updated_at, source, notified_at)', 'route_requests'),
        ('wildside_enrichment_worker', 'SELECT', 'routes'),
        -- Accounts that nobody uses; with each one go its sessions.
        ('wildside_enrichment_worker', 'SELECT, DELETE, UPDATE (active_at)', 'users'),
        ('wildside_enrichment_worker', 'SELECT, INSERT, UPDATE, DELETE', 'session_revocations'),
        ('wildside_enrichment_worker', 'SELECT, UPDATE (day, requests, bytes, failures, paused_until)', 'overpass'),
        ('wildside_enrichment_worker', 'SELECT, INSERT, DELETE', 'overpass_turns'),
        ('wildside_enrichment_worker', 'SELECT, INSERT, UPDATE', 'datasets, pois'),
        ('wildside_enrichment_worker', 'SELECT, INSERT, DELETE', 'poi_datasets, poi_interest_themes'),
        ('wildside_enrichment_worker', 'SELECT, INSERT', 'ingests'),
        ('wildside_enrichment_worker', 'SELECT, UPDATE (poi_count)', 'interest_themes'),
        ('wildside_enrichment_worker', 'USAGE', 'SEQUENCE data_version'),

        -- How a request is going, and nothing of what was asked.
        ('wildside_notifier', 'SELECT (id, user_id, route_id, status, error, rev, created_at, updated_at, finish_tag, cost)', 'route_requests'),
        ('wildside_notifier', 'SELECT', 'route_workers, session_revocations'),
        ('wildside_notifier', 'SELECT (request_id, itinerary, path)', 'routes')
    ) AS allowed (role, what, tables)
    LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = line.role) THEN
            EXECUTE format('GRANT %s ON %s TO %I', line.what, line.tables, line.role);
        END IF;
    END LOOP;
END $$;
