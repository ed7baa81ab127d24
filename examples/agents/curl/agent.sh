#!/usr/bin/env bash
# An agent in curl: it adds two numbers. Everything it does is a call of the REST interface; see README.md.
#
#   GATEWAY=https://localhost:8443 CA=.archwright/certificates/ca.pem \
#   ENROLMENT_TOKEN=$(cat .archwright/keys/enrolment.token) examples/agents/curl/agent.sh
set -euo pipefail

: "${GATEWAY:?is where the mesh is, such as https://localhost:8443}"
: "${CA:?is the file of the authority that signed its certificate}"
: "${ENROLMENT_TOKEN:?is what an agent may register with}"
AGENT_ID=${AGENT_ID:-adder-$$}
AGENTS=$GATEWAY/api/v1/agents

# call TOKEN METHOD URL [JSON] prints the answer's JSON. What fails for a moment is tried again.
call() {
  curl --silent --show-error --fail-with-body --cacert "$CA" --max-time 45 --retry 5 --retry-connrefused \
    --request "$2" --header "Authorization: Bearer $1" --header 'Content-Type: application/json' ${4:+--data "$4"} "$3"
}

# pick EXPRESSION prints a part of the JSON that it is given, called `a`.
pick() {
  python3 -c "import json, sys; a = json.load(sys.stdin); print($1)"
}

register() {
  TOKEN=$(call "$ENROLMENT_TOKEN" POST "$AGENTS/register" \
    "{\"agent_id\": \"$AGENT_ID\", \"agent_type\": \"adder\", \"capabilities\": [\"addition@1.0.0\"]}" | pick 'a["token"]')
  registered_at=$SECONDS
}

# work TASK accepts a task, does it, and says how it ended until that is answered.
work() {
  local delivery result tasks
  delivery=$(pick 'json.dumps(a["delivery"])' <<<"$1")
  tasks=$AGENTS/$AGENT_ID/tasks/$(pick 'a["task_id"]' <<<"$delivery")
  call "$TOKEN" POST "$tasks/accept" "$delivery" >/dev/null || return 0 # lost: another has it
  # The workflow is named so that a result whose answer was lost is known again.
  result=$(pick 'json.dumps({**a["delivery"], "workflow_id": a["workflow_id"], "tenant": a["tenant"],
    "output": {"sum": a["input"]["left"] + a["input"]["right"]}})' <<<"$1")
  call "$TOKEN" POST "$tasks/result" "$result" | pick 'a["outcome"]'
}

leave() {
  call "$TOKEN" DELETE "$AGENTS/$AGENT_ID" >/dev/null
  exit 0
}

register
trap leave TERM INT
echo "ready: $AGENT_ID"
while true; do
  if ((SECONDS - registered_at > 600)); then register; fi # a token lasts an hour
  call "$TOKEN" POST "$AGENTS/$AGENT_ID/heartbeat" '{}' >/dev/null
  # Waits up to five seconds for a task, and renews the lease of what the agent holds.
  pulled=$(call "$TOKEN" GET "$AGENTS/$AGENT_ID/tasks?slots=1&wait=5s")
  if [[ $(pick 'len(a["tasks"])' <<<"$pulled") == 1 ]]; then
    work "$(pick 'json.dumps(a["tasks"][0])' <<<"$pulled")"
  fi
done
