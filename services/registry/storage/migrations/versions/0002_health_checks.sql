-- What people did to agents, chained by hash within a tenant. Only the function below appends.
CREATE TABLE registry.audit (
  tenant_id      text NOT NULL,
  number         bigint NOT NULL,
  event_id       uuid NOT NULL,
  at             timestamptz NOT NULL,
  user_id        text NOT NULL,
  action         text NOT NULL,
  resource       text NOT NULL,
  result         text NOT NULL,
  ip_address     text NOT NULL,
  user_agent     text NOT NULL,
  previous_hash  bytea NOT NULL,
  hash           bytea NOT NULL,
  PRIMARY KEY (tenant_id, number)
);
ALTER TABLE registry.audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.audit FORCE ROW LEVEL SECURITY;
CREATE POLICY of_tenants ON registry.audit TO archwright_registry
  USING (tenant_id = ANY ((SELECT string_to_array(current_setting('app.tenants', true), ','))::text[]))
  WITH CHECK (tenant_id = ANY ((SELECT string_to_array(current_setting('app.tenants', true), ','))::text[]));
GRANT SELECT, INSERT ON registry.audit TO archwright_registry;

CREATE FUNCTION registry.append_audit(
  p_tenant text, p_event uuid, p_at timestamptz, p_user text, p_action text, p_resource text, p_result text, p_ip text,
  p_agent text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  last_number bigint;
  last_hash bytea;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('registry.audit' || p_tenant, 0));
  SELECT number, hash INTO last_number, last_hash FROM registry.audit
   WHERE tenant_id = p_tenant ORDER BY number DESC LIMIT 1;
  last_number := coalesce(last_number, 0);
  last_hash := coalesce(last_hash, '\x'::bytea);
  INSERT INTO registry.audit VALUES (
    p_tenant, last_number + 1, p_event, p_at, p_user, p_action, p_resource, p_result, p_ip, p_agent, last_hash,
    sha256(last_hash || convert_to(concat_ws(E'\x1f', p_tenant, last_number + 1, p_event, extract(epoch FROM p_at),
      p_user, p_action, p_resource, p_result, p_ip, p_agent), 'UTF8')));
END $$;
