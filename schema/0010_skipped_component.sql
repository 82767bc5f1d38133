-- The component that a tensor which was not read belongs to, so that its parameters count where they are missing.
-- NULL where nothing says it, and for models that were ingested before.
ALTER TABLE skipped_tensor ADD COLUMN component VARCHAR;
