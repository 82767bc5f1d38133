-- How many registered models have enough of a component's roles in their layers? $model_id: the component's own, left out
-- (-1 for none); $kind: language, vision, ...; $roles: the masks of roles that are enough.
SELECT count(DISTINCT model_id) AS models
FROM sketch
WHERE component_kind(component) = $kind AND model_id != $model_id AND list_contains($roles::UTINYINT[], position_roles);
