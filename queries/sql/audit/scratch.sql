-- Makes what a run plans with, empty, in memory and for this connection alone.
CREATE OR REPLACE TEMP TABLE audit_task AS FROM registry.audit_task LIMIT 0;
CREATE OR REPLACE TEMP TABLE audit_candidate AS FROM registry.audit_candidate LIMIT 0;
