"""A binary cache on loopback: signed, counted, and as slow or broken as a test wants it."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from support.world import World

CHUNK_BYTES = 4096


class BinaryCache:
    """What a cache has, and what was asked of it.

    `requests` and `bytes_sent` are by path, such as "/HASH.narinfo" or "/nar/HASH.nar". A test may set
    `bytes_per_second`, and `failure`: a function from path to an HTTP status to answer with, or None; and
    `refusal`, the status for all that is to be written, which is in `written` otherwise.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: Counter[str] = Counter()
        self.bytes_sent: Counter[str] = Counter()
        self.bytes_per_second: int | None = None
        self.failure: Callable[[str], int | None] = lambda _: None
        self.refusal: int | None = None
        self.written: list[str] = []
        self.url = ""
        self.public_key = ""
        self.key_file = folder.parent / f"{folder.name}.key"

    def push(self, world: World, *paths: str | Path) -> None:
        """Copies store paths with all that they need from a world's store, signed."""
        if not self.public_key:
            self.key_file.write_text(world.nix("key", "generate-secret", "--key-name", "tests-1").stdout)
            self.public_key = world.command(
                "nix", "--extra-experimental-features", "nix-command", "key", "convert-secret-to-public",
                input=self.key_file.read_text(),
            ).stdout.strip()  # fmt: skip
        destination = f"file://{self.folder}?compression=none&secret-key={self.key_file}"
        world.nix("copy", "--to", destination, *paths)

    def have(self, other: "BinaryCache") -> None:
        """Serves what another one has."""
        self.folder, self.public_key, self.key_file = other.folder, other.public_key, other.key_file

    def take(self, path: str, body: bytes) -> int:
        """Takes in a file, as `nix copy` sends it; returns the HTTP status."""
        if self.refusal is not None:
            return self.refusal
        self.written.append(path)
        file = self.folder / path.partition("?")[0].lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        return HTTPStatus.CREATED

    def use_in(self, world: World, *, trust: bool = True) -> None:
        """Makes it the one cache of a world; without `trust`, Nix does not know its key."""
        world.configure(substituters=self.url, trusted_public_keys=self.public_key if trust else "")

    def forget_requests(self) -> None:
        self.requests.clear()
        self.bytes_sent.clear()

    @property
    def downloads(self) -> list[str]:
        """The archives that were fetched."""
        return sorted(path for path in self.requests if path.startswith("/nar/"))

    @contextlib.contextmanager
    def serve(self) -> Iterator[None]:
        with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"cache": self})) as server:
            server.daemon_threads = True
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else the body waits for a client that has to say that it has got the headers.
    disable_nagle_algorithm = True
    cache: BinaryCache

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._begin(self.cache.take(self.path, body), 0)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        self.cache.requests[self.path] += 1
        failure = self.cache.failure(self.path)
        file = self.cache.folder / self.path.partition("?")[0].lstrip("/")
        if failure is not None or not file.is_file():
            self._begin(failure or HTTPStatus.NOT_FOUND, 0)
            return
        body = file.read_bytes()
        self._begin(HTTPStatus.OK, len(body))
        if with_body:
            # A client that was killed or gave up has closed the connection.
            with contextlib.suppress(ConnectionError):
                self._send(body)

    def _begin(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send(self, body: bytes) -> None:
        for start in range(0, len(body), CHUNK_BYTES):
            chunk = body[start : start + CHUNK_BYTES]
            self.wfile.write(chunk)
            self.cache.bytes_sent[self.path] += len(chunk)
            if self.cache.bytes_per_second is not None:
                self.wfile.flush()
                time.sleep(len(chunk) / self.cache.bytes_per_second)

    def log_message(self, *_: object) -> None:
        """Silent: the requests are counted."""
