-- The tables of the first migration; `0001_first_tables.py` says what decides their shape.

CREATE TABLE engine.definitions (
  tenant_id     text NOT NULL,
  name          text NOT NULL,
  version       text NOT NULL,
  content_hash  text NOT NULL,
  source        text NOT NULL,
  built_in      boolean NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  created_by    text NOT NULL,
  PRIMARY KEY (tenant_id, name, version)
);

CREATE TABLE engine.workflows (
  tenant_id           text NOT NULL,
  workflow_id         uuid NOT NULL,
  request_id          text NOT NULL,
  request_hash        bytea NOT NULL,
  definition_name     text NOT NULL,
  definition_version  text NOT NULL,
  definition_hash     text NOT NULL,
  user_id             text NOT NULL,
  session_id          text NOT NULL,
  status              smallint NOT NULL,
  version             integer NOT NULL,
  last_seq            integer NOT NULL,
  head_hash           bytea NOT NULL,
  state               bytea NOT NULL,
  PRIMARY KEY (tenant_id, workflow_id),
  UNIQUE (tenant_id, request_id)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE engine.workflows ALTER COLUMN state SET STORAGE EXTERNAL;

CREATE TABLE engine.history (
  tenant_id     text NOT NULL,
  workflow_id   uuid NOT NULL,
  first_seq     integer NOT NULL,
  count         integer NOT NULL,
  committed_at  timestamptz NOT NULL DEFAULT now(),
  hash          bytea NOT NULL,
  body          bytea NOT NULL,
  PRIMARY KEY (tenant_id, workflow_id, first_seq)
);
ALTER TABLE engine.history ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE engine.open_tasks (
  tenant_id        text NOT NULL,
  task_id          uuid NOT NULL,
  workflow_id      uuid NOT NULL,
  step             text NOT NULL,
  agent_type       text NOT NULL,
  priority         smallint NOT NULL,
  status           smallint NOT NULL,
  attempt          integer NOT NULL,
  lease_id         uuid,
  session_id       uuid,
  timeout_seconds  integer NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  not_before       timestamptz,
  queue_by         timestamptz,
  assigned_at      timestamptz,
  accept_by        timestamptz,
  accepted_at      timestamptz,
  execute_by       timestamptz,
  PRIMARY KEY (tenant_id, task_id)
) WITH (autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX open_tasks_waiting ON engine.open_tasks (agent_type, priority DESC, created_at) WHERE status = 1;
CREATE INDEX open_tasks_held ON engine.open_tasks (session_id) WHERE session_id IS NOT NULL;

CREATE TABLE engine.sessions (
  session_id  uuid PRIMARY KEY,
  agent_id    text NOT NULL,
  agent_type  text NOT NULL,
  tenant_id   text NOT NULL,
  replica_id  uuid NOT NULL,
  closed      boolean NOT NULL DEFAULT false,
  expires_at  timestamptz NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX sessions_of_agent ON engine.sessions (tenant_id, agent_id);

CREATE TABLE engine.timers (
  tenant_id       text NOT NULL,
  workflow_id     uuid NOT NULL,
  name            text NOT NULL,
  generation      integer NOT NULL,
  due_at          timestamptz NOT NULL,
  reserved_until  timestamptz,
  PRIMARY KEY (tenant_id, workflow_id, name)
);
CREATE INDEX timers_due ON engine.timers (due_at);

CREATE TABLE engine.commits (
  batch_id        uuid PRIMARY KEY,
  replica_id      uuid NOT NULL,
  committed_at    timestamptz NOT NULL DEFAULT now(),
  published       boolean NOT NULL DEFAULT false,
  reserved_until  timestamptz,
  tenant_ids      text[] NOT NULL,
  workflow_ids    uuid[] NOT NULL,
  first_seqs      integer[] NOT NULL,
  counts          integer[] NOT NULL
);
CREATE INDEX commits_unpublished ON engine.commits (committed_at) WHERE NOT published;

CREATE TABLE engine.audit (
  tenant_id      text NOT NULL,
  writer         uuid NOT NULL,
  number         bigint NOT NULL,
  event_id       uuid NOT NULL,
  at             timestamptz NOT NULL,
  user_id        text NOT NULL,
  workflow_id    uuid,
  action         text NOT NULL,
  resource       text NOT NULL,
  result         text NOT NULL,
  ip_address     text NOT NULL,
  user_agent     text NOT NULL,
  previous_hash  bytea NOT NULL,
  hash           bytea NOT NULL,
  PRIMARY KEY (tenant_id, writer, number)
);

-- One row over the heads of all audit chains at a time, so that no chain can be cut short unseen.
CREATE TABLE engine.audit_seals (
  number         bigint PRIMARY KEY,
  sealed_at      timestamptz NOT NULL DEFAULT now(),
  heads          bytea NOT NULL,
  previous_hash  bytea NOT NULL,
  hash           bytea NOT NULL,
  signature      bytea NOT NULL
);

CREATE TABLE engine.artifacts (
  tenant_id   text NOT NULL,
  sha256      bytea NOT NULL,
  size_bytes  integer NOT NULL,
  media_type  text NOT NULL,
  content     bytea NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, sha256)
);
ALTER TABLE engine.artifacts ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE engine.artifact_references (
  tenant_id    text NOT NULL,
  workflow_id  uuid NOT NULL,
  name         text NOT NULL,
  sha256       bytea NOT NULL,
  task_id      uuid NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, workflow_id, name),
  FOREIGN KEY (tenant_id, sha256) REFERENCES engine.artifacts
);
