-- Deprecations of definitions, and channels; `0003_definition_channels.py` says who may see them.

ALTER TABLE engine.definitions
  ADD COLUMN deprecated_at    timestamptz,
  ADD COLUMN deprecated_by    text,
  ADD COLUMN deprecated_note  text,
  ADD CONSTRAINT definitions_deprecated_whole CHECK (
    (deprecated_at IS NULL) = (deprecated_by IS NULL) AND (deprecated_at IS NULL) = (deprecated_note IS NULL)
  );

-- What `latest` may be, the highest first: a look-up of it takes one row, however many versions there are.
CREATE INDEX definitions_latest ON engine.definitions
  (tenant_id, name, (string_to_array(split_part(version, '+', 1), '.')::integer[]) DESC, version COLLATE "C" DESC)
  WHERE deprecated_at IS NULL AND position('-' IN split_part(version, '+', 1)) = 0;

CREATE TABLE engine.definition_channels (
  tenant_id   text NOT NULL,
  name        text NOT NULL,
  channel     text NOT NULL,
  version     text NOT NULL,
  updated_at  timestamptz NOT NULL DEFAULT now(),
  updated_by  text NOT NULL,
  PRIMARY KEY (tenant_id, name, channel),
  FOREIGN KEY (tenant_id, name, version) REFERENCES engine.definitions
);
