"""poolscope-viewer in a real window: on a display of its own, driven by scripts, its pictures read."""

import contextlib
import json
import os
import struct
import subprocess
import zlib

import harness
from services import need_program

VIEWER = harness.BUILD_DIR / "bin" / "poolscope-viewer"


@contextlib.contextmanager
def display():
    """Its name: ":99". The server chooses one that is free."""
    reading, writing = os.pipe()
    with harness.running([need_program("Xvfb"), "-displayfd", writing, "-screen", "0", "2600x1700x24", "-nolisten", "tcp"], pass_fds=[writing]):
        os.close(writing)
        with os.fdopen(reading) as number:
            yield ":" + number.readline().strip()


def environment(screen, folder):
    """No settings of whoever runs the tests, and none left behind."""
    return os.environ | {"DISPLAY": screen, "XDG_CONFIG_HOME": str(folder), "LIBGL_ALWAYS_SOFTWARE": "1"}


@contextlib.contextmanager
def started(screen, folder, *arguments):
    with harness.running([VIEWER, *arguments], folder=folder, env=environment(screen, folder)) as viewer:
        yield viewer


def run(screen, settings_folder, *arguments, script=None, seconds=90, folder=None):
    """Runs it to its end, in `folder`."""
    if script is not None:
        file = settings_folder / "viewer.script"
        file.write_text(script)
        arguments = [*arguments, "--script", file]
    return subprocess.run([str(VIEWER), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
                          cwd=folder, env=environment(screen, settings_folder))


def listed(output):
    """What `list PREFIX` of a script printed: name to text, the last one of each."""
    return dict(line.split("\t", 1) for line in output.splitlines() if "\t" in line)


def settings(folder):
    return json.loads((folder / "poolscope" / "viewer.json").read_text())


# --- pictures ----------------------------------------------------------------------------------------------------------

def png_size(path):
    return struct.unpack(">II", path.read_bytes()[16:24])


def read_png(path):
    """Width, height and rows of RGBA bytes of what the viewer writes (8 bits, not interlaced)."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
    width = height = 0
    packed, at = b"", 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (8, 6), "not RGBA"
        if kind == b"IDAT":
            packed += body
        at += 12 + length
    return width, height, _unfiltered(zlib.decompress(packed), width * 4, height)


def _unfiltered(raw, stride, height):
    rows, before = [], bytearray(stride)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride):
            left = row[x - 4] if x >= 4 else 0
            up = before[x]
            corner = before[x - 4] if x >= 4 else 0
            row[x] = (row[x] + _predicted(kind, left, up, corner)) & 255
        rows.append(bytes(row))
        before = row
    return rows


def _predicted(kind, left, up, corner):
    if kind == 4:
        distances = [abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)]
        return (left, up, corner)[distances.index(min(distances))]
    return (0, left, up, (left + up) // 2)[kind]


def colours(rows, from_y=0, to_y=None):
    """How often each colour is there."""
    counts = {}
    for row in rows[from_y:to_y]:
        for x in range(0, len(row), 4):
            counts[row[x:x + 3]] = counts.get(row[x:x + 3], 0) + 1
    return counts
