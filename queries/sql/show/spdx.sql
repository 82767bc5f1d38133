-- Which licences of cards have an identifier in SPDX's list, and which?
SELECT id, regexp_extract(source, '^SPDX ([A-Za-z0-9.+-]+)(?:[,;:]|$)', 1) AS identifier
FROM licence
WHERE identifier <> '';
