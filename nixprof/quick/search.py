"""`nixprof search WORDS` where all is there to be searched: the command line takes longer to load than to answer."""

from __future__ import annotations

from nixprof.change.state import State
from nixprof.commands.search import find, indexes_of
from nixprof.console import Console, opened, unwritten
from nixprof.output.search import show
from nixprof.output.shown import context_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nixprof.commands.search import Search
    from nixprof.context import Context


def run(words: list[str]) -> int | None:
    """Show what is found. None where the command line has to be asked: for options, and for whatever fails."""
    if not words or any(not word or word.startswith("-") or "#" in word for word in words):
        return None
    opened()
    try:
        context = context_of(Console(command="search"), {}, ["search", *words])
        found = _found(context, words)
    except Exception:  # noqa: BLE001 - the command line says what is wrong
        return None
    if not found:
        return None
    show(found, context)
    return None if unwritten() else 0


def _found(context: Context, words: list[str]) -> Search | None:
    state = State(context)
    indexes = indexes_of(context, state)
    return find(state, indexes, words) if indexes and indexes.keys() >= state.lock.inputs.keys() > set() else None
