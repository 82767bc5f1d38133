-- Audits share a registry with each other and with ingests. The two tables of what a run still has to do stay empty: an
-- audit makes temporary ones of their names and columns, in its own memory.
ALTER TABLE audit_run ADD COLUMN owner VARCHAR;
COMMENT ON COLUMN audit_run.owner IS 'the process that carries it out, or did: host, number, and a random word; NULL for runs of earlier versions';
COMMENT ON TABLE audit_task IS 'what a run still has to do: always empty, as an audit has a temporary table of this name and these columns';
COMMENT ON TABLE audit_candidate IS 'candidates of a run: always empty, as an audit has a temporary table of this name and these columns';
