-- Schedules; `0002_schedules.py` says who may see which of their columns.

CREATE TABLE engine.schedules (
  tenant_id           text NOT NULL,
  schedule_id         uuid NOT NULL,
  name                text NOT NULL,
  request_id          text NOT NULL,
  request_hash        bytea NOT NULL,
  definition_name     text NOT NULL,
  definition_version  text NOT NULL,
  input               bytea NOT NULL,
  time_field          text NOT NULL,
  cron                text,
  time_zone           text NOT NULL,
  every_seconds       integer,
  offset_seconds      integer,
  overlap             text NOT NULL,
  paused              boolean NOT NULL,
  note                text NOT NULL,
  created_at          timestamptz NOT NULL,
  created_by          text NOT NULL,
  next_fire_at        timestamptz,
  queued_fire_at      timestamptz,
  last_fire_at        timestamptz,
  workflow_ids        uuid[] NOT NULL DEFAULT '{}',
  skipped             bigint NOT NULL DEFAULT 0,
  last_problem        text NOT NULL DEFAULT '',
  reserved_until      timestamptz,
  deleted_at          timestamptz,
  deleted_by_request  text,
  PRIMARY KEY (tenant_id, schedule_id),
  UNIQUE (tenant_id, request_id),
  CHECK ((cron IS NULL) = (every_seconds IS NOT NULL))
);
ALTER TABLE engine.schedules ALTER COLUMN input SET STORAGE EXTERNAL;

-- A deleted schedule leaves its row for a while, so that repeated calls get their answers; its name is free at once.
CREATE UNIQUE INDEX schedules_by_name ON engine.schedules (tenant_id, name) WHERE deleted_at IS NULL;
CREATE INDEX schedules_due ON engine.schedules (next_fire_at) WHERE deleted_at IS NULL;
CREATE INDEX schedules_queued ON engine.schedules (queued_fire_at)
  WHERE deleted_at IS NULL AND NOT paused AND queued_fire_at IS NOT NULL;
