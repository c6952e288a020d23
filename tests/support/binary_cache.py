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
    `bytes_per_second`, and `failure`: a function from path to an HTTP status to answer with, or None.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: Counter[str] = Counter()
        self.bytes_sent: Counter[str] = Counter()
        self.bytes_per_second: int | None = None
        self.failure: Callable[[str], int | None] = lambda _: None
        self.url = ""
        self.public_key = ""
        self._key_file = folder.parent / f"{folder.name}.key"

    def push(self, world: World, *paths: str | Path) -> None:
        """Copies store paths with all that they need from a world's store, signed."""
        if not self.public_key:
            self._key_file.write_text(world.nix("key", "generate-secret", "--key-name", "tests-1").stdout)
            self.public_key = world.command(
                "nix", "--extra-experimental-features", "nix-command", "key", "convert-secret-to-public",
                input=self._key_file.read_text(),
            ).stdout.strip()  # fmt: skip
        destination = f"file://{self.folder}?compression=none&secret-key={self._key_file}"
        world.nix("copy", "--to", destination, *paths)

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
        with ThreadingHTTPServer(("127.0.0.1", 0), self._handler()) as server:
            server.daemon_threads = True
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        cache = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self._answer(with_body=False)

            def do_GET(self) -> None:
                self._answer(with_body=True)

            def _answer(self, *, with_body: bool) -> None:
                cache.requests[self.path] += 1
                failure = cache.failure(self.path)
                file = cache.folder / self.path.lstrip("/")
                if failure is not None or not file.is_file():
                    self.send_response(failure or HTTPStatus.NOT_FOUND)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                body = file.read_bytes()
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if with_body:
                    # A client that was killed or gave up has closed the connection.
                    with contextlib.suppress(ConnectionError):
                        self._send(body)

            def _send(self, body: bytes) -> None:
                for start in range(0, len(body), CHUNK_BYTES):
                    chunk = body[start : start + CHUNK_BYTES]
                    self.wfile.write(chunk)
                    cache.bytes_sent[self.path] += len(chunk)
                    if cache.bytes_per_second is not None:
                        self.wfile.flush()
                        time.sleep(len(chunk) / cache.bytes_per_second)

            def log_message(self, *_: object) -> None:
                """Silent: the requests are counted."""

        return Handler
