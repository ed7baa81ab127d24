-- What is published under versions and channels, in one round trip: the call says itself whose rows it may see.
CREATE FUNCTION engine.find_definitions(p_visible text, p_tenants text[], p_names text[], p_wanted text[])
RETURNS TABLE (
  tenant_id text, asked_name text, wanted text, name text, version text, content_hash text, built_in boolean,
  created_at timestamptz, created_by text, deprecated_at timestamptz, deprecated_by text, deprecated_note text
) LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('app.tenants', p_visible, true);
  RETURN QUERY
  SELECT asked.tenant_id, asked.name, asked.wanted, found.*
  FROM unnest(p_tenants, p_names, p_wanted) AS asked(tenant_id, name, wanted)
  CROSS JOIN LATERAL (
    (SELECT d.name, d.version, d.content_hash, d.built_in, d.created_at, d.created_by, d.deprecated_at, d.deprecated_by,
       d.deprecated_note
     FROM engine.definitions AS d
     WHERE d.tenant_id = asked.tenant_id AND d.name = asked.name AND d.version = asked.wanted)
    UNION ALL
    (SELECT d.name, d.version, d.content_hash, d.built_in, d.created_at, d.created_by, d.deprecated_at, d.deprecated_by,
       d.deprecated_note
     FROM engine.definition_channels AS c JOIN engine.definitions AS d USING (tenant_id, name, version)
     WHERE c.tenant_id = asked.tenant_id AND c.name = asked.name AND c.channel = asked.wanted)
    UNION ALL
    (SELECT d.name, d.version, d.content_hash, d.built_in, d.created_at, d.created_by, d.deprecated_at, d.deprecated_by,
       d.deprecated_note
     FROM engine.definitions AS d
     WHERE asked.wanted = 'latest' AND d.tenant_id = asked.tenant_id AND d.name = asked.name
       AND d.deprecated_at IS NULL AND position('-' IN split_part(d.version, '+', 1)) = 0
     ORDER BY string_to_array(split_part(d.version, '+', 1), '.')::integer[] DESC, d.version COLLATE "C" DESC
     LIMIT 1)
  ) AS found;
END $$;
