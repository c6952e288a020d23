"""What Nix does, and what that looks like: calm and true with however much there is to tell."""

import json
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from nixprof.nix.activity import Activities
from nixprof.output.live import MAX_LINES, Live
from nixprof.output.progress import so_far

PATH = "/nix/store/00000000000000000000000000000000"


def tell(activities: Activities, action: str, number: int, **rest: Any) -> None:
    activities.feed("@nix " + json.dumps({"action": action, "id": number, **rest}))


def download(activities: Activities, number: int, done: int, expected: int) -> None:
    tell(activities, "start", 2 * number, type=108, fields=[f"{PATH}-package{number}-1.0", "https://cache.example"])
    tell(activities, "start", 2 * number + 1, type=101, fields=[f"https://cache.example/nar/{number}.nar"])
    tell(activities, "result", 2 * number + 1, type=105, fields=[done, expected, 0, 0])


def drawn(activities: Activities, width: int, *, seconds: float = 5) -> list[str]:
    """The lines of the display of a step that has run for some seconds."""
    live = Live(lambda: ("fetching 300 packages", 0, activities), colours=False, clock=lambda: seconds)
    live.terminal.width = width
    return lines_of(live)


def lines_of(live: Live) -> list[str]:
    lines = live.terminal.render_lines(live.draw(), pad=False)
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_much_of_everything_stays_within_five_lines(width: int) -> None:
    activities = Activities()
    for number in range(300):
        download(activities, number, 1000 * number, 1_000_000)
    for number in range(40):
        tell(activities, "start", 1000 + number, type=105, fields=[f"{PATH}-{'long' * 30}{number}.drv", "", 1, 1])
        tell(activities, "result", 1000 + number, type=104, fields=["buildPhase"])
    lines = drawn(activities, width)
    assert len(lines) <= MAX_LINES
    assert all(0 < len(line) < width for line in lines)


def test_a_download() -> None:
    activities = Activities()
    tell(activities, "start", 9999, type=103)
    tell(activities, "result", 9999, type=105, fields=[17, 50, 16, 0])
    tell(activities, "start", 9998, type=102)
    tell(activities, "result", 9998, type=106, fields=[101, 6 << 20])
    download(activities, 1, 3 << 19, 4 << 20)
    assert activities.downloaded_bytes == (3 << 19, 6 << 20)
    now = 1.0
    live = Live(lambda: ("fetching 300 packages", 0, activities), colours=False, clock=lambda: now)
    live.terminal.width = 80
    assert "left" not in lines_of(live)[1]  # too early to tell
    now = 4.0
    tell(activities, "result", 3, type=105, fields=[6 << 19, 4 << 20, 0, 0])
    head, line = lines_of(live)
    assert head[2:] == "fetching 300 packages · 17 of 50 paths"
    assert line.startswith("downloading  ━━━━━")
    assert "3.0/6.0 MiB" in line
    assert "512.0 KiB/s" in line
    assert "6 s left" in line
    assert so_far("fetching x", activities, 3) == "fetching x: 3.0/6.0 MiB, 1.0 MiB/s"


def test_what_goes_to_a_cache_is_no_download() -> None:
    activities = Activities()
    tell(activities, "start", 1, type=103, text="copying 5 paths")
    tell(activities, "result", 1, type=105, fields=[2, 5, 1, 0])
    tell(activities, "result", 1, type=106, fields=[100, 6 << 20])
    path = [f"{PATH}-hello-2.12.1", "local", "http://cache"]
    tell(activities, "start", 2, type=100, fields=path, text=f"copying path '{path[0]}' to 'http://cache'")
    tell(activities, "result", 2, type=105, fields=[3 << 20, 4 << 20, 0, 0])
    for number, verb, file in ((3, "uploading", "nar/1.nar.xz"), (4, "uploading", "1.narinfo")):
        url = f"http://cache/{file}"
        tell(activities, "start", number, type=101, fields=[url], text=f"{verb} '{url}'")
        tell(activities, "result", number, type=105, fields=[500, 500, 0, 0])
    assert (activities.downloaded_bytes, activities.fetching) == ((0, 0), {})
    _, line = drawn(activities, 80)
    assert line.startswith("copying      ━━━━━")
    assert "3.0/6.0 MiB" in line
    assert so_far("pushing 5 paths", activities, 3) == "pushing 5 paths: 3.0/6.0 MiB"


# As Nix writes it for a build on the machine that `builders = ssh://builder` names.
BUILDS_ON = """\
@nix {"action":"start","fields":["/nix/store/zdg9allg57b35qld73civaj5dmw8qhk0-hello-2.12.1.drv","ssh://builder",1,1],\
"id":27410481283077,"level":3,"text":"building '/nix/store/zdg9allg57b35qld73civaj5dmw8qhk0-hello-2.12.1.drv' on \
'ssh://builder'","type":105}"""


def test_a_build_on_another_machine_names_it() -> None:
    activities = Activities()
    activities.feed(BUILDS_ON)
    tell(activities, "start", 3, type=0, text="copying dependencies to 'ssh://builder'")
    tell(activities, "start", 4, type=0, text="copying outputs from 'ssh://builder'")
    assert so_far("building", activities, 3) == "building: building hello-2.12.1 on builder"
    tell(activities, "stop", 27410481283077)
    tell(activities, "start", 1, type=105, fields=[f"{PATH}-hello-2.12.1.drv", "ssh-ng://nix@build\x1b[1mer", 1, 1])
    tell(activities, "result", 1, type=104, fields=["buildPhase"])
    tell(activities, "start", 2, type=105, fields=[f"{PATH}-jq-1.8.1.drv", "", 1, 1])
    assert [line.partition("  (")[0] for line in drawn(activities, 80)[1:]] == [
        "building     hello-2.12.1 on nix@builder",
        "             jq-1.8.1",
    ]
    assert so_far("building", activities, 3) == "building: building hello-2.12.1 on nix@builder, jq-1.8.1"


def test_what_a_cache_says_of_packages_is_no_package() -> None:
    activities = Activities()
    tell(activities, "start", 1, type=101, fields=["https://cache.example/00000.narinfo"])
    tell(activities, "result", 1, type=105, fields=[500, 500, 0, 0])
    assert activities.downloaded_bytes == (0, 0)
    assert activities.fetching == {}


def test_an_input() -> None:
    activities = Activities()
    tell(activities, "start", 1, type=101, fields=["https://example.org/nixpkgs.tar.gz"])
    tell(activities, "result", 1, type=105, fields=[2_500_000, 0, 0, 0])
    assert drawn(activities, 80)[1] == "fetching     https://example.org/nixpkgs.tar.gz  2.4 MiB"
    tell(activities, "start", 2, type=0, text="fetching Git repository 'https://example.org/x.git'")
    tell(activities, "stop", 1)
    assert drawn(activities, 80)[1] == "fetching     https://example.org/x.git"


def test_unpacking() -> None:
    activities = Activities()
    download(activities, 1, 1000, 1000)
    tell(activities, "start", 77, type=100, fields=[f"{PATH}-x", "", ""])
    tell(activities, "result", 77, type=105, fields=[1 << 20, 4 << 20, 0, 0])
    assert drawn(activities, 80)[1].startswith("unpacking    ━━━━━━━━  ")
    assert "1.0/4.0 MiB" in drawn(activities, 80)[1]


@pytest.mark.parametrize("line", ["@nix", "@nix {", "@nix 7", '@nix {"action":"start"}', '@nix {"action":"x","id":1}'])
def test_nonsense_is_passed_over(line: str) -> None:
    activities = Activities()
    activities.feed(line)
    assert drawn(activities, 80) == ["⠋ fetching 300 packages"]


def test_sums_are_right_however_often_each_download_tells_how_far_it_is() -> None:
    activities = Activities()
    for done in (0, 10, 700, 1000):
        for number in range(50):
            if done == 0:
                download(activities, number, 0, 1000)
            tell(activities, "result", 2 * number + 1, type=105, fields=[done + number, 1000 + number, 0, 0])
    assert activities.downloaded_bytes == (sum(1000 + number for number in range(50)),) * 2


def operations(does: Callable[[], object]) -> int:
    """How many operations of Python's something takes."""
    number = 0

    def count(frame: FrameType, event: str, _: object) -> Any:
        nonlocal number
        frame.f_trace_opcodes = True
        number += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        does()
    finally:
        sys.settrace(before)
    return number


def test_a_line_costs_the_same_however_many_downloads_there_are() -> None:
    def cost(downloads: int) -> int:
        activities = Activities()
        for number in range(downloads):
            download(activities, number, 1, 1000)
            tell(activities, "result", 2 * number, type=106, fields=[101, 5000])
            tell(activities, "start", 100_000 + number, type=101, fields=[f"https://example.org/{number}.tar.gz"])
            tell(activities, "result", 100_000 + number, type=105, fields=[7, 0, 0, 0])

        def line_and_frame() -> None:
            tell(activities, "result", 3, type=105, fields=[17, 1000, 0, 0])
            assert activities.downloaded_bytes == (downloads + 16, 5000 * downloads)
            assert activities.fetched_bytes == 7 * downloads
            assert activities.unpacked_bytes == (0, 0)

        return operations(line_and_frame)

    assert cost(10_000) == cost(10)


def test_what_has_stopped_still_counts() -> None:
    activities = Activities()
    for number in range(100):
        download(activities, number, 1000, 1000)
        tell(activities, "stop", 2 * number)
        tell(activities, "stop", 2 * number + 1)
    assert activities.downloaded_bytes == (100_000, 100_000)
    assert activities.names == {}


def test_builds_are_counted_when_they_are_done() -> None:
    activities = Activities()
    tell(activities, "start", 1, type=104)
    tell(activities, "result", 1, type=105, fields=[0, 3, 0, 0])  # all of which may yet be fetched
    assert drawn(activities, 80) == ["⠋ fetching 300 packages"]
    tell(activities, "result", 1, type=105, fields=[1, 2, 0, 0])
    assert drawn(activities, 80) == ["⠋ fetching 300 packages · 1 built"]


def test_a_folder_of_its_own_is_no_news() -> None:
    activities = Activities()
    tell(activities, "start", 1, type=0, text="copying '/home/x/nixprof-a.nixprof-tmp/flake' to the store")
    assert so_far("resolving 1 package", activities, 5) == "resolving 1 package"
