-- The key of a $content, as `keys` has those of a registry.
SELECT hash('content', $content::VARCHAR) AS key;
