"""What every change management system promises, over HTTP servers that are as ServiceNow's and Jira's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from change_server import SECRET, USER, JiraServer, ServiceNowServer, serving
from pydantic import SecretStr

from archwright.local import certificates
from services.changes.main import ALLOW_SETTING
from services.changes.port import Change, ChangeGone, ChangeManagement, Reference, Standing, SystemUnavailable
from services.changes.rules import Jira, ServiceNow
from services.changes.systems.jira import JiraChanges
from services.changes.systems.servicenow import ServiceNowChanges
from services.chassis.clock import Clock, ManualClock, SystemClock
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
    clock: ManualClock

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(self.server.rows.values())


@pytest.fixture(params=["servicenow", "jira"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    server = ServiceNowServer() if request.param == "servicenow" else JiraServer()
    async with serving(server):
        clock = ManualClock()
        system, words = system_of(server, clock=clock)
        system._calling._seconds_max = 0.5  # type: ignore[attr-defined]  # who is silent is silent for less
        yield Subject(system, server, words, clock)
        await system.aclose()


def system_of(
    server: ServiceNowServer | JiraServer,
    secret: str = SECRET,
    allowed: str = "127.0.0.0/8,::1/128",
    *,
    ca_file: Path | None = None,
    clock: Clock | None = None,
) -> tuple[Any, dict[str, str]]:
    transport = GuardedTransport(Guard(Allowance.read(allowed), ALLOW_SETTING, resolve), trust_of(ca_file))
    clock = clock or SystemClock()
    if isinstance(server, ServiceNowServer):
        described = ServiceNow(
            kind="servicenow", url=server.url, user=USER, password=None, fields={"assignment_group": "CAB"}
        )
        described = described.model_copy(update={"password": SecretStr(secret)})
        return ServiceNowChanges(described, transport, clock), {
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
        states={"Implementing": Standing.APPROVED, "Canceled": Standing.CANCELLED},
        cancel_transition="901",
    )
    return JiraChanges(jira, transport, clock), {
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


async def test_a_system_that_does_not_understand_the_question_is_not_taken_to_know_of_no_change(
    subject: Subject,
) -> None:
    await subject.system.open(CHANGE)
    subject.server.finds_everything = True

    with pytest.raises(SystemUnavailable, match=r"its answer has no .* alone that it was asked for"):
        await subject.system.find("approval_01k.20.fedcba9876543210")


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


@pytest.mark.parametrize("fault", ["429", "503"])
async def test_a_system_that_wants_to_be_left_alone_is_asked_nothing_for_so_long(subject: Subject, fault: str) -> None:
    subject.server.faults = [f"busy {fault}"]

    with pytest.raises(SystemUnavailable, match=fault) as away:
        await subject.system.find(CHANGE.correlation_id)
    assert away.value.retry_after_seconds == 7
    await subject.clock.wind(4)
    with pytest.raises(SystemUnavailable, match="a pause, which is not over") as still:
        await subject.system.open(CHANGE)
    assert still.value.retry_after_seconds == 3
    assert subject.server.asked == 1

    await subject.clock.wind(3)
    await subject.system.open(CHANGE)
    assert subject.server.asked == 2


@pytest.mark.parametrize("is_trusted", [True, False])
@pytest.mark.parametrize("kind", [ServiceNowServer, JiraServer])
async def test_a_system_with_a_certificate_of_ones_own_authority_is_asked_where_that_is_trusted(
    tmp_path: Path, kind: type[ServiceNowServer] | type[JiraServer], is_trusted: bool
) -> None:
    authority = certificates.ensure(tmp_path, SystemClock().now())
    server = kind()
    async with serving(server, authority):
        system, _ = system_of(server, ca_file=authority.ca_file if is_trusted else None)
        if is_trusted:
            await system.open(CHANGE)
        else:
            with pytest.raises(SystemUnavailable, match=r"it was not reached: .*certificate"):
                await system.open(CHANGE)
        await system.aclose()

    assert len(server.rows) == int(is_trusted)


async def test_a_request_that_was_cancelled_while_its_approval_waits_is_cancelled() -> None:
    server = JiraServer()
    async with serving(server):
        system, _ = system_of(server)
        reference = await system.open(CHANGE)
        server.rows[reference.key]["status"] = "Canceled"

        looked = await system.look(reference)

        assert (looked.standing, looked.state) == (Standing.CANCELLED, "Canceled")
        await system.aclose()


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
