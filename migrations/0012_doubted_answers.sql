-- An answer of an Overpass API that lacks most of what an earlier one had is believed when a second one says the same.
-- A worker that does not know of this yet leaves it empty, and believes as it did before.
ALTER TABLE enrichments ADD COLUMN doubted_at timestamptz;
