"""The contract's services and the roles' functions fit each other, method by method."""

from __future__ import annotations

from importlib import import_module

import pytest

from archwright.contract import contract
from services.agents.__main__ import roles
from services.agents.direct.service import descriptor, task_type


@pytest.mark.parametrize("role", roles())
def test_every_function_of_a_role_has_its_method_and_every_method_its_function(role: str) -> None:
    agent = import_module(f"services.agents.roles.{role}.service").agent

    methods = [task_type(method) for method in descriptor(role).methods]

    assert sorted(methods) == sorted(duty.task_type for duty in agent.duties)


@pytest.mark.parametrize("role", roles())
def test_the_path_of_a_method_is_the_role_and_the_type_of_task(role: str) -> None:
    bound = {
        method.name: method.binding for method in contract().methods() if f".{descriptor(role).name}" in method.service
    }

    for method in descriptor(role).methods:
        binding = bound[method.name]
        assert binding is not None
        assert (binding.verb, binding.path) == ("post", f"/api/v1/roles/{role}:{task_type(method)}")
