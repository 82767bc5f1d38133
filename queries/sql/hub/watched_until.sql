-- Until when has everything that passes $filters been seen?
SELECT until FROM watch WHERE filters = $filters;
