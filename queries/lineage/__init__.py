"""Who descends from whom: the family of a query, merges in it, and the order of candidates."""
