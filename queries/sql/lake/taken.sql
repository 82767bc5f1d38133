-- Up to which id models were given theirs.
SELECT taken FROM lake.taken_ids;
