-- Keeps the setting $name of a new registry as $value.
INSERT INTO setting VALUES ($name, $value);
