-- Models that share nothing but rows of tokens (the word vectors that many start from) were of one lineage. They have an origin of
-- their own, `shared_embeddings`, which is none of the origins that make an ancestor, a family or an edge of a tree.
COMMENT ON COLUMN audit_pair.origin IS 'derivation, shared_initialisation, shared_embeddings or undetermined; NULL for unrelated models';
COMMENT ON COLUMN audit_findings.origin IS 'what the two share: derivation, shared_initialisation, shared_embeddings or undetermined';
COMMENT ON COLUMN audit_latest.origin IS 'what the two share: derivation, shared_initialisation, shared_embeddings or undetermined';
COMMENT ON COLUMN declared_parents.origin IS 'what the two share: derivation, shared_initialisation, shared_embeddings or undetermined';
COMMENT ON COLUMN public.findings.origin IS 'what the two share: derivation, shared_initialisation, shared_embeddings or undetermined';
COMMENT ON COLUMN public.latest_findings.origin IS 'what the two share: derivation, shared_initialisation, shared_embeddings or undetermined';

-- An encoder is compared with the towers that it may be inside a larger model: Whisper's with the audio tower of an assistant, a ViT
-- with the encoder of a captioner. queries/data/component.py says the same.
CREATE MACRO components_meet(one, other) AS
    component_kind(one) = component_kind(other)
    OR (one = 'encoder' AND other IN ('vision', 'audio')) OR (other = 'encoder' AND one IN ('vision', 'audio'));
COMMENT ON MACRO components_meet IS 'whether components of two names are compared: those of one kind, and an encoder with the vision or audio tower it may be';

-- Every component of a model against all others by their sketches.
CREATE OR REPLACE MACRO sketched(query_name) AS TABLE
    SELECT mine.model_id AS query_id, other.model_id, mine.component, other.component AS other_component,
           position_z(mine.position_roles, mine.positions, other.position_roles, other.positions) AS position_z,
           gram_z(mine.gram_roles, mine.gram, other.gram_roles, other.gram) AS gram_z,
           column_z(mine.column_bits, mine.o_filled, mine.down_filled, other.column_bits, other.o_filled, other.down_filled)
               AS column_z
    FROM (FROM sketch WHERE model_id IN (FROM known_models(query_name))) AS mine
    JOIN sketch AS other
      ON other.model_id != mine.model_id AND components_meet(other.component, mine.component);
COMMENT ON MACRO TABLE sketched IS 'every component of a model against all others by their sketches, as z: FROM sketched(name)';
