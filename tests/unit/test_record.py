"""What `record` makes is what `dataclass(frozen=True, slots=True)` makes."""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nixprof import record
from nixprof.record import is_record, usual_of, values_of


def _class(decorate: Any, of: ModuleType) -> Any:
    class Point:
        x: int
        y: int = 2
        names: dict[str, int] = of.field(default_factory=dict, hash=False)

    Point.replace = of.replace  # type: ignore[attr-defined]
    return decorate(Point)


MADE = _class(record.record, record)
DATACLASS = _class(dataclass(frozen=True, slots=True), dataclasses)
BOTH = pytest.mark.parametrize("made", [MADE, DATACLASS], ids=["record", "dataclass"])


@BOTH
def test_its_values_make_it_what_it_is(made: Any) -> None:
    one = made(1)
    assert (one.x, one.y, one.names) == (1, 2, {})
    assert one.names is not made(1).names
    assert one == made(x=1, y=2) == made(1, 2, {})
    assert one != made(2)
    assert one != (1, 2, {})
    assert hash(one) == hash(made(1, names={"a": 1}))
    assert one.replace(y=3) == made(1, 3)
    assert repr(one).endswith("Point(x=1, y=2, names={})")
    match one:
        case made(x, 2):
            assert x == 1
        case _:
            pytest.fail("it does not match")


@BOTH
@pytest.mark.parametrize(("values", "named"), [((), {}), ((), {"y": 1}), ((1,), {"z": 1})])
def test_it_needs_its_values_and_no_others(made: Any, values: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        made(*values, **named)


@BOTH
def test_nothing_can_be_changed(made: Any) -> None:
    one = made(1)
    with pytest.raises(AttributeError):
        one.x = 2
    with pytest.raises(AttributeError):
        del one.x


def test_it_takes_no_other_attribute() -> None:
    with pytest.raises(AttributeError):
        object.__setattr__(MADE(1), "z", 1)


def test_its_values_by_name() -> None:
    one = MADE(1)
    assert values_of(one) == {"x": 1, "y": 2, "names": {}}
    assert usual_of(one) == usual_of(MADE) == {"y": 2, "names": {}}
    assert is_record(one)
    assert not is_record(DATACLASS(1))


def test_nobody_takes_a_record_for_a_dataclass() -> None:
    """`dataclasses` does not know records, and to load it takes too long."""
    root = Path(__file__).parents[2]
    modules = [path for room in ("nixprof", "tests/nix", "tests/unit") for path in (root / room).rglob("*.py")]
    others = [path for path in modules if path.name not in ("record.py", "test_record.py")]
    lines = [line for path in others for line in path.read_text().splitlines()]
    found = {line for line in lines if re.match(r" *(from|import) dataclasses", line)}
    assert found <= {"from dataclasses import dataclass", "from dataclasses import dataclass, field"}
