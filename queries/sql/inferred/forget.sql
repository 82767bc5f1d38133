-- Removes the missing ancestor whose number is in the variable inferred_id.
DELETE FROM inferred WHERE inferred_id = getvariable('inferred_id');
DELETE FROM inferred_member WHERE inferred_id = getvariable('inferred_id');
DELETE FROM inferred_tensor WHERE inferred_id = getvariable('inferred_id');
DELETE FROM inferred_match WHERE inferred_id = getvariable('inferred_id');
