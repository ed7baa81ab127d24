-- One commit of many workflows, in one call and one transaction.
--
-- Every array of a group is parallel; `ord` says which workflow, counted from 1 in the w_ group. First it is
-- settled who wins: whose version is still the expected one (a row that somebody else holds is skipped,
-- never waited for), whose request_id is free, whose fences are true. Then every write joins the winners, so
-- a loser vanishes whole. Verdicts: 1 won, 2 lost, 3 fenced, 4 exists.
CREATE FUNCTION engine.commit_batch(
  p_batch uuid, p_replica uuid, p_tenants text,
  w_tenant text[], w_id uuid[], w_expected integer[], w_status smallint[], w_last_seq integer[],
  w_state bytea[], w_head bytea[], h_first integer[], h_count integer[], h_body bytea[],
  n_ord integer[], n_request text[], n_request_hash bytea[], n_name text[], n_version text[], n_hash text[],
  n_user text[], n_session text[],
  f_ord integer[], f_tenant text[], f_task uuid[], f_attempt integer[], f_lease uuid[], f_session uuid[],
  d_ord integer[], d_tenant text[], d_task uuid[],
  t_ord integer[], t_tenant text[], t_workflow uuid[], t_task uuid[], t_step text[], t_type text[],
  t_priority smallint[], t_attempt integer[], t_timeout integer[], t_queue_by timestamptz[],
  c_ord integer[], c_tenant text[], c_workflow uuid[],
  e_ord integer[], e_tenant text[], e_workflow uuid[], e_name text[],
  m_ord integer[], m_tenant text[], m_workflow uuid[], m_name text[], m_generation integer[], m_due timestamptz[],
  a_ord integer[], a_tenant text[], a_workflow uuid[], a_name text[], a_sha bytea[], a_task uuid[],
  u_ord integer[], u_tenant text[], u_workflow uuid[], u_event uuid[], u_at timestamptz[], u_user text[],
  u_action text[], u_resource text[], u_result text[], u_ip text[], u_agent text[]
) RETURNS smallint[] LANGUAGE plpgsql AS $$
DECLARE
  size integer := cardinality(w_id);
  verdict smallint[] := array_fill(2::smallint, ARRAY[size]);
  win boolean[];
  won integer;
  line record;
BEGIN
  PERFORM set_config('app.tenants', p_tenants, true);

  FOR won IN
    SELECT x.ord
      FROM unnest(w_tenant, w_id, w_expected) WITH ORDINALITY AS x (tenant_id, workflow_id, expected, ord)
      JOIN engine.workflows AS w USING (tenant_id, workflow_id)
     WHERE x.expected > 0 AND w.version = x.expected
       FOR NO KEY UPDATE OF w SKIP LOCKED
  LOOP
    verdict[won] := 1;
  END LOOP;

  IF cardinality(n_ord) > 0 THEN
    FOR won IN SELECT unnest(n_ord) LOOP
      verdict[won] := 4;
    END LOOP;
    FOR won IN
      WITH new AS (
        SELECT n.*, w.* FROM unnest(n_ord, n_request, n_request_hash, n_name, n_version, n_hash, n_user, n_session)
          AS n (ord, request_id, request_hash, name, def_version, def_hash, user_id, session_id)
          JOIN unnest(w_tenant, w_id, w_status, w_last_seq, w_head, w_state) WITH ORDINALITY
          AS w (tenant_id, workflow_id, status, last_seq, head_hash, state, place) ON w.place = n.ord
      ), inserted AS (
        INSERT INTO engine.workflows (
          tenant_id, workflow_id, request_id, request_hash, definition_name, definition_version, definition_hash,
          user_id, session_id, status, version, last_seq, head_hash, state)
        SELECT tenant_id, workflow_id, request_id, request_hash, name, def_version, def_hash,
          user_id, session_id, status, 1, last_seq, head_hash, state FROM new
        ON CONFLICT DO NOTHING
        RETURNING workflow_id
      )
      SELECT new.ord FROM new JOIN inserted USING (workflow_id)
    LOOP
      verdict[won] := 1;
    END LOOP;
  END IF;

  IF cardinality(f_ord) > 0 THEN
    FOR won IN
      WITH held AS MATERIALIZED (
        SELECT t.tenant_id, t.task_id, t.attempt, t.lease_id, t.session_id
          FROM unnest(f_tenant, f_task) AS f (tenant_id, task_id)
          JOIN engine.open_tasks AS t USING (tenant_id, task_id)
         ORDER BY t.task_id
           FOR UPDATE OF t
      )
      SELECT f.ord
        FROM unnest(f_ord, f_tenant, f_task, f_attempt, f_lease, f_session)
          AS f (ord, tenant_id, task_id, attempt, lease_id, session_id)
       WHERE NOT EXISTS (
         SELECT FROM held
          WHERE held.tenant_id = f.tenant_id AND held.task_id = f.task_id AND held.attempt = f.attempt
            AND held.lease_id IS NOT DISTINCT FROM f.lease_id
            AND (f.session_id IS NULL OR held.session_id = f.session_id))
    LOOP
      IF verdict[won] = 1 THEN
        verdict[won] := 3;
      END IF;
    END LOOP;
  END IF;

  SELECT array_agg(v = 1 ORDER BY ord) INTO win FROM unnest(verdict) WITH ORDINALITY AS x (v, ord);

  UPDATE engine.workflows AS w
     SET status = x.status, version = w.version + 1, last_seq = x.last_seq, head_hash = x.head_hash, state = x.state
    FROM unnest(w_tenant, w_id, w_expected, w_status, w_last_seq, w_head, w_state) WITH ORDINALITY
      AS x (tenant_id, workflow_id, expected, status, last_seq, head_hash, state, ord)
   WHERE w.tenant_id = x.tenant_id AND w.workflow_id = x.workflow_id AND x.expected > 0 AND win[x.ord];

  INSERT INTO engine.history (tenant_id, workflow_id, first_seq, count, hash, body)
  SELECT tenant_id, workflow_id, first_seq, count, hash, body
    FROM unnest(w_tenant, w_id, h_first, h_count, w_head, h_body) WITH ORDINALITY
      AS x (tenant_id, workflow_id, first_seq, count, hash, body, ord)
   WHERE win[x.ord];

  IF cardinality(d_ord) > 0 THEN
    DELETE FROM engine.open_tasks AS t USING unnest(d_ord, d_tenant, d_task) AS d (ord, tenant_id, task_id)
     WHERE t.tenant_id = d.tenant_id AND t.task_id = d.task_id AND win[d.ord];
  END IF;

  IF cardinality(t_ord) > 0 THEN
    INSERT INTO engine.open_tasks (
      tenant_id, task_id, workflow_id, step, agent_type, priority, status, attempt, timeout_seconds, queue_by)
    SELECT tenant_id, task_id, workflow_id, step, agent_type, priority, 1, attempt, timeout_seconds, queue_by
      FROM unnest(t_ord, t_tenant, t_workflow, t_task, t_step, t_type, t_priority, t_attempt, t_timeout, t_queue_by)
        AS t (ord, tenant_id, workflow_id, task_id, step, agent_type, priority, attempt, timeout_seconds, queue_by)
     WHERE win[t.ord];
  END IF;

  IF cardinality(c_ord) > 0 THEN
    DELETE FROM engine.timers AS m USING unnest(c_ord, c_tenant, c_workflow) AS c (ord, tenant_id, workflow_id)
     WHERE m.tenant_id = c.tenant_id AND m.workflow_id = c.workflow_id AND win[c.ord];
  END IF;

  IF cardinality(e_ord) > 0 THEN
    DELETE FROM engine.timers AS m USING unnest(e_ord, e_tenant, e_workflow, e_name) AS e (ord, tenant_id, workflow_id, name)
     WHERE m.tenant_id = e.tenant_id AND m.workflow_id = e.workflow_id AND m.name = e.name AND win[e.ord];
  END IF;

  IF cardinality(m_ord) > 0 THEN
    INSERT INTO engine.timers (tenant_id, workflow_id, name, generation, due_at)
    SELECT tenant_id, workflow_id, name, generation, due_at
      FROM unnest(m_ord, m_tenant, m_workflow, m_name, m_generation, m_due)
        AS m (ord, tenant_id, workflow_id, name, generation, due_at)
     WHERE win[m.ord]
    ON CONFLICT (tenant_id, workflow_id, name)
    DO UPDATE SET generation = excluded.generation, due_at = excluded.due_at, reserved_until = NULL;
  END IF;

  IF cardinality(a_ord) > 0 THEN
    INSERT INTO engine.artifact_references (tenant_id, workflow_id, name, sha256, task_id)
    SELECT DISTINCT ON (tenant_id, workflow_id, name) tenant_id, workflow_id, name, sha256, task_id
      FROM unnest(a_ord, a_tenant, a_workflow, a_name, a_sha, a_task) WITH ORDINALITY
        AS a (ord, tenant_id, workflow_id, name, sha256, task_id, place)
     WHERE win[a.ord]
     ORDER BY tenant_id, workflow_id, name, place DESC
    ON CONFLICT (tenant_id, workflow_id, name)
    DO UPDATE SET sha256 = excluded.sha256, task_id = excluded.task_id, created_at = now();
  END IF;

  FOR line IN
    SELECT * FROM unnest(u_ord, u_tenant, u_workflow, u_event, u_at, u_user, u_action, u_resource, u_result, u_ip, u_agent)
      AS u (ord, tenant_id, workflow_id, event_id, at, user_id, action, resource, result, ip_address, user_agent)
     WHERE win[u.ord]
  LOOP
    PERFORM engine.append_audit(
      line.tenant_id, p_replica, line.workflow_id, line.event_id, line.at, line.user_id, line.action,
      line.resource, line.result, line.ip_address, line.user_agent);
  END LOOP;

  INSERT INTO engine.commits (batch_id, replica_id, tenant_ids, workflow_ids, first_seqs, counts)
  SELECT p_batch, p_replica, coalesce(array_agg(tenant_id ORDER BY ord), '{}'),
         coalesce(array_agg(workflow_id ORDER BY ord), '{}'), coalesce(array_agg(first_seq ORDER BY ord), '{}'),
         coalesce(array_agg(count ORDER BY ord), '{}')
    FROM unnest(w_tenant, w_id, h_first, h_count) WITH ORDINALITY AS x (tenant_id, workflow_id, first_seq, count, ord)
   WHERE win[x.ord];

  RETURN verdict;
END $$;

-- Appends to the chain of one tenant and writer: the hash covers the row and the hash before it.
CREATE FUNCTION engine.append_audit(
  p_tenant text, p_writer uuid, p_workflow uuid, p_event uuid, p_at timestamptz, p_user text, p_action text,
  p_resource text, p_result text, p_ip text, p_agent text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  last_number bigint;
  last_hash bytea;
BEGIN
  SELECT number, hash INTO last_number, last_hash FROM engine.audit
   WHERE tenant_id = p_tenant AND writer = p_writer ORDER BY number DESC LIMIT 1;
  last_number := coalesce(last_number, 0);
  last_hash := coalesce(last_hash, '\x'::bytea);
  INSERT INTO engine.audit (
    tenant_id, writer, number, event_id, at, user_id, workflow_id, action, resource, result, ip_address, user_agent,
    previous_hash, hash)
  VALUES (
    p_tenant, p_writer, last_number + 1, p_event, p_at, p_user, p_workflow, p_action, p_resource, p_result, p_ip,
    p_agent, last_hash,
    sha256(last_hash || convert_to(concat_ws(E'\x1f', p_tenant, p_writer, last_number + 1, p_event,
      extract(epoch FROM p_at), p_user, coalesce(p_workflow::text, ''), p_action, p_resource, p_result, p_ip, p_agent),
      'UTF8')));
END $$;
