ALTER TABLE engine.artifacts ADD COLUMN content bytea NOT NULL DEFAULT '';
ALTER TABLE engine.artifacts ALTER COLUMN content DROP DEFAULT;
ALTER TABLE engine.artifacts ALTER COLUMN content SET STORAGE EXTERNAL;
DELETE FROM engine.artifacts WHERE stage = 'arriving';
UPDATE engine.artifacts AS a SET content = whole.content
  FROM (SELECT tenant_id, sha256, string_agg(piece, '' ORDER BY place) AS content
          FROM engine.artifact_contents GROUP BY tenant_id, sha256) AS whole
 WHERE whole.tenant_id = a.tenant_id AND whole.sha256 = a.sha256;
DROP TABLE engine.artifact_contents;
ALTER TABLE engine.artifacts DROP COLUMN stage;

DELETE FROM engine.artifact_references AS r
 WHERE EXISTS (SELECT FROM engine.artifact_references AS n
                WHERE n.tenant_id = r.tenant_id AND n.workflow_id = r.workflow_id AND n.name = r.name
                  AND n.version > r.version);
ALTER TABLE engine.artifact_references DROP CONSTRAINT artifact_references_pkey;
ALTER TABLE engine.artifact_references ADD CONSTRAINT artifact_references_pkey PRIMARY KEY (tenant_id, workflow_id, name);
ALTER TABLE engine.artifact_references DROP COLUMN version;

-- The function takes these types, so it goes with them.
DROP TYPE engine.commit_move, engine.commit_fence, engine.commit_task CASCADE;
