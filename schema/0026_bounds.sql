-- Between which values those lay that were rounded to quantised ones, where a format says it: half a step to either side. With it a
-- rounding is told value by value; by the size of all errors together, every near relative of what was rounded would do. Quantised
-- models of earlier registries have none until they are ingested again, and are judged by the size of their errors as before.
CREATE TABLE bounds (model_id UINTEGER NOT NULL, tensor_id UINTEGER NOT NULL, value FLOAT[512] NOT NULL);
COMMENT ON TABLE bounds IS 'evidence: between which values those lay that were rounded to quantised ones, at the places of positions';
COMMENT ON COLUMN bounds.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN bounds.tensor_id IS 'the tensor, counted within the model';
COMMENT ON COLUMN bounds.value IS 'the 256 least values, then the 256 largest; infinite where there is none, 0 for padding';
