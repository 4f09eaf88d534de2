"""What `make chaos` plays for minutes, `make test` plays in short: each long scenario names its brothers."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
LONG = [path for path in sorted((TESTS / "chaos").rglob("test_*.py")) if "mark.slow" in path.read_text()]


@pytest.mark.parametrize("path", LONG, ids=lambda path: path.stem)
def test_a_long_scenario_has_its_short_brother(path: Path) -> None:
    named = _brothers(path)
    assert named, f"{path.name} names no test in IN_SHORT"
    for place in named:
        file, _, test = place.partition("::")
        text = (TESTS.parent / file).read_text()
        assert f"def {test}(" in text, place
        assert "mark.slow" not in text, f"{place} is long itself"


def _brothers(path: Path) -> tuple[str, ...]:
    """The module's IN_SHORT, without importing it."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "IN_SHORT":
            named: tuple[str, ...] = ast.literal_eval(node.value)
            return named
    return ()
