"""What an agent must be, as text, and who is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archwright.language.model import AgentTask
from archwright.language.requirement import Requirement
from archwright.language.versions import Range, RangeInvalid, Version

words = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
requirements = st.builds(
    Requirement,
    agent_type=st.just("") | words,
    capability=words,
    versions=st.sampled_from(["", "^1.2", "~1.2", ">=1.0 <2", "1.2.3"]),
    labels=st.dictionaries(words, st.text(max_size=8), max_size=3),
)


def test_an_agent_type_alone_is_its_own_text() -> None:
    assert Requirement.of(AgentTask("business_analyst")).text == "business_analyst"
    assert Requirement.read("business_analyst").is_plain


def test_a_requirement_is_spelt_out_with_its_labels_in_order() -> None:
    task = AgentTask("analyst", capability="pricing@^1.2", labels={"zone": "b", "region": "eu"})

    assert Requirement.of(task).text == "analyst+capability:pricing@^1.2;region=eu;zone=b"
    assert Requirement.of(AgentTask(capability="pricing")).text == "capability:pricing"


def test_the_same_wish_is_the_same_text_however_it_was_written() -> None:
    spaced = AgentTask(capability="pricing@>=1.0,  <2")

    assert Requirement.of(spaced).text == Requirement.of(AgentTask(capability="pricing@>=1.0 <2")).text


@given(requirements)
def test_a_requirement_is_read_back_from_its_text(requirement: Requirement) -> None:
    assert Requirement.read(requirement.text) == requirement


@pytest.mark.parametrize(
    ("text", "is_met"),
    [
        ("analyst", True),
        ("architect", False),
        ("capability:pricing", True),
        ("capability:design", False),
        ("capability:pricing@^1.2", True),
        ("capability:pricing@~1.3", False),
        ("capability:modelling", True),
        ("capability:modelling@^1.0", False),
        ("analyst+capability:pricing@^1.2;region=eu", True),
        ("architect+capability:pricing@^1.2;region=eu", False),
        ("analyst+capability:pricing@^1.2;region=us", False),
        ("analyst;zone=b", False),
    ],
)
def test_an_agent_must_be_all_that_is_asked_for(text: str, is_met: bool) -> None:
    agent = ("analyst", ("pricing@1.4", "modelling"), {"region": "eu"})

    assert Requirement.read(text).is_met_by(*agent) is is_met


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("^1.2", ["1.2.0", "1.2", "1.9.9"], ["1.1.9", "2.0.0", "2.0.0-rc.1", "1.3.0-rc.1"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2", "1.0.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("^0.0", ["0.0.9"], ["0.1.0"]),
        ("^0", ["0.9.9"], ["1.0.0"]),
        ("^1", ["1.0.0", "1.99.0"], ["0.9.0", "2.0.0"]),
        ("~1.2", ["1.2.0", "1.2.9"], ["1.3.0"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.2.2", "1.3.0"]),
        ("~1", ["1.9.0"], ["2.0.0"]),
        (">=1.0 <2", ["1.0.0", "1.99.99"], ["0.9.9", "2.0.0", "2.0.0-rc.1"]),
        (">= 1.0, < 2", ["1.5"], ["2"]),
        (">1.0 <=2.0", ["1.0.1", "2.0.0"], ["1.0.0", "2.0.1"]),
        ("1.2.3", ["1.2.3", "1.2.3+build.7"], ["1.2.4", "1.2.3-rc.1"]),
        ("=1.2", ["1.2.0"], ["1.2.1"]),
        ("^1.2.0-rc.2", ["1.2.0-rc.2", "1.2.0-rc.10", "1.2.0", "1.3.0"], ["1.2.0-rc.1", "1.3.0-rc.1", "1.2.0-beta"]),
    ],
)
def test_a_range_holds_the_versions_that_keep_its_promise(text: str, inside: list[str], outside: list[str]) -> None:
    versions = Range.read(text)

    assert [each for each in (*inside, *outside) if versions.holds(_version(each))] == inside


@pytest.mark.parametrize("text", ["", "latest", "^", "1.2.3.4", "^1.2 ||", "01.2", ">=x"])
def test_what_is_no_range_is_told(text: str) -> None:
    with pytest.raises(RangeInvalid, match=r"such as \^1\.2"):
        Range.read(text)


def test_a_version_that_is_no_version_meets_only_the_same_text() -> None:
    assert Requirement("", "pricing", "beta").is_met_by("analyst", ("pricing@beta",), {})
    assert not Requirement("", "pricing", "^1.0").is_met_by("analyst", ("pricing@beta",), {})


def _version(text: str) -> Version:
    version = Version.read(text)
    assert version is not None
    return version
