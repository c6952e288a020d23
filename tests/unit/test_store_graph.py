"""Who needs what in the store: counted in one pass, and beside it by going without each package."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from nixprof.nix.store_graph import StoreGraph, chain

MOST = 12


@st.composite
def graphs(draw: st.DrawFn) -> StoreGraph:
    """Paths that refer to others further on, as no circles are in a store."""
    names = [f"p{number}" for number in range(draw(st.integers(1, MOST)))]
    references = {
        name: tuple(draw(st.lists(st.sampled_from(names[number + 1 :]), unique=True))) if names[number + 1 :] else ()
        for number, name in enumerate(names)
    }
    return StoreGraph({name: draw(st.integers(0, 9)) for name in names}, references, {})


def some_of(graph: StoreGraph) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(sorted(graph.sizes)), unique=True)


@given(st.data())
def test_own_and_shared_is_the_closure(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    roots = data.draw(st.lists(some_of(graph), max_size=5))
    users = graph.needed_by(roots)
    whole = graph.closure(path for some in roots for path in some)
    assert {path for path in users if users[path]} == whole
    for number, some in enumerate(roots):
        assert {path for path in users if users[path] >> number & 1} == graph.closure(some)
        without = graph.closure(path for other, paths in enumerate(roots) if other != number for path in paths)
        assert {path for path in users if users[path] == 1 << number} == whole - without


@given(st.data())
def test_a_chain_is_the_shortest(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    goal = data.draw(st.sampled_from(sorted(graph.sizes)))
    next_step = graph.ways_to(goal)
    assert {path for path in graph.sizes if goal in graph.closure([path])} == next_step.keys()
    for start in next_step:
        way = chain(start, next_step)
        assert (way[0], way[-1]) == (start, goal)
        assert all(after in graph.references[before] for before, after in itertools.pairwise(way))
        reach = {start}
        for _ in way[1:-1]:
            reach |= {to for path in reach for to in graph.references[path]}
        assert len(way) == 1 or goal not in reach


def test_what_refers_to_itself_is_read() -> None:
    told = {"a": {"narSize": 3, "references": ["a", "b"], "deriver": None}, "b": {"narSize": 4, "references": []}}
    graph = StoreGraph.parse(told, ["a"])
    assert graph.references == {"a": ("b",), "b": ()}
    assert graph.size(graph.closure(["a"])) == 7
