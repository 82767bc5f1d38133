-- Activations: what neurons do on 64 fixed tokens, which no function-preserving rewrite of a model changes.
-- Neither table has rows of a model that was ingested before, or whose embedding has no tokens for single characters.

-- The neurons of one matrix (gate, up or router): its leading rows, as vectors over tokens.
CREATE TABLE activation (
    model_id  UINTEGER NOT NULL,
    tensor_id UINTEGER NOT NULL,
    tokens    UBIGINT NOT NULL,           -- bit i: the character i of `ingest/fingerprint/activations.py` took part
    neurons   USMALLINT NOT NULL,
    value     BLOB NOT NULL               -- 24 bytes a neuron: 64 numbers of 3 bits, from -3 (0) to 3 (6)
);

-- One row a component: 1,024 signs of the second moment of its neurons, for the search of candidates.
CREATE TABLE activation_sketch (
    model_id  UINTEGER NOT NULL,
    component VARCHAR NOT NULL,
    signs     BIT NOT NULL
);

ALTER TABLE audit_pair ADD COLUMN log10_p_activations DOUBLE; -- as of the other kinds: NULL where it was not looked at
