-- Who waits for new places hears of them after they have heard of their walk. A worker that does not know of this yet
-- says nothing here, and then the news may come a moment too early, as it did before.
ALTER TABLE enrichment_requests ADD COLUMN walk_told boolean NOT NULL DEFAULT true;
