-- How many rows has the larger of the two tables of sketches?
SELECT greatest((SELECT count(*) FROM sketch), (SELECT count(*) FROM activation_sketch)) AS sketches;
