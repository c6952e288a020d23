"""The rooms of ARCHITECTURE.md: who may import whom."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "share" / "doc" / "nixprof" / "ARCHITECTURE.md"

# What still points up, and is to go; the test fails as soon as one of these is gone, so that it leaves this list.
UPWARDS: set[str] = set()
IN_CIRCLES: list[str] = []


def modules() -> dict[str, Path]:
    """Every module by its dotted name."""
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in (ROOT / "nixprof").rglob("*.py")}


def imports(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of nixprof that one imports, anywhere in it, for types as well."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("nixprof"):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in known else node.module)
    return {one for one in found if one in known and one != name}


def floors() -> dict[str, int]:
    """The row of the table of rooms that each module is in."""
    table = PAGE.read_text().partition("## The rooms")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    floor_of = {}
    for name in modules():
        path = name.replace(".", "/") + ".py"
        for number, row in enumerate(rows):
            places = re.findall(r"`([\w/.]+)`", row)
            if any(path == f"nixprof/{place}" or path.startswith(f"nixprof/{place}") for place in places):
                floor_of[name] = number
    return floor_of


def test_every_module_is_in_a_room() -> None:
    assert {name for name in modules() if not name.endswith("__init__")} - floors().keys() == set()


def test_dependencies_point_down() -> None:
    known, floor_of = modules(), floors()
    upwards = {
        f"{name} -> {other}"
        for name, path in known.items()
        for other in imports(name, path, known)
        if name in floor_of and other in floor_of and floor_of[other] < floor_of[name]
    }
    assert upwards == UPWARDS


def test_nothing_imports_in_a_circle() -> None:
    known = modules()
    graph = {name: imports(name, path, known) for name, path in known.items()}
    before = 0
    while len(graph) != before:
        before = len(graph)
        used = {other for uses in graph.values() for other in uses}
        graph = {name: uses & graph.keys() for name, uses in graph.items() if uses & graph.keys() and name in used}
    assert sorted(graph) == IN_CIRCLES


def test_the_page_names_every_module_and_no_other() -> None:
    page = PAGE.read_text()
    paths = [path.relative_to(ROOT / "nixprof") for path in modules().values() if not path.name.startswith("__")]
    # Of commands and their output there is one module each.
    named = [path for path in paths if path.parts[0] not in ("commands", "output")]
    assert [str(path) for path in named if f"`{path.name}`" not in page] == []
    known = {path.name for path in paths} | {str(path) for path in paths} | {"cli.py", "__main__.py"}
    tests = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.py")}
    assert [word for word in re.findall(r"`([\w/]+\.py)`", page) if word not in known | tests] == []


Functions = dict[str, ast.FunctionDef]


def functions(file: str) -> Functions:
    """The functions of a module by name, methods as `Class.method`."""
    found: Functions = {}
    for node in ast.parse((ROOT / "nixprof" / file).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{one.name}": one for one in node.body if isinstance(one, ast.FunctionDef)}
    return found


def calls(file: str, name: str) -> set[str]:
    """The names of all that a function calls, by itself or by other functions of its module."""
    there, called, ahead = functions(file), set[str](), [name]
    while ahead:
        for node in ast.walk(there[ahead.pop()]):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                one = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                ahead += [] if one in called else [full for full in there if full.rpartition(".")[2] == one]
                called.add(one)
    return called


@pytest.mark.parametrize("question", ["what `add` does?", "what `freeze` does with an element?"])
def test_what_a_command_does_from_top_to_bottom(question: str) -> None:
    block = PAGE.read_text().partition(question)[2].split("```")[1]
    above: dict[int, tuple[str, str]] = {}
    hops = [re.match(r"( *)(\S+\.py) +(\S+)", line) for line in block.strip("\n").splitlines()]
    for hop in hops:
        assert hop
        depth, file, name = len(hop[1]), hop[2], hop[3]
        assert name in functions(file), hop[0]
        if depth:
            assert name.rpartition(".")[2] in calls(*above[depth - 2]), hop[0]
        above[depth] = (file, name)
    assert len(hops) >= 10
