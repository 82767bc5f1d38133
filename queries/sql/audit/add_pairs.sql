-- Keeps the pairs of the view computed_pairs, whose columns are named as those of the table.
INSERT INTO audit_pair BY NAME FROM computed_pairs;
