from __future__ import annotations

import pytest

from archwright import errors
from archwright.cli.exit_codes import exit_code
from archwright.local.child import StartFailed
from archwright.local.state import MeshNotUp, StateInUse


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputMismatch("…"), 2),
        (errors.PayloadInvalid("…"), 2),
        (errors.DefinitionVersionTaken("…"), 2),
        (errors.TransitionIllegal("…"), 2),
        (errors.WorkflowNotFound.named("wf_1"), 3),
        (errors.DefinitionNotFound.named("x"), 3),
        (errors.TokenMissing("…"), 4),
        (errors.TokenInvalid("…"), 4),
        (errors.RoleDenied("…"), 4),
        (errors.DependencyUnavailable("…"), 5),
        (errors.DeadlinePassed("…"), 5),
        (errors.InternalFault("…"), 1),
        (MeshNotUp("…"), 5),
        (StartFailed("…"), 5),
        (StateInUse("…"), 2),
    ],
)
def test_the_exit_code_says_who_must_act(error: errors.ArchwrightError, code: int) -> None:
    assert exit_code(error) == code
