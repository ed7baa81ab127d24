-- Writes a batch of commits in one call: what nobody overtook, and only that. Every write is bound to the winners, so
-- a loser vanishes whole. Verdicts: 1 won, 2 lost, 3 fenced, 4 exists.
--
-- What every step brings comes as arrays of rows: moves of workflows, fences, and tasks. What few commits bring comes
-- as groups of parallel arrays, by the first letter: n new workflows, r received messages, d ended tasks, h holds,
-- c cleared timers, e ended timers, m new timers, a artifacts, o outgoing messages, k cached outputs, u audit. `ord` is
-- the place of the workflow among the moves, from 1; w_tenant and w_id tell whose and which it is. A group that is
-- empty is null: an array costs something even when nothing is in it.
--
-- A statement costs as much as two or three rows. So what every step reads is one statement and what it writes is
-- another; what few commits write has statements of its own, which the others pass over.
CREATE OR REPLACE FUNCTION engine.commit_batch(
  p_batch uuid, p_replica uuid, p_tenants text, p_accept_seconds double precision,
  w_tenant text[], w_id uuid[], moves engine.commit_move[],
  n_ord integer[], n_request text[], n_request_hash bytea[], n_name text[], n_version text[], n_hash text[],
  n_user text[], n_session text[],
  fences engine.commit_fence[],
  r_ord integer[], r_key text[],
  d_ord integer[], d_task uuid[],
  tasks engine.commit_task[],
  h_ord integer[], h_task uuid[], h_from smallint[], h_to smallint[],
  c_ord integer[],
  e_ord integer[], e_name text[],
  m_ord integer[], m_name text[], m_generation integer[], m_due timestamptz[],
  a_ord integer[], a_name text[], a_sha bytea[], a_task uuid[],
  o_ord integer[], o_target uuid[], o_key text[], o_command bytea[],
  k_ord integer[], k_key bytea[], k_step text[], k_output bytea[], k_seconds integer[],
  u_ord integer[], u_event uuid[], u_at timestamptz[], u_user text[],
  u_action text[], u_resource text[], u_result text[], u_ip text[], u_agent text[]
) RETURNS smallint[] LANGUAGE plpgsql
  -- Every statement looks its rows up by their keys, one by one. Plans are made once, often while the tables are
  -- still empty, and must not take that for how it will be.
  SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off
  SET enable_hashjoin = off
  SET enable_mergejoin = off
  SET enable_bitmapscan = off
AS $$
DECLARE
  size integer := cardinality(w_id);
  verdict smallint[] := array_fill(2::smallint, ARRAY[size]);
  untrue integer[];
  found integer[];
  fenced integer[];
  line record;
BEGIN
  PERFORM set_config('app.tenants', p_tenants, true);

  WITH unmoved AS MATERIALIZED (
    SELECT x.ordinality AS ord
      FROM unnest(moves) WITH ORDINALITY AS x
      JOIN engine.workflows AS w USING (tenant_id, workflow_id)
     WHERE x.expected > 0 AND w.version = x.expected
       FOR NO KEY UPDATE OF w SKIP LOCKED
  ), held AS MATERIALIZED (
    SELECT f.ord
      FROM unnest(fences) AS f
      JOIN engine.open_tasks AS t ON t.tenant_id = w_tenant[f.ord] AND t.task_id = f.task_id
     WHERE t.attempt = f.attempt AND t.lease_id IS NOT DISTINCT FROM f.lease_id
       AND (f.session_id IS NULL OR t.session_id = f.session_id)
       FOR UPDATE OF t
  )
  SELECT (SELECT array_agg(ord) FROM unmoved), (SELECT array_agg(ord) FROM held) INTO found, fenced;
  FOR i IN 1 .. coalesce(cardinality(found), 0) LOOP
    verdict[found[i]] := 1;
  END LOOP;

  IF cardinality(n_ord) > 0 THEN
    WITH new AS (
      SELECT (moves[ord]).*, n.*
        FROM unnest(n_ord, n_request, n_request_hash, n_name, n_version, n_hash, n_user, n_session)
          AS n (ord, request_id, request_hash, name, def_version, def_hash, user_id, session_id)
    )
    INSERT INTO engine.workflows (
      tenant_id, workflow_id, request_id, request_hash, definition_name, definition_version, definition_hash,
      user_id, session_id, status, version, last_seq, head_hash, state, state_seq, ended_at)
    SELECT tenant_id, workflow_id, request_id, request_hash, name, def_version, def_hash,
      user_id, session_id, status, 1, last_seq, head_hash, state, last_seq, ended_at FROM new
    ON CONFLICT DO NOTHING;
    -- Those that this transaction made are the winners.
    SELECT array_agg(x.ordinality) INTO found
      FROM unnest(moves) WITH ORDINALITY AS x
      JOIN engine.workflows AS w USING (tenant_id, workflow_id)
     WHERE x.expected = 0 AND w.xmin = pg_current_xact_id()::xid;
    FOR i IN 1 .. cardinality(n_ord) LOOP
      verdict[n_ord[i]] := 4;
    END LOOP;
    FOR i IN 1 .. coalesce(cardinality(found), 0) LOOP
      verdict[found[i]] := 1;
    END LOOP;
  END IF;

  IF cardinality(fences) > coalesce(cardinality(fenced), 0) THEN
    untrue := array_fill(0, ARRAY[size]);
    FOR i IN 1 .. cardinality(fences) LOOP
      untrue[(fences[i]).ord] := untrue[(fences[i]).ord] + 1;
    END LOOP;
    FOR i IN 1 .. coalesce(cardinality(fenced), 0) LOOP
      untrue[fenced[i]] := untrue[fenced[i]] - 1;
    END LOOP;
    FOR i IN 1 .. cardinality(fences) LOOP
      IF untrue[(fences[i]).ord] > 0 AND verdict[(fences[i]).ord] = 1 THEN
        verdict[(fences[i]).ord] := 3;
      END IF;
    END LOOP;
  END IF;

  IF cardinality(r_ord) > 0 THEN
    WITH held AS MATERIALIZED (
      SELECT r.ord FROM unnest(r_ord, r_key) AS r (ord, key)
        JOIN engine.inbox AS i ON i.tenant_id = w_tenant[r.ord] AND i.target = w_id[r.ord] AND i.key = r.key
       ORDER BY i.target, i.key
         FOR UPDATE OF i
    )
    SELECT array_agg(ord) INTO found FROM held;
    untrue := array_fill(0, ARRAY[size]);
    FOR i IN 1 .. cardinality(r_ord) LOOP
      untrue[r_ord[i]] := untrue[r_ord[i]] + 1;
    END LOOP;
    FOR i IN 1 .. coalesce(cardinality(found), 0) LOOP
      untrue[found[i]] := untrue[found[i]] - 1;
    END LOOP;
    FOR i IN 1 .. cardinality(r_ord) LOOP
      IF untrue[r_ord[i]] > 0 AND verdict[r_ord[i]] = 1 THEN
        verdict[r_ord[i]] := 3;
      END IF;
    END LOOP;
    DELETE FROM engine.inbox AS i USING unnest(r_ord, r_key) AS r (ord, key)
     WHERE i.tenant_id = w_tenant[r.ord] AND i.target = w_id[r.ord] AND i.key = r.key AND verdict[r.ord] = 1;
  END IF;

  IF cardinality(h_ord) > 0 THEN
    WITH flipped AS MATERIALIZED (
      SELECT t.tenant_id, t.task_id, h.status_to
        FROM unnest(h_ord, h_task, h_from, h_to) AS h (ord, task_id, status_from, status_to)
        JOIN engine.open_tasks AS t ON t.tenant_id = w_tenant[h.ord] AND t.task_id = h.task_id
       WHERE t.status = h.status_from AND verdict[h.ord] = 1
       ORDER BY t.task_id
         FOR UPDATE OF t
    )
    UPDATE engine.open_tasks AS t SET status = flipped.status_to
      FROM flipped WHERE t.tenant_id = flipped.tenant_id AND t.task_id = flipped.task_id;
  END IF;

  WITH moved AS (
    UPDATE engine.workflows AS w
       SET status = x.status, version = w.version + 1, last_seq = x.last_seq, head_hash = x.head_hash,
           state = coalesce(x.state, w.state),
           state_seq = CASE WHEN x.state IS NULL THEN w.state_seq ELSE x.last_seq END, ended_at = x.ended_at
      FROM unnest(moves) WITH ORDINALITY AS x
     WHERE w.tenant_id = x.tenant_id AND w.workflow_id = x.workflow_id AND x.expected > 0
       AND verdict[x.ordinality] = 1
  ), told AS (
    INSERT INTO engine.history (tenant_id, workflow_id, first_seq, count, hash, body)
    SELECT tenant_id, workflow_id, first_seq, count, head_hash, body
      FROM unnest(moves) WITH ORDINALITY AS x
     WHERE verdict[x.ordinality] = 1
  ), ended AS (
    DELETE FROM engine.open_tasks AS t USING unnest(d_ord, d_task) AS d (ord, task_id)
     WHERE t.tenant_id = w_tenant[d.ord] AND t.task_id = d.task_id AND verdict[d.ord] = 1
    RETURNING t.task_id
  ), made AS (
    INSERT INTO engine.open_tasks (
      tenant_id, task_id, workflow_id, step, queue, priority, status, attempt, lease_id, session_id, timeout_seconds,
      queue_by, idle_seconds, on_unavailable, prefers_agent, assigned_at, accept_by)
    SELECT w_tenant[ord], task_id, w_id[ord], step, queue, priority, status, attempt, lease_id, session_id,
      timeout_seconds, queue_by, idle_seconds, picky, prefers_agent,
      CASE WHEN status = 2 THEN now() END,
      CASE WHEN status = 2 THEN now() + make_interval(secs => p_accept_seconds) END
      FROM unnest(tasks) AS t
     -- The count has the ended ones deleted first: a task that goes back to an agent keeps its id.
     WHERE verdict[t.ord] = 1 AND (SELECT count(*) FROM ended) >= 0
  )
  INSERT INTO engine.commits (batch_id, replica_id, tenant_ids, workflow_ids, first_seqs, counts)
  SELECT p_batch, p_replica, coalesce(array_agg(tenant_id ORDER BY ordinality), '{}'),
         coalesce(array_agg(workflow_id ORDER BY ordinality), '{}'),
         coalesce(array_agg(first_seq ORDER BY ordinality), '{}'),
         coalesce(array_agg(count ORDER BY ordinality), '{}')
    FROM unnest(moves) WITH ORDINALITY AS x
   WHERE verdict[x.ordinality] = 1;

  IF cardinality(c_ord) > 0 THEN
    DELETE FROM engine.timers AS m USING unnest(c_ord) AS c (ord)
     WHERE m.tenant_id = w_tenant[c.ord] AND m.workflow_id = w_id[c.ord] AND verdict[c.ord] = 1;
  END IF;

  IF cardinality(e_ord) > 0 THEN
    DELETE FROM engine.timers AS m USING unnest(e_ord, e_name) AS e (ord, name)
     WHERE m.tenant_id = w_tenant[e.ord] AND m.workflow_id = w_id[e.ord] AND m.name = e.name AND verdict[e.ord] = 1;
  END IF;

  IF cardinality(m_ord) > 0 THEN
    INSERT INTO engine.timers (tenant_id, workflow_id, name, generation, due_at)
    SELECT w_tenant[ord], w_id[ord], name, generation, due_at
      FROM unnest(m_ord, m_name, m_generation, m_due) AS m (ord, name, generation, due_at)
     WHERE verdict[m.ord] = 1
    ON CONFLICT (tenant_id, workflow_id, name)
    DO UPDATE SET generation = excluded.generation, due_at = excluded.due_at, reserved_until = NULL;
  END IF;

  IF cardinality(a_ord) > 0 THEN
    -- What is made again with the content of the version before it is no new version.
    INSERT INTO engine.artifact_references (tenant_id, workflow_id, name, version, sha256, task_id)
    SELECT w_tenant[ord], w_id[ord], name, newest + row_number() OVER (PARTITION BY ord, name ORDER BY place),
           sha256, task_id
      FROM (
        SELECT a.*, coalesce(n.version, 0) AS newest,
               coalesce(lag(a.sha256) OVER (PARTITION BY a.ord, a.name ORDER BY a.place), n.sha256) AS before
          FROM unnest(a_ord, a_name, a_sha, a_task) WITH ORDINALITY AS a (ord, name, sha256, task_id, place)
          LEFT JOIN LATERAL (
            SELECT r.version, r.sha256 FROM engine.artifact_references AS r
             WHERE r.tenant_id = w_tenant[a.ord] AND r.workflow_id = w_id[a.ord] AND r.name = a.name
             ORDER BY r.version DESC LIMIT 1
          ) AS n ON true
         WHERE verdict[a.ord] = 1
      ) AS made
     WHERE sha256 IS DISTINCT FROM before;
  END IF;

  IF cardinality(o_ord) > 0 THEN
    INSERT INTO engine.inbox (tenant_id, target, key, command)
    SELECT DISTINCT ON (w_tenant[ord], target, key) w_tenant[ord], target, key, command
      FROM unnest(o_ord, o_target, o_key, o_command) AS o (ord, target, key, command)
     WHERE verdict[o.ord] = 1
     ORDER BY w_tenant[ord], target, key
    ON CONFLICT DO NOTHING;
  END IF;

  IF cardinality(k_ord) > 0 THEN
    INSERT INTO engine.step_cache (tenant_id, key_sha256, step, output, expires_at)
    SELECT DISTINCT ON (w_tenant[ord], key) w_tenant[ord], key, step, output, now() + make_interval(secs => seconds)
      FROM unnest(k_ord, k_key, k_step, k_output, k_seconds) AS k (ord, key, step, output, seconds)
     WHERE verdict[k.ord] = 1
     ORDER BY w_tenant[ord], key
    ON CONFLICT (tenant_id, key_sha256) DO UPDATE SET output = excluded.output, expires_at = excluded.expires_at;
  END IF;

  IF cardinality(u_ord) > 0 THEN
    FOR line IN
      SELECT * FROM unnest(u_ord, u_event, u_at, u_user, u_action, u_resource, u_result, u_ip, u_agent)
        AS u (ord, event_id, at, user_id, action, resource, result, ip_address, user_agent)
       WHERE verdict[u.ord] = 1
    LOOP
      PERFORM engine.append_audit(
        w_tenant[line.ord], p_replica, w_id[line.ord], line.event_id, line.at, line.user_id, line.action,
        line.resource, line.result, line.ip_address, line.user_agent);
    END LOOP;
  END IF;

  RETURN verdict;
END $$;
