-- Models that share nothing but rows of tokens (the word vectors that many start from) were of one lineage. They have an origin of
-- their own, `shared_embeddings`, which is none of the origins that make an ancestor, a family or an edge of a tree.
COMMENT ON COLUMN audit_pair.origin IS 'derivation, shared_initialisation, shared_embeddings or undetermined; NULL for unrelated models';
COMMENT ON COLUMN audit_findings.origin IS 'what the two share: derivation, shared_initialisation, shared_embeddings or undetermined';
COMMENT ON COLUMN audit_latest.origin IS 'what the two share: derivation, shared_initialisation, shared_embeddings or undetermined';
COMMENT ON COLUMN declared_parents.origin IS 'what the two share: derivation, shared_initialisation, shared_embeddings or undetermined';
COMMENT ON COLUMN public.findings.origin IS 'what the two share: derivation, shared_initialisation, shared_embeddings or undetermined';
COMMENT ON COLUMN public.latest_findings.origin IS 'what the two share: derivation, shared_initialisation, shared_embeddings or undetermined';
