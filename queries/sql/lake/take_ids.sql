-- Takes $count ids of models: up to `taken`, which no other writer can change in the same moment.
UPDATE lake.taken_ids SET taken = taken + $count;
