"""What every change management system promises, over HTTP servers that are as ServiceNow's and Jira's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from change_server import SECRET, USER, JiraServer, ServiceNowServer, serving
from pydantic import SecretStr

from services.changes.main import ALLOW_SETTING
from services.changes.port import Change, ChangeGone, ChangeManagement, Reference, Standing, SystemUnavailable
from services.changes.rules import Jira, ServiceNow
from services.changes.systems.jira import JiraChanges
from services.changes.systems.servicenow import ServiceNowChanges
from services.chassis.clock import SystemClock
from services.chassis.egress import Allowance, Guard, resolve
from services.chassis.egress_http import GuardedTransport, trust_of

CHANGE = Change("approval_01k.7.0123456789abcdef", "Approve 'sign_off' of release 1.0.0", "What is shown: a release")


@dataclass
class Subject:
    """A system, and the server behind it."""

    system: ChangeManagement
    server: ServiceNowServer | JiraServer
    words: dict[str, str]
    """How the system says that something is approved, rejected, or nothing that we know."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(self.server.rows.values())


@pytest.fixture(params=["servicenow", "jira"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    server = ServiceNowServer() if request.param == "servicenow" else JiraServer()
    async with serving(server):
        system, words = system_of(server)
        system._calling._seconds_max = 0.5  # type: ignore[attr-defined]  # who is silent is silent for less
        yield Subject(system, server, words)
        await system.aclose()


def system_of(
    server: ServiceNowServer | JiraServer, secret: str = SECRET, allowed: str = "127.0.0.1/32"
) -> tuple[Any, dict[str, str]]:
    transport = GuardedTransport(Guard(Allowance.read(allowed), ALLOW_SETTING, resolve), trust_of())
    if isinstance(server, ServiceNowServer):
        described = ServiceNow(
            kind="servicenow", url=server.url, user=USER, password=None, fields={"assignment_group": "CAB"}
        )
        described = described.model_copy(update={"password": SecretStr(secret)})
        return ServiceNowChanges(described, transport, SystemClock()), {
            "approved": "approved",
            "rejected": "rejected",
            "odd": "half_approved",
        }
    jira = Jira.model_construct(
        kind="jira",
        url=server.url,
        user=USER,
        token=SecretStr(secret),
        service_desk="10",
        request_type="25",
        fields={},
        states={"Implementing": Standing.APPROVED},
        cancel_transition="901",
    )
    return JiraChanges(jira, transport, SystemClock()), {
        "approved": "approved",
        "rejected": "declined",
        "odd": "abstained",
    }


async def test_a_change_that_was_opened_is_found_by_its_question_and_no_other(subject: Subject) -> None:
    assert await subject.system.find(CHANGE.correlation_id) == []

    opened = await subject.system.open(CHANGE)

    assert await subject.system.find(CHANGE.correlation_id) == [opened]
    assert await subject.system.find("approval_01k.20.fedcba9876543210") == []
    [row] = subject.rows
    assert CHANGE.summary in str(row)
    assert CHANGE.description in str(row)


async def test_of_several_changes_of_a_question_the_oldest_is_found_first(subject: Subject) -> None:
    opened = [await subject.system.open(CHANGE), await subject.system.open(CHANGE)]

    assert await subject.system.find(CHANGE.correlation_id) == opened


async def test_a_system_that_does_not_understand_the_question_finds_nothing(subject: Subject) -> None:
    await subject.system.open(CHANGE)
    subject.server.finds_everything = True

    assert await subject.system.find("approval_01k.20.fedcba9876543210") == []


async def test_a_change_whose_answer_was_lost_is_found(subject: Subject) -> None:
    subject.server.faults = ["lost"]
    with pytest.raises(SystemUnavailable, match="it answered 502"):
        await subject.system.open(CHANGE)

    assert len(await subject.system.find(CHANGE.correlation_id)) == 1


async def test_a_change_waits_until_somebody_decides(subject: Subject) -> None:
    reference = await subject.system.open(CHANGE)
    assert (await subject.system.look(reference)).standing is Standing.WAITING

    subject.server.decide(subject.words["approved"], by="Abel Tuter")

    looked = await subject.system.look(reference)
    assert (looked.standing, looked.by) == (Standing.APPROVED, "Abel Tuter")


async def test_a_change_may_be_rejected(subject: Subject) -> None:
    reference = await subject.system.open(CHANGE)
    subject.server.decide(subject.words["rejected"])

    assert (await subject.system.look(reference)).standing is Standing.REJECTED


async def test_a_state_that_nobody_has_named_is_not_guessed_at(subject: Subject) -> None:
    reference = await subject.system.open(CHANGE)
    subject.server.decide(subject.words["odd"])

    looked = await subject.system.look(reference)
    assert (looked.standing, looked.state) == (Standing.UNKNOWN, subject.words["odd"])


async def test_of_a_change_that_is_not_there_nothing_is_concluded(subject: Subject) -> None:
    reference = await subject.system.open(CHANGE)
    subject.server.rows.clear()

    with pytest.raises(ChangeGone, match=rf"{reference.number} is not there any more, or its user may not see it"):
        await subject.system.look(reference)


async def test_a_place_inside_the_network_is_asked_only_where_the_operator_lists_it(subject: Subject) -> None:
    system, _ = system_of(subject.server, allowed="")

    with pytest.raises(SystemUnavailable, match="Add the host to ARCHWRIGHT_CHANGES_ALLOW"):
        await system.find(CHANGE.correlation_id)
    await system.aclose()


async def test_a_change_that_is_withdrawn_says_why(subject: Subject) -> None:
    reference = await subject.system.open(CHANGE)

    await subject.system.withdraw(reference, "Nobody needs it any more.")
    await subject.system.withdraw(reference, "Nobody needs it any more.")

    assert "Nobody needs it any more." in str(subject.rows)
    assert "901" in str(subject.rows) or subject.rows[0]["state"] == "4"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("401", "it answered 401. Check the user"),
        ("403", "it answered 403. Check the user"),
        ("404", "it answered 404. Check the URL"),
        ("500", "it answered 500"),
        ("silent", "it did not answer within 0.5 s"),
        ("garbage", "its answer is no JSON"),
        ("endless", "its answer has more than"),
        ("redirect", "redirects are not followed"),
    ],
)
async def test_what_is_wrong_is_said_with_the_systems_name(subject: Subject, fault: str, says: str) -> None:
    subject.server.faults = [fault]

    with pytest.raises(SystemUnavailable) as away:
        await subject.system.open(CHANGE)

    assert says in away.value.message
    assert away.value.message.startswith(("ServiceNow: ", "Jira: "))
    assert SECRET not in away.value.message


async def test_a_system_that_is_asked_too_much_says_for_how_long_to_wait(subject: Subject) -> None:
    subject.server.faults = ["busy", "503"]

    for seconds in (7, 30):
        with pytest.raises(SystemUnavailable) as away:
            await subject.system.find(CHANGE.correlation_id)
        assert away.value.retry_after_seconds == seconds


async def test_a_wrong_password_is_named_and_a_server_that_is_gone_too(subject: Subject) -> None:
    stranger, _ = system_of(subject.server, "wrong")
    with pytest.raises(SystemUnavailable, match="it answered 401"):
        await stranger.open(CHANGE)
    await stranger.aclose()
    subject.server.url = "http://127.0.0.1:1"
    nobody, _ = system_of(subject.server)
    with pytest.raises(SystemUnavailable, match="it was not reached"):
        await nobody.look(Reference("1", "1"))
    await nobody.aclose()


async def test_where_a_request_has_no_approvals_its_status_decides() -> None:
    server = JiraServer(has_approvals=False)
    async with serving(server):
        system, _ = system_of(server)
        reference = await system.open(CHANGE)
        assert (await system.look(reference)).standing is Standing.UNKNOWN

        server.decide("approved", comments="Implementing")

        assert (await system.look(reference)).standing is Standing.APPROVED
        await system.aclose()
