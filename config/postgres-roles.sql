-- One role for each service, made where it does not exist yet: `wildside-admin migrate --create-roles` runs this.
-- They can log in and have no password: give each one (ALTER ROLE wildside_notifier PASSWORD '…'), or a line in pg_hba.conf.
-- What each may do is in postgres-grants.sql. A new service: one more name here.
DO $$
DECLARE
    service text;
BEGIN
    FOREACH service IN ARRAY ARRAY[
        'wildside_api_gateway',
        'wildside_route_worker',
        'wildside_enrichment_worker',
        'wildside_notifier'
    ] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I LOGIN', service);
        EXCEPTION
            -- Roles are the server's: another database of it, or another run, has made it.
            WHEN duplicate_object OR unique_violation THEN
                NULL;
        END;
    END LOOP;
END $$;
