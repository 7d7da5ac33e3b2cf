"""What other programs and people do to a window: keys, closing it, files that are dropped on it. Works on X11 as they do, beside the window's own code."""

import contextlib
import select
import sys
import time
import urllib.parse

import harness

sys.path.append("/usr/lib/python3/dist-packages")  # where Debian's python3-xlib is, whichever Python runs

from Xlib import X, XK, display
from Xlib.protocol import event

XDND_VERSION = 5


@contextlib.contextmanager
def window_named(screen, name):
    """A Window of that title on that display, when it is there."""
    connection = display.Display(screen)
    try:
        root = connection.screen().root
        found = harness.wait_for(lambda: next((w for w in root.query_tree().children if w.get_wm_name() == name), None), 30, f"the window {name}")
        yield Window(connection, root, found)
    finally:
        connection.close()


class Window:
    def __init__(self, connection, root, window):
        self.connection, self.root, self.window = connection, root, window

    def atom(self, name):
        return self.connection.intern_atom(name)

    def key(self, name):
        """Pressed and released: "2", "Return"."""
        keysym = XK.string_to_keysym(name)
        code, shift = next(iter(self.connection.keysym_to_keycodes(keysym)))
        for kind in (event.KeyPress, event.KeyRelease):
            self.window.send_event(kind(time=X.CurrentTime, root=self.root, window=self.window, same_screen=1, child=X.NONE, root_x=0, root_y=0,
                                        event_x=0, event_y=0, state=X.ShiftMask if shift else 0, detail=code))
        self.connection.flush()

    def close(self):
        """As the button in its frame does."""
        self.send("WM_PROTOCOLS", [self.atom("WM_DELETE_WINDOW"), X.CurrentTime, 0, 0, 0])

    def send(self, kind, data):
        self.window.send_event(event.ClientMessage(window=self.window, client_type=self.atom(kind), data=(32, data)))
        self.connection.flush()

    def drop(self, paths, seconds=20):
        """Drags files over it and lets go: XDND, https://www.freedesktop.org/wiki/Specifications/XDND. Whether it took them."""
        source = self.root.create_window(0, 0, 1, 1, 0, self.connection.screen().root_depth)
        source.set_selection_owner(self.atom("XdndSelection"), X.CurrentTime)
        self.send("XdndEnter", [source.id, XDND_VERSION << 24, self.atom("text/uri-list"), 0, 0])
        self.send("XdndPosition", [source.id, 0, 100 << 16 | 100, X.CurrentTime, self.atom("XdndActionCopy")])
        accepted = self._answer("XdndStatus", seconds).data[1][1] & 1
        if accepted:
            self.send("XdndDrop", [source.id, 0, X.CurrentTime, 0, 0])
            self._give("".join(f"file://{urllib.parse.quote(str(path))}\r\n" for path in paths), seconds)
            self._answer("XdndFinished", seconds)
        source.destroy()
        return bool(accepted)

    def _give(self, text, seconds):
        asked = self._next(lambda e: e.type == X.SelectionRequest, "it to ask for the files", seconds)
        asked.requestor.change_property(asked.property, asked.target, 8, text.encode())
        asked.requestor.send_event(event.SelectionNotify(time=asked.time, requestor=asked.requestor, selection=asked.selection,
                                                         target=asked.target, property=asked.property))
        self.connection.flush()

    def _answer(self, kind, seconds):
        return self._next(lambda e: e.type == X.ClientMessage and e.client_type == self.atom(kind), kind, seconds)

    def _next(self, is_it, what, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            while self.connection.pending_events():
                came = self.connection.next_event()
                if is_it(came):
                    return came
            select.select([self.connection], [], [], 0.2)
        raise AssertionError(f"waited {seconds} s for {what}")
