"""However long a list is, what Nix is started with fits on a command line."""

from hypothesis import given
from hypothesis import strategies as st

from nixprof.nix import operations as command
from nixprof.nix.download_plan import DownloadPlan


@given(st.lists(st.text(min_size=1, max_size=300), max_size=50), st.integers(1, 2000))
def test_batches_hold_every_word_once_and_fit(words: list[str], limit: int) -> None:
    before, command._MAX_ARGUMENT_BYTES = command._MAX_ARGUMENT_BYTES, limit  # noqa: SLF001
    try:
        batches = list(command._batches(words))  # noqa: SLF001
    finally:
        command._MAX_ARGUMENT_BYTES = before  # noqa: SLF001
    assert [word for batch in batches for word in batch] == words
    assert all(len(batch) == 1 or sum(len(word.encode()) for word in batch) <= limit for batch in batches)
    assert all(batches)


def test_a_mac_takes_twenty_thousand_store_paths() -> None:
    paths = [f"/nix/store/{'0' * 32}-a-package-with-a-rather-long-name-{number}" for number in range(20_000)]
    batches = list(command._batches(paths))  # noqa: SLF001
    assert len(batches) > 1
    assert all(sum(len(path) + 9 for path in batch) <= 1 << 19 for batch in batches)


def test_what_several_questions_found_counts_each_path_once() -> None:
    fetched = "these 2 paths will be fetched (1.5 KiB download, 2 KiB unpacked):\n"
    one = f"this derivation will be built:\n  /x\n{fetched}  /a\n  /b\n"
    assert DownloadPlan.parse(f"{one}{fetched}  /b\n  /c\n") == DownloadPlan(("/a", "/b", "/c"), ("/x",), 3072, 4096)
    assert DownloadPlan.parse("") == DownloadPlan((), (), 0, 0)
