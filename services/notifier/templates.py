"""Renders templates that nobody vouches for.

Jinja's sandbox keeps a template from reaching the process. It does not keep one from filling memory or taking hours,
so only a part of the language is let in: no assignments, no macros, no calls but `range`, no multiplication, a few
filters. What is left can only grow with its own text and with the steps of its loops, and those are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, nodes, pass_context
from jinja2 import Template as Compiled
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

OUTPUT_LENGTH_MAX: Final = 64 << 10
LOOP_STEPS_MAX: Final = 100
NESTING_MAX: Final = 50

Fields = Mapping[str, str | Mapping[str, str]]
"""What a template may name."""

_FILTERS: Final = ("capitalize", "d", "default", "e", "escape", "length", "lower", "trim", "truncate", "upper")
_TESTS: Final = ("defined", "undefined", "none", "in", "eq", "equalto", "==", "ne", "!=", "even", "odd")
_NODES: Final = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.CondExpr, nodes.Name, nodes.Const),
    *(nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or),
    *(nodes.Not, nodes.Neg, nodes.Add, nodes.Sub, nodes.Concat, nodes.List, nodes.Tuple, nodes.Call, nodes.Keyword),
)
_COUNTED: Final = "_counted"
_STEPS: Final = "_steps"


class TemplateInvalid(ValueError):
    """A template is wrong, or does not end within its limits; the message says how."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja, without anything that a template does not need."""

    def __init__(self, *, escapes: bool) -> None:
        super().__init__(autoescape=escapes, undefined=StrictUndefined, keep_trailing_newline=True, cache_size=0)
        self.filters = {name: self.filters[name] for name in _FILTERS} | {_COUNTED: _counted}
        self.tests = {name: self.tests[name] for name in _TESTS}
        self.globals = {"range": _bounded_range}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a field, or what is known of a loop, and nothing else of any object."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, LoopContext):
            return super().getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return a field, or an element, and nothing else of any object."""
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        return super().getitem(obj, argument)


class Template:
    """A template that has been checked."""

    def __init__(self, source: str, *, escapes: bool = False) -> None:
        """Compile `source`; raises TemplateInvalid. With `escapes`, what is filled in is escaped for HTML."""
        sandbox = _Sandbox(escapes=escapes)
        try:
            tree = sandbox.parse(source)
            _check(tree, 0)
            _count_loops(tree, sandbox)
            self._compiled = Compiled.from_code(sandbox, sandbox.compile(tree), sandbox.make_globals(None))
        except TemplateError as error:
            raise TemplateInvalid(_told(error)) from None
        except (RecursionError, MemoryError, SyntaxError):
            raise TemplateInvalid("is nested too deeply") from None

    def render(self, fields: Fields) -> str:
        """Return the text for these fields; raises TemplateInvalid."""
        pieces: list[str] = []
        length = 0
        try:
            for piece in self._compiled.generate({**fields, _STEPS: _Steps()}):
                pieces.append(piece)
                length += len(piece)
                if length > OUTPUT_LENGTH_MAX:
                    raise TemplateInvalid(f"makes more than {OUTPUT_LENGTH_MAX} characters")
        except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
            raise TemplateInvalid(str(error) if isinstance(error, TemplateInvalid) else _told(error)) from None
        return "".join(pieces)


class _Steps:
    """How many steps the loops of one rendering have taken."""

    def __init__(self) -> None:
        self.taken = 0


@pass_context
def _counted(context: Context, elements: Iterable[Any]) -> Iterator[Any]:
    steps: _Steps = context[_STEPS]
    for element in elements:
        steps.taken += 1
        if steps.taken > LOOP_STEPS_MAX:
            raise TemplateInvalid(f"takes more than {LOOP_STEPS_MAX} steps in its loops")
        yield element


def _bounded_range(*bounds: int) -> range:
    numbers = range(*bounds)
    if numbers[LOOP_STEPS_MAX:]:
        raise TemplateInvalid(f"asks for a range of more than {LOOP_STEPS_MAX} numbers")
    return numbers


def _check(node: nodes.Node, depth: int) -> None:
    """Raise TemplateInvalid for what is not let in."""
    if depth > NESTING_MAX:
        raise TemplateInvalid(f"is nested deeper than {NESTING_MAX} on line {node.lineno}")
    match node:
        case nodes.Getattr(attr=str() as name) | nodes.Name(name=str() as name) if name.startswith("_"):
            raise _refused(node, f"the name {name!r}, which is private")
        case nodes.Getitem(arg=nodes.Const(value=str() as name)) if name.startswith("_"):
            raise _refused(node, f"the name {name!r}, which is private")
        case nodes.Name(name="self"):
            raise _refused(node, "the name 'self', which holds blocks, and there are none")
        case nodes.Filter(name=name) if name not in _FILTERS:
            raise _refused(node, f"the filter {name!r}; there are: {', '.join(_FILTERS)}")
        case nodes.Test(name=name) if name not in _TESTS:
            raise _refused(node, f"the test {name!r}; there are: {', '.join(_TESTS)}")
        case nodes.Call(node=nodes.Name(name="range")):
            pass
        case nodes.Call():
            raise _refused(node, "a call; only `range` may be called")
        case nodes.For(recursive=True):
            raise _refused(node, "a recursive loop")
        case _ if not isinstance(node, _NODES):
            raise _refused(node, f"`{type(node).__name__.lower()}`, which templates of messages do without")
    for child in node.iter_child_nodes():
        _check(child, depth + 1)


def _refused(node: nodes.Node, what: str) -> TemplateInvalid:
    return TemplateInvalid(f"uses on line {node.lineno} {what}")


def _count_loops(tree: nodes.Template, sandbox: _Sandbox) -> None:
    for loop in list(tree.find_all(nodes.For)):
        counted = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
        counted.set_environment(sandbox)
        loop.iter = counted


def _told(error: Exception) -> str:
    line = getattr(error, "lineno", None)
    return f"cannot be rendered{f', on line {line}' if line else ''}: {str(error).rstrip('.') or type(error).__name__}"
