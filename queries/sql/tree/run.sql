-- Which run is a tree drawn from? NULL where no audit has finished.
SELECT tree_run();
