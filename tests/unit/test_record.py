"""What `record` makes is what `dataclass(frozen=True, slots=True)` makes."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, dataclass, field, replace
from typing import Any

import pytest

from nixprof.record import record


def _class(decorate: Callable[[type], Any]) -> Any:
    class Point:
        x: int
        y: int = 2
        names: dict[str, int] = field(default_factory=dict, hash=False)

    return decorate(Point)


MADE = _class(record)
BOTH = pytest.mark.parametrize("made", [MADE, _class(dataclass(frozen=True, slots=True))], ids=["record", "dataclass"])


@BOTH
def test_its_values_make_it_what_it_is(made: Any) -> None:
    one = made(1)
    assert (one.x, one.y, one.names) == (1, 2, {})
    assert one.names is not made(1).names
    assert one == made(x=1, y=2) == made(1, 2, {})
    assert one != made(2)
    assert one != (1, 2, {})
    assert hash(one) == hash(made(1, names={"a": 1}))
    assert replace(one, y=3) == made(1, 3)
    assert asdict(one) == {"x": 1, "y": 2, "names": {}}
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
    with pytest.raises(FrozenInstanceError):
        one.x = 2
    with pytest.raises(FrozenInstanceError):
        del one.x


def test_it_takes_no_other_attribute() -> None:
    with pytest.raises(AttributeError):
        object.__setattr__(MADE(1), "z", 1)
