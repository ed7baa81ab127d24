-- Lends a replica up to so many permits of a tenant, as long as no more than the limit are lent in all. Whoever dies
-- before its first report leaves its permits behind by name.
CREATE FUNCTION engine.borrow_permits(p_replica uuid, p_tenant text, p_wanted integer, p_limit integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  before integer;
  granted integer;
BEGIN
  INSERT INTO engine.quotas (tenant_id, lent) VALUES (p_tenant, 0) ON CONFLICT DO NOTHING;
  SELECT lent INTO before FROM engine.quotas WHERE tenant_id = p_tenant FOR UPDATE;
  granted := greatest(0, least(p_wanted, p_limit - before));
  IF granted > 0 THEN
    UPDATE engine.quotas SET lent = lent + granted WHERE tenant_id = p_tenant;
    INSERT INTO engine.permits AS p (replica_id, tenant_id, free) VALUES (p_replica, p_tenant, granted)
    ON CONFLICT (replica_id, tenant_id) DO UPDATE SET free = p.free + excluded.free, seen_at = now();
  END IF;
  RETURN granted;
END $$;
