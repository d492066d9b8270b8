-- Sessions that end before their cookie expires, and walkers who leave.

-- The newest sign of life: a write, or the renewal of a cookie.
ALTER TABLE users ADD COLUMN active_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX users_active ON users (active_at);

-- Sessions whose cookies are refused although they are signed and have not expired. Every gateway and notifier holds
-- these rows in memory. They outlive the walker, so there is no foreign key.
CREATE TABLE session_revocations (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      uuid NOT NULL,
    -- One session. Without it, all of a walker's: those begun until then, but for one, or simply all.
    session_id   uuid,
    begun_until  timestamptz,
    kept_session uuid,
    -- The walker is gone: no session of theirs is ever good again, and no row is written for them.
    erased       boolean NOT NULL DEFAULT false,
    -- Not the start of the transaction: readers ask for what is newer than what they have, less a margin for
    -- transactions that were under way.
    revoked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- No cookie that it concerns is good for longer than this.
    expires_at   timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (user_id, session_id),
    CONSTRAINT session_revocations_are_of_one_kind
        CHECK (num_nonnulls(session_id, begun_until) = CASE WHEN erased THEN 0 ELSE 1 END)
);
CREATE INDEX session_revocations_revoked ON session_revocations (revoked_at, id);
CREATE INDEX session_revocations_expires ON session_revocations (expires_at);

-- However a walker goes, by the API or by an operator's SQL, their cookies end with them. A cookie is good for at most
-- 400 days (`Session::LIFETIME` in the crate `service`); clocks may differ a little.
CREATE FUNCTION revoke_sessions_of_erased_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO session_revocations (user_id, erased, expires_at)
    VALUES (OLD.id, true, clock_timestamp() + interval '401 days')
    ON CONFLICT (user_id, session_id) DO UPDATE
    SET erased = true, begun_until = NULL, kept_session = NULL,
        revoked_at = excluded.revoked_at, expires_at = excluded.expires_at;
    RETURN NULL;
END;
$$;
CREATE TRIGGER users_erased AFTER DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION revoke_sessions_of_erased_user();

-- What is counted when a route is saved.
CREATE INDEX routes_saved ON routes (user_id) WHERE saved_at IS NOT NULL;
