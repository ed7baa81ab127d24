"""What a test does, line by line: an operation for real, and a look at what came of it.

The lines are Python for the generated repository; `made` is the record that they act on.
"""

from __future__ import annotations

from services.agents.naming import mentions, stems
from services.agents.roles.developer.blueprint import Kind, Package, Route

Lines = tuple[str, ...]

_STRANGER = ("not signed in", "unauthorised", "unauthorized", "without permission", "no permission", "without right",
             "other role", "access denied")  # fmt: skip
_INCOMPLETE = ("missing", "invalid", "incomplete", "wrong value", "malformed", "mandatory field", "required field")
_UNKNOWN = ("does not exist", "unknown", "not found", "no such")


def body(package: Package, route: Route, criterion: str) -> Lines:
    """Return the test of an operation under an acceptance criterion: that it works, or the refusal it asks for."""
    text, name = stems(criterion), package.name
    if any(mentions(text, one) for one in _STRANGER):
        return (f"assert {name}.stranger().{call(route, 'unknown')}.status == 401",)
    if "{" in route.path and any(mentions(text, one) for one in _UNKNOWN):
        return (f"assert {name}.{call(route, 'unknown')}.status == 404",)
    needed = [one.name for one in route.kind.fields if one.required]
    if route.is_creation and needed and any(mentions(text, one) for one in _INCOMPLETE):
        return (
            f'refused = {name}.post("{route.path}", {{}})',
            "assert refused.status == 422",
            f'assert "{needed[0]}" in refused.body["errors"]',
        )
    return (*seed(package, route.kind), *act(package, route)) if not route.is_creation else act(package, route)


def seed(package: Package, kind: Kind) -> Lines:
    """Return the lines that bring a record about: by the operation that makes one, or by an event."""
    name = package.name
    creation = next((one for one in package.routes if one.is_creation and one.kind is kind), None)
    if creation is not None:
        return (f'made = {name}.post("{creation.path}", {kind.constant}).body',)
    listing = next(
        one.path for one in package.routes if one.kind is kind and one.method == "GET" and "{" not in one.path
    )
    if package.hearing and kind is package.kinds[0]:
        return (
            f'assert {name}.hear("{package.listens[0]}").status == 204',
            f'made = {name}.get("{listing}").body["items"][0]',
        )
    return (
        f"made = Records({name}.store, {kind.constant}_TYPE).create({kind.constant})",
        f'assert {name}.get("{listing}").status == 200',
    )


def act(package: Package, route: Route) -> Lines:
    """Return the lines that do an operation and look at what came of it."""
    name, kind = package.name, route.kind
    first = next(iter(kind.sample))
    match route.method:
        case "POST" if route.is_creation:
            return (
                f"made = {name}.{call(route)}",
                "assert made.status == 201",
                f'assert made.body["{first}"] == {kind.constant}["{first}"]',
                f'assert {name}.store.unsent()[-1]["type"] == "{kind.topic}.created"',
            )
        case "POST":
            return (
                f'assert {name}.{call(route)}.body["status"] == "{route.new_status}"',
                f'assert {name}.store.unsent()[-1]["type"] == "{kind.topic}.{route.new_status}"',
            )
        case "PATCH":
            return (
                f"changed = {name}.{call(route)}",
                f'assert changed.body["{first}"] == {kind.constant}["{first}"]',
                'assert changed.body["updated_at"] >= made["updated_at"]',
            )
        case "DELETE":
            return (f"assert {name}.{call(route)}.status == 204", f"assert {name}.{call(route)}.status == 404")
        case _ if "{" in route.path:
            return (f"assert {name}.{call(route)}.body == made",)
        case _:
            return (
                f'assert made in {name}.get("{route.path}").body["items"]',
                f'assert {name}.get("{route.path}?status=none-of-these").body["items"] == []',
            )


def call(route: Route, record_id: str = "") -> str:
    """Return the call of an operation on the record `made`, or on the one with the given id."""
    path = target(route, record_id)
    match route.method:
        case "PATCH":
            first = next(iter(route.kind.sample))
            return f'patch({path}, {{"{first}": {route.kind.constant}["{first}"]}})'
        case "POST" if route.is_creation:
            return f"post({path}, {route.kind.constant})"
        case method:
            return f"{method.lower()}({path})"


def target(route: Route, record_id: str = "") -> str:
    """Return the path of an operation as a Python expression."""
    head, brace, tail = route.path.partition("{")
    if not brace:
        return f'"{route.path}"'
    rest = tail.partition("}")[2]
    return f'"{head}{record_id}{rest}"' if record_id else f"f\"{head}{{made['id']}}{rest}\""
