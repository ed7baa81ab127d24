"""Holds the rules to data that people labelled; the data is not part of the project."""

import csv
import json
import re
from pathlib import Path

import pytest

from services.agents.naming import stem, stems, words
from services.agents.roles.business_analyst import clauses, qualities
from services.agents.roles.business_analyst.deliverable import produce
from services.agents.roles.business_analyst.request import Request

DATA = Path(__file__).parents[6] / "shared" / "data" / "requirements"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the labelled requirements are not on this machine")


def test_functions_and_qualities_are_told_apart() -> None:
    with (DATA / "promise_original_projects.csv").open(encoding="utf-8", errors="replace") as file:
        rows = list(csv.DictReader(file))

    found = [(row["label"], quality.id if (quality := qualities.classify(row["requirement"])) else "F") for row in rows]
    binary = sum((label == "F") == (guess == "F") for label, guess in found) / len(found)
    exact = sum(label == guess for label, guess in found) / len(found)

    assert binary >= 0.82
    assert exact >= 0.72


def test_stories_are_understood() -> None:
    personas = actions = total = 0
    for path in sorted(DATA.glob("g1*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            story = json.loads(line)
            labels = {entity["id"]: entity for entity in story["entities"]}
            triggered = [relation["to_id"] for relation in story["relations"] if relation["type"] == "triggers"]
            persona = next((entity for entity in story["entities"] if entity["label"] == "Persona"), None)
            if persona is None or not triggered:
                continue

            def words_of(entity: dict[str, int], text: str = story["text"]) -> str:
                return text[entity["start_offset"] : entity["end_offset"]]

            total += 1
            read = clauses.read(re.sub(r"^#G\d+#\s*", "", story["text"]))
            personas += bool(read) and stems(read[0].actor) == stems(words_of(persona))
            action = words(words_of(labels[triggered[0]])) or ("",)
            actions += bool(read) and stem(read[0].verb) == stem(action[0])

    assert personas / total >= 0.97
    assert actions / total >= 0.85


def test_every_number_of_the_labelled_requests_is_found_once() -> None:
    for request in json.loads((DATA / "creation_requests.json").read_text(encoding="utf-8")):
        facts = produce(Request(request["text"])).requirements.facts
        for number in request["expected"].get("numbers", []):
            assert sum(fact.number == number["value"] for fact in facts) == 1, (request["id"], number)
