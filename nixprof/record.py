"""Frozen data: what `dataclass(frozen=True, slots=True)` makes, to those who read the code and to mypy.

It is made without `dataclasses`: to load that takes almost as long as Python takes to start, and it generates code for
each class. These methods are the same for all of them.
"""

from __future__ import annotations

from itertools import repeat
from operator import attrgetter, call
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from dataclasses import field, replace
else:

    def field(*, default_factory: Callable[[], object], hash: bool = True) -> _Field:  # noqa: A002 - as dataclasses has it
        """Say what a field is where none is given, and whether the hash is made of it."""
        return _Field(default_factory, hash)

    def replace(one: Any, /, **changes: object) -> Any:
        """Give a record with other values for some of its fields."""
        return type(one)(**{**values_of(one), **changes})


__all__ = ["field", "is_record", "record", "replace", "usual_of", "values_of"]
T = TypeVar("T")


class _Field:
    """What `field` gives: how the value of a field is made where none is given."""

    def __init__(self, make: Callable[[], object], is_hashed: bool) -> None:  # noqa: FBT001
        self.make = make
        self.is_hashed = is_hashed


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make a class of frozen data, with slots, of one that names its fields with their types."""
    names = tuple(cls.__annotations__)
    body = dict(cls.__dict__)
    usual = {name: body.pop(name) for name in names if name in body}
    unhashed = {name for name, value in usual.items() if isinstance(value, _Field) and not value.is_hashed}
    hashed = _getter([name for name in names if name not in unhashed])
    for own in ("__dict__", "__weakref__"):
        body.pop(own, None)
    made: Any = type(cls.__name__, cls.__bases__, {**body, "__slots__": names, "__match_args__": names})
    setters = [getattr(made, name).__set__ for name in names]
    values = _getter(names)

    def init(self: object, *given: object, **named: object) -> None:
        if named or len(given) != len(names):
            given = _completed(made, given, named)
        any(map(call, setters, repeat(self), given))  # none of them returns anything; a loop in Python takes longer

    def equals(self: object, other: object) -> bool:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    made.__qualname__ = cls.__qualname__
    made.__usual__ = usual
    made.__init__ = init
    made.__eq__ = equals
    made.__hash__ = lambda self: hash(hashed(self))
    made.__repr__ = _repr
    made.__setattr__ = made.__delattr__ = _refuse
    return made  # type: ignore[no-any-return]


def values_of(one: Any) -> dict[str, Any]:
    """Give the values of a record by the names of its fields."""
    return {name: getattr(one, name) for name in one.__match_args__}


def usual_of(one: Any) -> dict[str, Any]:
    """Give what the fields of a record, or of a class of them, are where none are given; without those that must be."""
    return {name: value.make() if isinstance(value, _Field) else value for name, value in one.__usual__.items()}


def is_record(value: object) -> bool:
    """Tell whether something is a record."""
    return type(value).__setattr__ is _refuse


def _getter(names: Sequence[str]) -> Callable[[object], object]:
    return attrgetter(*names) if names else lambda _: ()


def _completed(made: Any, given: Sequence[object], named: Mapping[str, object]) -> tuple[object, ...]:
    """Put the values of a record in order, with the usual ones where none are given."""
    names = made.__match_args__
    found = {**dict(zip(names, given, strict=False)), **named}
    if len(found) < len(names):
        found = usual_of(made) | found
    if found.keys() != set(names) or len(given) + len(named) > len(names):
        raise TypeError(f"{made.__name__} is made of {', '.join(names)}, and was given {given} and {named}")
    return tuple([found[name] for name in names])


def _repr(self: Any) -> str:
    parts = (f"{name}={value!r}" for name, value in values_of(self).items())
    return f"{type(self).__qualname__}({', '.join(parts)})"


def _refuse(self: object, name: str, *_: object) -> NoReturn:
    raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")
