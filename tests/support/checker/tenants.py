"""Whether tenants see their own, and nothing of one another."""

from __future__ import annotations

from collections.abc import Iterator

from checker.facts import Facts, Outside


def i9_tenants_see_their_own(facts: Facts, outside: Outside) -> Iterator[str]:
    """No row, event, cached output or hot copy of one tenant is visible to another."""
    for sight in facts.sights:
        whose = f"tenant {sight.named!r}" if sight.named else "nobody"
        yield f"I9 in the name of {whose} the engine sees {sight.table} of tenant {sight.seen!r}"
    yield from _misplaced(facts, outside)
    yield from _leaked(facts, outside)


def _misplaced(facts: Facts, outside: Outside) -> Iterator[str]:
    """Yield what is kept or told of a workflow in the name of a tenant whose workflow it is not."""
    tenant_of = {found.key.workflow_id: found.key.tenant for found in facts.workflows}
    marks = [(f"a row of {each.table}", each.key.workflow_id, each.key.tenant) for each in facts.belongings]
    marks += [(f"event {each.seq}", each.workflow_id, each.tenant) for each in outside.published or ()]
    for copy in outside.copies:
        marks.append(("a hot copy", copy.kept_as.workflow_id, copy.kept_as.tenant))
        if copy.holds is not None:
            marks.append((f"the hot copy of {copy.kept_as.workflow_id}", copy.holds.workflow_id, copy.kept_as.tenant))
    for what, workflow_id, tenant in marks:
        if tenant_of.get(workflow_id, tenant) != tenant:
            yield f"I9 {what} of {workflow_id} is in the name of {tenant!r}, not of {tenant_of[workflow_id]!r}"


def _leaked(facts: Facts, outside: Outside) -> Iterator[str]:
    """Yield where a text stands that only another tenant's workflows were given."""
    texts = [
        (f"the history of {found.key.workflow_id}", found.key.tenant, commit.body)
        for found in facts.workflows
        for commit in found.commits
    ]
    texts += [("a cached output", each.tenant, each.output) for each in facts.cached]
    for owner, secret in outside.secrets.items():
        sought = secret.encode()
        for where, tenant, text in texts:
            if tenant != owner and sought in text:
                yield f"I9 {where}, of tenant {tenant!r}, says what only tenant {owner!r} was told"
        for copy in outside.copies:
            if sought in copy.text:
                yield f"I9 the hot copy of {copy.kept_as.workflow_id} is open to whoever reads Redis"
