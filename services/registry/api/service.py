"""AgentRegistryService: who may say and see what.

A tenant's callers see its own agents and the platform's; an agent of another tenant is not there for them.
Only the caller's token decides the tenant, never the request.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from google.protobuf.duration_pb2 import Duration

from archwright import ids
from archwright.errors import AgentNotFound, RequestInvalid, RoleDenied, Violation
from archwright.registry.v1 import agent_registry_pb2 as pb
from archwright.serving.pipeline import Call
from archwright.serving.tokens import TokenSigner
from services.chassis.clock import Clock
from services.chassis.egress import Allowance
from services.registry.api.messages import (
    agent_message,
    agent_type_of,
    details_of,
    health_message,
    is_to_drain,
    request_id_of,
    said_by,
    timestamp,
    update_message,
    wish_of,
)
from services.registry.api.page_tokens import key_of, page_size_of, token_after
from services.registry.domain.agent import PLATFORM, Agent, Heartbeat, Key, tenants_seen_by
from services.registry.domain.audit import AuditEvent
from services.registry.domain.matching import matching
from services.registry.domain.registration import AGENT_ID, TASKS_MAX, Registration
from services.registry.ports import AgentStore, Feed, Heartbeats, Presence
from services.registry.probe_targets import require_allowed

_AGENT_ROLES: Final = frozenset({"agent"})


@dataclass(frozen=True, slots=True)
class Terms:
    """What the registry promises agents and asks of them."""

    token_seconds: float
    heartbeat_seconds: float
    health_checks: Allowance


class AgentRegistry:
    """Answers the calls of AgentRegistryService."""

    def __init__(
        self,
        store: AgentStore,
        heartbeats: Heartbeats,
        presence: Presence,
        feed: Feed,
        signer: TokenSigner,
        clock: Clock,
        terms: Terms,
    ) -> None:
        self._store = store
        self._heartbeats = heartbeats
        self._presence = presence
        self._feed = feed
        self._signer = signer
        self._clock = clock
        self._terms = terms

    async def register_agent(self, request: pb.RegisterAgentRequest, call: Call) -> pb.RegisterAgentResponse:
        """Register an agent of the token's tenant, and give it its token."""
        registration = Registration(
            tenant=call.caller.tenant,
            agent_id=request.agent_id or _new_agent_id(call.caller.tenant, request.request_id or call.request_id),
            agent_type=request.agent_type,
            capabilities=tuple(dict.fromkeys(request.capabilities)),
            max_concurrent_tasks=request.max_concurrent_tasks or 1,
            health_check_url=request.health_check_url,
            labels=dict(request.labels),
            capability_details=details_of(request),
        )
        require_allowed(registration.health_check_url, self._terms.health_checks)
        await self._refuse_platform_id(registration)
        agent = await self._store.put(registration, self._clock.now())
        self._feed.wake()
        token, expires_at = self._signer.sign(
            subject=agent.agent_id,
            tenant=agent.tenant,
            roles=_AGENT_ROLES,
            ttl_seconds=self._terms.token_seconds,
            agent_type=agent.agent_type,
        )
        return pb.RegisterAgentResponse(
            agent=agent_message(agent),
            token=token,
            token_expires_at=timestamp(expires_at),
            heartbeat_interval=self._heartbeat_interval(),
        )

    async def heartbeat_agent(self, request: pb.HeartbeatAgentRequest, call: Call) -> pb.HeartbeatAgentResponse:
        """Take an agent's word about itself."""
        _refuse_other_agents(request.agent_id, call)
        if not 0 <= request.current_task_count <= TASKS_MAX:
            raise RequestInvalid(
                f"`current_task_count` is {request.current_task_count}; it must be 0 to {TASKS_MAX}.",
                violations=[Violation("current_task_count", f"must be 0 to {TASKS_MAX}")],
            )
        key = Key(call.caller.tenant, request.agent_id)
        heartbeat = Heartbeat(key, said_by(request), request.current_task_count, self._clock.now())
        if not await self._heartbeats.take(heartbeat):
            raise AgentNotFound.named(request.agent_id)
        return pb.HeartbeatAgentResponse(heartbeat_interval=self._heartbeat_interval())

    async def stream_heartbeats(
        self, requests: AsyncIterator[pb.StreamHeartbeatsRequest], call: Call
    ) -> AsyncGenerator[pb.StreamHeartbeatsResponse, None]:
        """Take an agent's words about itself, one after the other."""
        async for request in requests:
            yield pb.StreamHeartbeatsResponse(heartbeat=await self.heartbeat_agent(request.heartbeat, call))

    async def deregister_agent(self, request: pb.DeregisterAgentRequest, call: Call) -> pb.DeregisterAgentResponse:
        """End a registration."""
        if "admin" not in call.caller.roles:
            _refuse_other_agents(request.agent_id, call)
        request_id = request_id_of(request.request_id or call.request_id)
        key = await self._own_key(request.agent_id, call, "end")
        is_by_person = "agent" not in call.caller.roles
        audit = self._audit(call, request.agent_id) if is_by_person else None
        if not await self._store.remove(key, self._clock.now(), request_id, audit):
            raise AgentNotFound.named(request.agent_id)
        self._feed.wake()
        return pb.DeregisterAgentResponse()

    async def set_agent_status(self, request: pb.SetAgentStatusRequest, call: Call) -> pb.Agent:
        """Keep an agent from new work, or let it have new work again."""
        by = call.caller.subject if is_to_drain(request) else ""
        key = await self._own_key(request.agent_id, call, "drain or resume")
        agent = await self._store.set_drained(key, by, self._audit(call, request.agent_id))
        if agent is None:
            raise AgentNotFound.named(request.agent_id)
        self._feed.wake()
        return agent_message(agent)

    async def match_agents(self, request: pb.MatchAgentsRequest, call: Call) -> pb.MatchAgentsResponse:
        """Return the agents that could take a task now, the best first."""
        wish = wish_of(request)
        found = await self._store.candidates(
            tenants_seen_by(call.caller.tenant),
            agent_type=wish.requirement.agent_type,
            labels=wish.requirement.labels,
        )
        fresh = await self._with_newest_load(found)
        turn = await self._presence.next_turn(f"{call.caller.tenant}/{wish.requirement.text}")
        return pb.MatchAgentsResponse(
            matches=[
                pb.AgentMatch(agent=agent_message(agent), free_slots=agent.free_slots)
                for agent in matching(fresh, wish, turn)
            ]
        )

    async def get_agent(self, request: pb.GetAgentRequest, call: Call) -> pb.Agent:
        """Return an agent that the caller sees."""
        return agent_message(await self._visible(request.agent_id, call))

    async def list_agents(self, request: pb.ListAgentsRequest, call: Call) -> pb.ListAgentsResponse:
        """Return a page of the agents that the caller sees."""
        page_size = page_size_of(request.page_size)
        found = await self._store.page(
            tenants_seen_by(call.caller.tenant),
            agent_type=agent_type_of(request.agent_type),
            after=key_of(request.page_token),
            limit=page_size + 1,  # one more tells whether there is another page
        )
        agents = await self._with_newest_load(found[:page_size])
        return pb.ListAgentsResponse(
            agents=[agent_message(agent) for agent in agents],
            next_page_token=token_after(agents[-1].key) if len(found) > page_size else "",
        )

    async def get_agent_health(self, request: pb.GetAgentHealthRequest, call: Call) -> pb.AgentHealth:
        """Return how an agent is that the caller sees."""
        return health_message(await self._visible(request.agent_id, call))

    async def watch_agents(self, _: pb.WatchAgentsRequest, call: Call) -> AsyncGenerator[pb.WatchAgentsResponse, None]:
        """Tell who is registered, then every change."""
        async with aclosing(self._feed.watch(tenants_seen_by(call.caller.tenant))) as updates:
            async for update in updates:
                yield update_message(update)

    async def _with_newest_load(self, agents: Sequence[Agent]) -> Sequence[Agent]:
        loads = await self._presence.loads([agent.key for agent in agents])
        return [agent.having(loads.get(agent.key)) for agent in agents]

    async def _visible(self, agent_id: str, call: Call) -> Agent:
        agent = await self._found(agent_id, call)
        if agent is None:
            raise AgentNotFound.named(agent_id)
        return agent

    async def _found(self, agent_id: str, call: Call) -> Agent | None:
        if not AGENT_ID.fullmatch(agent_id):  # nobody could ever register so
            raise AgentNotFound.named(agent_id)
        return await self._store.get(agent_id, tenants_seen_by(call.caller.tenant))

    async def _own_key(self, agent_id: str, call: Call, verb: str) -> Key:
        """Return which agent a caller means to change; raises RoleDenied where it is the platform's to do so."""
        own = Key(call.caller.tenant, agent_id)
        agent = await self._found(agent_id, call)
        if agent is None or agent.key == own:
            return own  # not there: it may have been ended by this very request before
        if call.caller.tenant != PLATFORM:
            raise RoleDenied(
                f"Agent {agent_id!r} belongs to the platform; only the platform's own people may {verb} it.",
                facts={"agent_id": agent_id},
            )
        return agent.key

    async def _refuse_platform_id(self, registration: Registration) -> None:
        """Keep the platform's ids, which every tenant sees, from meaning two agents."""
        if registration.tenant == PLATFORM:
            return
        if await self._store.get(registration.agent_id, (PLATFORM,)) is not None:
            raise RoleDenied(
                f"This token may not register an agent {registration.agent_id!r}. Choose another id, or leave it "
                "empty and be given one.",
                facts={"agent_id": registration.agent_id},
            )

    def _audit(self, call: Call, agent_id: str) -> AuditEvent:
        return AuditEvent(
            event_id=ids.new_uuid(),
            at=self._clock.now(),
            user_id=call.caller.subject,
            action=call.method.rpartition("/")[2],
            resource=agent_id,
            result="ok",
            ip_address=call.ip_address,
            user_agent=call.user_agent[:200],
        )

    def _heartbeat_interval(self) -> Duration:
        interval = Duration()
        interval.FromNanoseconds(int(self._terms.heartbeat_seconds * 1e9))
        return interval


def _refuse_other_agents(agent_id: str, call: Call) -> None:
    if agent_id != call.caller.subject:
        raise RoleDenied(
            f"The token belongs to agent {call.caller.subject!r} and speaks for no other.",
            facts={"agent_id": agent_id},
        )


def _new_agent_id(tenant: str, request_id: str) -> str:
    """Return an id for an agent that does not care; the same each time for the same request."""
    made: uuid.UUID = ids.derived_uuid(0, tenant, request_id) if request_id else ids.new_uuid()
    return ids.show("agent", made)
