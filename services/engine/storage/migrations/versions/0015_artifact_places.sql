ALTER TABLE engine.artifact_references ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE engine.artifact_references ALTER COLUMN version DROP DEFAULT;
ALTER TABLE engine.artifact_references DROP CONSTRAINT artifact_references_pkey;
ALTER TABLE engine.artifact_references
  ADD CONSTRAINT artifact_references_pkey PRIMARY KEY (tenant_id, workflow_id, name, version);

ALTER TABLE engine.artifacts ADD COLUMN stage text NOT NULL DEFAULT 'kept'
  CHECK (stage IN ('arriving', 'kept', 'removing'));

CREATE TABLE engine.artifact_contents (
  tenant_id  text NOT NULL,
  sha256     bytea NOT NULL,
  place      integer NOT NULL,
  piece      bytea NOT NULL,
  PRIMARY KEY (tenant_id, sha256, place)
);
ALTER TABLE engine.artifact_contents ALTER COLUMN piece SET STORAGE EXTERNAL;

INSERT INTO engine.artifact_contents (tenant_id, sha256, place, piece)
SELECT tenant_id, sha256, place, substring(content FROM place * 1048576 + 1 FOR 1048576)
  FROM engine.artifacts CROSS JOIN LATERAL generate_series(0, (greatest(length(content), 1) - 1) / 1048576) AS place;
ALTER TABLE engine.artifacts DROP COLUMN content;
