"""Templates say what happened, and can neither reach the process nor hold it up."""

from __future__ import annotations

import pytest

from services.notifier.templates import LOOP_STEPS_MAX, OUTPUT_LENGTH_MAX, Template, TemplateInvalid

FIELDS = {
    "event": {"type": "workflow_failed", "step": "<b>"},
    "payload": {"code": "TIMED_OUT", "name": "x"},
    "link": "",
}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ event.type }}", "workflow_failed"),
        ("{{ event['type'] | upper }}", "WORKFLOW_FAILED"),
        ("{% if payload.code == 'TIMED_OUT' %}late{% else %}wrong{% endif %}", "late"),
        ("{% for n in range(3) %}{{ loop.index }}{% endfor %}", "123"),
        ("{{ payload.nothing | default('none') }}", "none"),
        ("{{ 'a' ~ payload.name }}{{ 'yes' if link else 'no' }}", "axno"),
        ("{{ event.step }}", "<b>"),
        ("{{ payload.missing is defined }}", "False"),
        ("line\n", "line\n"),
    ],
)
def test_what_messages_need_is_there(source: str, text: str) -> None:
    assert Template(source).render(FIELDS) == text


def test_what_is_filled_into_html_is_escaped() -> None:
    assert Template("<p>{{ event.step }}</p>", escapes=True).render(FIELDS) == "<p>&lt;b&gt;</p>"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ ''['__cla' ~ 'ss__'] }}",
        "{{ event.items }}",
        "{{ ''.join }}",
        "{{ event | attr('__class__') }}",
        "{{ _steps.taken }}",
        "{{ self }}",
        "{{ self.__init__ }}",
        "{{ cycler }}",
        "{{ lipsum.__globals__ }}",
        "{{ range.__self__ }}",
        "{{ loop }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{% macro f() %}{{ f() }}{% endmacro %}",
        "{% set a = 'x' %}",
        "{% block b %}{% endblock %}",
        "{% call f() %}{% endcall %}",
        "{% filter upper %}x{% endfilter %}",
        "{{ 'x'.center(1000000000) }}",
        "{{ '%01000000000d' % 1 }}",
        "{{ '%01000000000d' | format(1) }}",
        "{{ 'x' | center(1000000000) }}",
        "{{ 'x' * 1000000000 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{% for i in range(10**9) %}{% endfor %}",
        "{% for i in range(1000000000) %}{% endfor %}",
        "{% for i in range(0, -1000000000, -1) %}{% endfor %}",
        "{% for i in range(1, 2, 0) %}{% endfor %}",
        "{% for i in range(90) %}{% for j in range(90) %}{% endfor %}{% endfor %}",
        "{% for i in range(60) %}{% endfor %}{% for i in range(60) %}{% endfor %}",
        "{% for i in [1, 2] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% for i in range(90) %}" + "x" * 1000 + "{% endfor %}",
        "{{ " + "(" * 300 + "1" + ")" * 300 + " }}",
        "{{ " + "-" * 3000 + "1 }}",
        "{% if 1 %}" * 200 + "{% endif %}" * 200,
        "{{ 1 + 'x' }}",
        "{{ nothing }}",
    ],
)
def test_what_would_do_harm_is_refused(source: str) -> None:
    with pytest.raises(TemplateInvalid):
        Template(source).render(FIELDS)


def test_loops_and_texts_have_room_up_to_their_limits() -> None:
    steps = "{% for i in range(" + str(LOOP_STEPS_MAX) + ") %}{% endfor %}"

    assert Template(steps + "x" * OUTPUT_LENGTH_MAX).render(FIELDS) == "x" * OUTPUT_LENGTH_MAX
