"""GitHub as it answers when it does not give what was asked for: behind a proxy on loopback, with a certificate."""

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path


class GitHub:
    """A server that gives one answer to everything.

    Set `status` and `body`; `environment` makes Nix take it for api.github.com.
    """

    def __init__(self, folder: Path) -> None:
        self.status = "200 OK"
        self.body = "{}"
        self._certificate, self._key = folder / "github.pem", folder / "github.key"
        names = "subjectAltName=DNS:api.github.com,DNS:github.com"
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=api.github.com"]
        files = ["-keyout", str(self._key), "-out", str(self._certificate)]
        subprocess.run([*request, *files, "-days", "36500", "-addext", names], check=True, capture_output=True)
        self._port = 0

    @property
    def environment(self) -> dict[str, str]:
        return {"https_proxy": f"http://127.0.0.1:{self._port}", "NIX_SSL_CERT_FILE": str(self._certificate)}

    @contextlib.contextmanager
    def serve(self) -> Iterator[None]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key)
        with socket.create_server(("127.0.0.1", 0)) as server:
            self._port = server.getsockname()[1]
            thread = threading.Thread(target=self._accept, args=(server, context), daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown(socket.SHUT_RDWR)
                thread.join()

    def _accept(self, server: socket.socket, context: ssl.SSLContext) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                connection.recv(65536)  # CONNECT api.github.com:443
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                with context.wrap_socket(connection, server_side=True) as secure:
                    secure.recv(65536)
                    head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n\r\n"
                    secure.sendall((head + self.body).encode())
