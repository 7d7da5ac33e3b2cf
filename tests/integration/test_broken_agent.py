"""What answers is no agent, or a broken one: the viewer says what happened, and stays usable."""

import contextlib
import socket
import threading
import unittest

import viewer
from harness import temporary_folder

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HUGE_BYTES = 100 << 20


def answer(body):
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def send_garbage(connection):
    connection.sendall(answer(b'{"schema_version": 1, "targets": [{"name": "\xff\xfe'))


def send_another_version(connection):
    connection.sendall(answer(b'{"schema_version": 99, "time_unix_ns": 1, "agent": {}, "targets": []}'))


def send_a_page(connection):
    connection.sendall(answer(b"<html>not what you look for</html>"))


def send_half(connection):
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")


def send_too_much(connection):
    connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % HUGE_BYTES)
    for _ in range(HUGE_BYTES >> 20):
        connection.sendall(b" " * (1 << 20))


def send_an_error(connection):
    connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 9\r\n\r\nno memory")


class BrokenAgent(threading.Thread):
    """Answers each request by send(connection), or never (send is None); while it lives, address is its own."""

    def __init__(self, send):
        super().__init__(daemon=True)
        self.send = send
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.open = []

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                self.serve(self.listener.accept()[0])

    def serve(self, connection):
        if self.send is None:
            self.open.append(connection)
            return
        # whoever stops listening half-way is right
        with connection, contextlib.suppress(OSError):
            connection.recv(1 << 16)
            self.send(connection)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join(10)
        for connection in self.open:
            connection.close()


class BrokenAgents(unittest.TestCase):
    CASES = {
        "garbage": (send_garbage, "is no agent that this viewer understands"),
        "another version": (send_another_version, "schema_version"),
        "a web page": (send_a_page, "is no agent that this viewer understands"),
        "closed half-way": (send_half, "cannot fetch"),
        "100 MB": (send_too_much, "larger than"),
        "an error": (send_an_error, "HTTP 500 (no memory)"),
        "no answer": (None, "cannot fetch"),
    }

    def test_are_told_and_the_viewer_stays_usable(self):
        # By keys: a click that meets the frame in which the problem appears, a line above the views, lands beside what it was for.
        with viewer.display() as screen, temporary_folder() as folder:
            for name, (send, said) in self.CASES.items():
                with self.subTest(name), BrokenAgent(send) as broken:
                    script = f"""
                        wait connect.address {broken.address}
                        key 2
                        wait tab.pools chosen
                        timeout 60
                        wait connect.problem "{said}"
                        key 7
                        wait tab.health chosen
                    """
                    result = viewer.run(screen, folder, broken.address, script=script)
                    self.assertEqual(0, result.returncode, result.stderr)


if __name__ == "__main__":
    viewer.harness.main()
