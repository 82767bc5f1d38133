-- The number of the newest audit run that was begun.
SELECT taken FROM lake.taken_runs;
