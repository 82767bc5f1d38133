-- How many registered models have enough of a component's roles in their layers? $model_id: the component's own, left out
-- (-1 for none); $kind: the component's name, language, vision, ...; $roles: the masks of roles that are enough.
--
-- A model has one component of a name. So those that have one called $kind are counted by their rows, and those of other names
-- (an encoder, a decoder) one by one: telling a million models apart took 65 ms of processor time, this 15.
WITH comparable AS (
    SELECT model_id, component
    FROM sketch
    WHERE components_meet(component, $kind) AND model_id != $model_id AND list_contains($roles::UTINYINT[], position_roles)
), otherwise AS MATERIALIZED (
    SELECT DISTINCT model_id FROM comparable WHERE component != $kind
)
SELECT (SELECT count(*) FROM comparable WHERE component = $kind)
     + (SELECT count(*) FROM otherwise)
     - (SELECT count(*) FROM comparable SEMI JOIN otherwise USING (model_id) WHERE component = $kind) AS models;
