-- Notes that everything that passes $filters and was created up to $until has been seen.
INSERT INTO watch (filters, until) VALUES ($filters, $until)
ON CONFLICT (filters) DO UPDATE SET until = excluded.until;
