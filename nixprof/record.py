"""Frozen data: what `dataclass(frozen=True, slots=True)` makes, without the code that it generates for each class.

To generate it takes more than a millisecond a class, at every start. These methods are the same for all of them.
"""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make a frozen dataclass with slots of a class; `fields`, `replace` and `asdict` know it as one."""
    cls.__doc__ = cls.__doc__ or cls.__name__  # without one, `dataclass` works out a signature, which takes long
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    names = made.__match_args__
    setters = [getattr(made, name).__set__ for name in names]
    values = _getter(names)
    hashed = _getter([each.name for each in fields(made) if each.hash is not False])

    def init(self: object, *given: object, **named: object) -> None:
        if named or len(given) != len(names):
            given = _completed(made, given, named)
        for put, value in zip(setters, given, strict=True):
            put(self, value)

    def equals(self: object, other: object) -> bool:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    made.__init__ = init
    made.__eq__ = equals
    made.__hash__ = lambda self: hash(hashed(self))
    made.__repr__ = _repr
    made.__setattr__ = made.__delattr__ = _refuse
    return made  # type: ignore[no-any-return]


def _getter(names: Sequence[str]) -> Callable[[object], object]:
    return attrgetter(*names) if names else lambda _: ()


def _completed(made: Any, given: Sequence[object], named: Mapping[str, object]) -> tuple[object, ...]:
    """Put the values of a record in order, with the usual ones where none are given."""
    names = made.__match_args__
    found = {**dict(zip(names, given, strict=False)), **named}
    if len(found) < len(names):
        found = _usual(made) | found
    if found.keys() != made.__dataclass_fields__.keys() or len(given) + len(named) > len(names):
        raise TypeError(f"{made.__name__} is made of {', '.join(names)}, and was given {given} and {named}")
    return tuple([found[name] for name in names])


def _usual(made: Any) -> dict[str, object]:
    return {
        each.name: each.default if each.default_factory is MISSING else each.default_factory()
        for each in fields(made)
        if each.default is not MISSING or each.default_factory is not MISSING
    }


def _repr(self: Any) -> str:
    parts = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self))
    return f"{type(self).__qualname__}({', '.join(parts)})"


def _refuse(self: object, name: str, *_: object) -> NoReturn:
    raise FrozenInstanceError(f"{type(self).__name__}.{name} cannot be changed")
