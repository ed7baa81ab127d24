from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pytest

from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.deliverables import from_json, to_json
from services.agents.report.dossier import KEYS
from services.agents.report.render import CHAPTERS
from services.agents.roles.solution_architect.assembly import REPORT, assemble

Outputs = Mapping[str, AgentOutput]
Input = Mapping[str, Any]
WITHOUT_A_CHANGE = [key for key in CHAPTERS if key != "impact"]
VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """A page taken apart: its tags, ids, links and text; complains about tags that do not match."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def report(outputs: Outputs, request: Input) -> str:
    return assemble(outputs, request).files[REPORT][0].decode()


@pytest.fixture(scope="module")
def source(outputs: Outputs, request_input: Input) -> str:
    return report(outputs, request_input)


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


def test_every_chapter_is_there_and_in_the_contents(page: Page) -> None:
    links = [value for name, value in page.attributes if name == "href"]

    chapters = [f"#{key}" for key in WITHOUT_A_CHANGE]
    assert all(key in page.ids for key in WITHOUT_A_CHANGE)
    assert [link for link in links if link in chapters][: len(chapters)] == chapters
    assert "impact" not in page.ids


def test_the_page_needs_nothing_from_outside(page: Page, source: str) -> None:
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in {"src", "srcset", "action"} or name.startswith("on")]
    assert all((value or "").startswith("#") for name, value in page.attributes if name == "href")
    assert "@import" not in source
    assert "url(" not in source


def test_ids_are_unique_and_links_lead_somewhere(page: Page) -> None:
    links = {(value or "").removeprefix("#") for name, value in page.attributes if name == "href"}
    linked_by_name = {link for link in links if not link.startswith("at-")}

    assert len(page.ids) == len(set(page.ids))
    assert linked_by_name <= set(page.ids)


def test_what_each_role_found_is_on_the_page(page: Page) -> None:
    for expected in (
        "Customers must be able to submit a claim with photos.",
        "Customer expectation",
        "modular monolith",
        "Application cluster",
        "How the system is cut",
        "Build the claims service",
        "€1,800",
        "services/claims/main.py",
        "How long are claims kept?",
        "Each customer files 0.12 claims a year.",
        "The request names no availability",
    ):
        assert expected in page.text


def test_figures_and_views_are_drawn(source: str) -> None:
    assert source.count('class="diagram"') == 9
    assert source.count('class="chart"') == 7


def test_provenance_is_marked_and_quotes_stand_beside_it(source: str) -> None:
    assert re.search(r'class="basis explicit">explicit</span>\s*<q>Customers must be able to submit', source)
    assert 'class="basis derived">derived' in source
    assert 'class="basis assumed">assumed' in source


def test_the_words_that_items_quote_are_marked_in_the_request(source: str) -> None:
    assert '<mark title="FACT-02, REQ-C-001">1.5M EUR</mark>' in source


def test_markup_in_the_request_is_text(source: str, page: Page) -> None:
    assert "<script" not in source
    assert '<script>alert("not markup")</script>' in page.text


HOSTILE = "\"><img src=x onerror=alert(1)>'</style></title><svg onload=x>{{ 7*7 }}\x00\x1b"


def test_hostile_text_in_any_field_is_text(outputs: Outputs, request_input: Input) -> None:
    def poisoned(value: Any) -> Any:
        match value:
            case dict():
                return {key: poisoned(one) for key, one in value.items()}
            case list():
                return [poisoned(one) for one in value]
            case str() if not re.fullmatch(r"[A-Z_]+|-?\d+(\.\d+)?", value):
                return value + HOSTILE
        return value

    hostile = {key: from_json(poisoned(to_json(output))) for key, output in outputs.items()}

    source = report(hostile, {**request_input, "title": HOSTILE, "request": HOSTILE})

    page = Page(source)
    assert not {"img", "script"} & set(page.tags)
    assert page.tags.count("style") == 1
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "\x00" not in source
    assert "{{ 7*7 }}" in page.text


@pytest.mark.parametrize("missing", KEYS)
def test_a_missing_deliverable_is_said_and_the_rest_is_there(
    missing: str, outputs: Outputs, request_input: Input
) -> None:
    page = Page(report({key: output for key, output in outputs.items() if key != missing}, request_input))

    assert f"Not delivered: {CHAPTERS[missing]}" in page.text
    assert all(key in page.ids for key in WITHOUT_A_CHANGE)


def test_nothing_at_all_still_makes_a_page() -> None:
    page = Page(report({}, {}))

    assert "Not delivered" in page.text
    assert page.text.count("is missing: the step that makes it did not deliver") == len(KEYS) + 1


def test_an_empty_deliverable_of_each_role_makes_a_page(request_input: Input) -> None:
    empty = {key: AgentOutput() for key in KEYS}
    for key, output in empty.items():
        getattr(output, key).SetInParent()

    assert "Not delivered" not in Page(report(empty, request_input)).text


def test_the_same_input_makes_the_same_bytes(source: str, outputs: Outputs, request_input: Input) -> None:
    copies = {key: AgentOutput.FromString(output.SerializeToString()) for key, output in reversed(outputs.items())}

    assert report(copies, dict(request_input)) == source
