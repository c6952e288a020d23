"""Frozen data: what `dataclass(frozen=True, slots=True)` makes, without the code that it generates for each class.

To generate it takes more than a millisecond a class, at every start. These methods are the same for all of them.
"""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make a frozen dataclass with slots of a class; `fields`, `replace` and `asdict` know it as one."""
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    made.__init__ = _init
    made.__repr__ = _repr
    made.__eq__ = _eq
    made.__hash__ = _hash
    made.__setattr__ = made.__delattr__ = _refuse
    return made  # type: ignore[no-any-return]


def _init(self: Any, *values: object, **named: object) -> None:
    names = self.__match_args__
    given = dict(zip(names, values, strict=False)) | named
    if len(given) < len(names):
        given = _defaults(self) | given
    if given.keys() != self.__dataclass_fields__.keys():
        raise TypeError(f"{type(self).__name__} needs {', '.join(names)}, and was given {', '.join(given)}")
    for name in names:
        object.__setattr__(self, name, given[name])


def _defaults(one: Any) -> dict[str, object]:
    return {
        each.name: each.default if each.default_factory is MISSING else each.default_factory()
        for each in fields(one)
        if each.default is not MISSING or each.default_factory is not MISSING
    }


def _values(one: Any) -> tuple[object, ...]:
    return tuple([getattr(one, name) for name in one.__match_args__])


def _repr(self: object) -> str:
    values = zip(fields(self), _values(self), strict=True)  # type: ignore[arg-type]
    return f"{type(self).__qualname__}({', '.join(f'{each.name}={value!r}' for each, value in values)})"


def _eq(self: object, other: object) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: object) -> int:
    return hash(tuple([getattr(self, each.name) for each in fields(self) if each.hash is not False]))  # type: ignore[arg-type]


def _refuse(self: object, name: str, *_: object) -> NoReturn:
    raise FrozenInstanceError(f"{type(self).__name__}.{name} cannot be changed")
