ALTER TABLE engine.workflows ADD COLUMN ended_at timestamptz, ADD COLUMN state_seq integer;
UPDATE engine.workflows SET ended_at = now() WHERE status IN (3, 4, 5);
UPDATE engine.workflows SET state_seq = last_seq;
ALTER TABLE engine.workflows ALTER COLUMN state_seq SET NOT NULL;
CREATE INDEX workflows_ended ON engine.workflows (ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE engine.open_tasks RENAME COLUMN agent_type TO queue;
ALTER TABLE engine.open_tasks
  ADD COLUMN idle_seconds integer,
  ADD COLUMN idle_by timestamptz,
  ADD COLUMN on_unavailable boolean NOT NULL DEFAULT false,
  ADD COLUMN prefers_agent text;
ALTER TABLE engine.open_tasks SET (fillfactor = 70);
-- Only primary keys begin with the tenant: before a table was ever analysed, the planner takes any index that does
-- for as good as the key.
ALTER TABLE engine.workflows DROP CONSTRAINT workflows_tenant_id_request_id_key;
CREATE UNIQUE INDEX workflows_request ON engine.workflows (request_id, tenant_id);
CREATE INDEX open_tasks_picky ON engine.open_tasks (queue) WHERE status = 1 AND on_unavailable;

-- A word to a workflow. Of two with the same key one is enough.
CREATE TABLE engine.inbox (
  tenant_id       text NOT NULL,
  target          uuid NOT NULL,
  key             text NOT NULL,
  command         bytea NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  reserved_until  timestamptz,
  PRIMARY KEY (tenant_id, target, key)
);
ALTER TABLE engine.inbox ALTER COLUMN command SET STORAGE EXTERNAL;

-- Outputs that other steps may use again.
CREATE TABLE engine.step_cache (
  tenant_id   text NOT NULL,
  key_sha256  bytea NOT NULL,
  step        text NOT NULL,
  output      bytea NOT NULL,
  expires_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, key_sha256)
);
ALTER TABLE engine.step_cache ALTER COLUMN output SET STORAGE EXTERNAL;
CREATE INDEX step_cache_expired ON engine.step_cache (expires_at);
