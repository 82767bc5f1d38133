-- E-values are p over the share of the error that a kind has, times the models there are: what raised p by the number of kinds
-- is asked for no more.
DROP MACRO evalue_correction;
