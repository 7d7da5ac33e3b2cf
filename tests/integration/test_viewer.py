"""The viewer as users run it: a real window, a real agent, real load, mouse and keys."""

import collections
import contextlib
import csv
import os
import pathlib
import time
import unittest

import harness
import test_hosted_pools as hosted
import viewer
import x11
from harness import agent, free_port, poolscope, running, target, temporary_folder, wait_for

EVERY_VIEW = ["overview", "pools", "churn", "gc", "compare", "advice", "health"]


class Scenario(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(temporary_folder())
        self.screen = self.enterContext(viewer.display())

    def enterContext(self, context):  # Python 3.11 has one
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    @classmethod
    def enterForClass(cls, context):  # Python 3.11 has one
        value = context.__enter__()
        cls.addClassCleanup(context.__exit__, None, None, None)
        return value

    def run_script(self, source, script, *options, **more):
        result = viewer.run(self.screen, self.folder, source, *options, script=script, **more)
        self.assertEqual(0, result.returncode, result.stderr)
        return viewer.listed(result.stdout)


class OnAGoProgram(Scenario):
    @classmethod
    def setUpClass(cls):
        cls.program = cls.enterForClass(target("go_pools", "-gc-every", "1s"))
        cls.agent = cls.enterForClass(agent("--target", f"pid:{cls.program.pid}"))
        cls.agent.wait_for_target(lambda t: any("hit_ratio" in p for p in t.get("pools", [])), 60, "a pool with a hit ratio")

    def test_every_view_is_reached_by_its_key_and_by_its_tab(self):
        picture = self.folder / "view.png"
        script = "wait connect.status live\nwait time.range UTC\n"
        for number, view in enumerate(EVERY_VIEW, start=1):
            script += f"key {number}\nwait tab.{view} chosen\nkey 1\nwait tab.overview chosen\n"
            script += f"click tab.{view}\nwait tab.{view} chosen\n"
        self.run_script(self.agent.url, script + f"screenshot {picture}\n")
        width, height, rows = viewer.read_png(picture)
        self.assertEqual((1280, 800), (width, height))
        self.assertGreater(len(viewer.colours(rows)), 20, "text and frames have many shades")

    def test_several_look_at_one_agent(self):
        script = self.folder / "watch.script"
        script.write_text("timeout 60\nwait connect.status live\nwait overview.target.go_pools\npause 3\nassert connect.status live\n")
        with contextlib.ExitStack() as stack:
            windows = [stack.enter_context(viewer.started(self.screen, self.folder, self.agent.url, "--script", script)) for _ in range(3)]
            for window in windows:
                self.assertEqual(0, window.wait(60), window.errors())

    def test_a_pool_is_clicked_searched_and_tried_with_other_limits(self):
        listed = self.run_script(self.agent.url, """
            wait overview.pools.row.go_pools.main.jsonBufferPool
            click overview.pools.row.go_pools.main.jsonBufferPool
            wait pools.name main.jsonBufferPool
            key /
            wait pools.search _
            type json
            gone pools.row.go_pools.main.pointerPool
            wait pools.needed.buffer_bytes
            list pools.what_if
            drag pools.needed.buffer_bytes -900 0
            list pools.what_if
        """)
        self.assertIn("gets that must grow", listed["pools.what_if"])
        self.assertNotIn("gets that must grow 0 %;", listed["pools.what_if"], "with less than most needed")

    def test_a_range_of_the_past_is_estimated_and_followed_again(self):
        self.agent.wait_for_target(lambda t: t["cost"].get("observed_seconds", 0) > 25, 60, "half a minute of records")
        self.run_script(self.agent.url, """
            wait connect.status live
            pause 3
            drag time.strip -200 0
            wait time.follow Follow
            wait time.note "estimated from"
            key Space
            wait time.follow Pause
        """)

    def test_it_says_that_the_agent_is_gone_and_goes_on_when_it_is_back(self):
        port = free_port()
        address = f"127.0.0.1:{port}"
        arguments = [harness.POOLSCOPE, "agent", "--web.listen-address", address, "--target", f"pid:{self.program.pid}"]
        script = self.folder / "lost.script"
        script.write_text("""
            timeout 60
            wait connect.status live
            screenshot first.png
            wait connect.status "no answer"
            assert connect.problem "Connection refused"
            screenshot second.png
            wait connect.status live
        """.replace("screenshot ", f"screenshot {self.folder}/"))
        with running(arguments) as first, viewer.started(self.screen, self.folder, address, "--script", script) as window:
            wait_for((self.folder / "first.png").exists, 60, "the first snapshot in the window")
            first.stop()
            wait_for((self.folder / "second.png").exists, 60, "the window to notice")
            with running(arguments):
                self.assertEqual(0, window.wait(60), window.errors())


class OnTwoPrograms(Scenario):
    """A Go program and one in C++, so that every view has something to show."""

    @classmethod
    def setUpClass(cls):
        cls.go = cls.enterForClass(target("go_pools", "-gc-every", "1s"))
        cls.cpp = cls.enterForClass(target("churn_cpp", "--threads", "2", "--rate", "2000"))
        cls.agent = cls.enterForClass(agent("--target", f"pid:{cls.cpp.pid}", "--target", f"pid:{cls.go.pid}"))
        wait_for(lambda: all(cls.has_data(t) for t in cls.agent.snapshot()["targets"]), 60, "data of both")

    @staticmethod
    def has_data(target):
        return any("hit_ratio" in p for p in target.get("pools", [])) or bool(target.get("call_sites"))

    def test_churn_shows_one_target_and_sorts_its_sites(self):
        self.run_script(self.agent.url, """
            wait connect.status live
            key 3
            wait churn.target churn_cpp
            wait churn.sites.note
            click churn.sites.head.bytes
            wait churn.sites.head.bytes ▼
            click churn.sites.head.bytes
            wait churn.sites.head.bytes ▲
            key .
            wait churn.target go_pools
            click churn.target
            wait churn.target.churn_cpp
            click churn.target.churn_cpp
            wait churn.target churn_cpp
        """)

    def test_gc_begins_with_a_target_that_collects_garbage(self):
        self.run_script(self.agent.url, """
            wait connect.status live
            key 4
            wait gc.target go_pools
            gone gc.absent
            key .
            wait gc.absent
        """)

    def test_compare_keeps_a_base_swaps_and_opens_another(self):
        report = self.folder / "other.json"
        report.write_text(poolscope("report", self.agent.url, "--json").stdout)
        self.run_script(self.agent.url, f"""
            wait connect.status live
            key 5
            wait compare.absent "BASE is missing"
            key b
            wait compare.headline
            key x
            wait compare.swap swapped
            key d
            wait compare.only_differences on
            click compare.address
            type "{report}"
            click compare.open
            wait compare.side.NEW other.json
        """)

    def test_advice_is_chosen_and_told_in_full(self):
        wait_for(lambda: any(t.get("advice") for t in self.agent.snapshot()["targets"]), 60, "advice")
        first = self.run_script(self.agent.url, "wait connect.status live\nkey 6\nwait advice.heading\nlist advice.heading\n")
        second = self.run_script(self.agent.url, "wait connect.status live\nkey 6\nwait advice.heading\nkey Down\npause 0.1\nlist advice.heading\n")
        self.assertNotEqual(first["advice.heading"], second["advice.heading"])

    def test_what_the_agent_measures_is_recorded_and_opened(self):
        self.run_script(self.agent.url, """
            timeout 60
            wait connect.status live
            key r
            wait record.status "recording to"
            wait record.status " s"
            click record.stop
            wait record.status "recorded"
            click record.open
            wait connect.status recording
            wait overview.target.go_pools
            key 0
            wait time.note "all of it"
        """, folder=self.folder)
        self.assertEqual(1, len(list(self.folder.glob("poolscope-*.poolscope"))))

    def test_a_plot_is_saved_as_numbers_and_as_a_picture(self):
        self.run_script(self.agent.url, """
            wait connect.status live
            key 2
            wait pools.hit_ratio
            pause 3
            menu pools.hit_ratio
            wait pools.hit_ratio.menu.csv
            click pools.hit_ratio.menu.csv
            menu pools.hit_ratio
            wait pools.hit_ratio.menu.png
            click pools.hit_ratio.menu.png
            gone pools.hit_ratio.menu.png
            pause 0.2
        """, folder=self.folder)
        [numbers] = self.folder.glob("poolscope-*-pools.hit_ratio.csv")
        head, *rows = list(csv.reader(numbers.open()))
        self.assertEqual(["time", "unix_seconds"], head[:2])
        self.assertTrue(rows and all(0 <= float(row[2]) <= 1 for row in rows), rows)
        [picture] = self.folder.glob("poolscope-*-pools.hit_ratio.png")
        width, height, pixels = viewer.read_png(picture)
        self.assertGreater(width, 200)
        self.assertLess(width, 800)
        self.assertGreater(len(viewer.colours(pixels)), 10)

    def test_agents_on_this_machine_are_found(self):
        address = f"127.0.0.1:{free_port()}"
        with running([harness.POOLSCOPE, "agent", "--web.listen-address", address, "--target", f"pid:{self.go.pid}"]) as other:
            wait_for(lambda: "listening on" in other.errors(), 20, "the other agent")
            def is_opened():
                """Others' agents may come and go here meanwhile: its place in the list may change."""
                listed = self.run_script("", "click connect.history\nwait connect.found.0\nlist connect.found\n")
                [place] = [name for name, said in listed.items() if said == address]
                script = self.folder / "found.script"
                script.write_text(f'click connect.history\nwait {place} "{address}"\nclick {place}\nwait connect.status live\n'
                                  f'assert connect.address "{address}"\n')
                return viewer.run(self.screen, self.folder, "", "--script", script).returncode == 0
            wait_for(is_opened, 120, "the other agent to be opened from the list")

    @staticmethod
    def choose(view, target):
        return f"click {view}.target\nwait {view}.target.{target}\nclick {view}.target.{target}\nwait {view}.target {target}\n"

    def test_pictures_of_every_view(self):
        """Both themes at 1x and 2x. With POOLSCOPE_PICTURES=FOLDER they are kept, to be looked at and for docs/images."""
        kept = os.environ.get("POOLSCOPE_PICTURES")
        folder = pathlib.Path(kept) if kept else self.folder
        folder.mkdir(exist_ok=True)
        seconds = 95 if kept else 20  # the first until advice is given
        wait_for(lambda: all(t["cost"].get("observed_seconds", 0) > seconds for t in self.agent.snapshot()["targets"]), 200, "something to be seen")
        before = {"compare": "key b\nwait compare.headline\n", "churn": self.choose("churn", "churn_cpp"), "gc": self.choose("gc", "go_pools"),
                  "pools": "click pools.row.go_pools.main.jsonBufferPool\nwait pools.name main.jsonBufferPool\n"}
        for scale, size in ((1, "1280x800"), (2, "2560x1600")):
            script, names = "timeout 30\nwait connect.status live\nwait overview.target.go_pools\n" + ("pause 8\n" if kept else ""), []
            for theme in ("dark", "light"):
                for number, view in enumerate(EVERY_VIEW, start=1):
                    names.append(f"{view}-{theme}-{scale}x.png")
                    script += f"key {number}\nwait tab.{view} chosen\n{before.get(view, '')}hover tab.{view}\npause 0.1\nscreenshot {folder}/{names[-1]}\n"
                script += "key t\n"
            self.run_script(self.agent.url, script, "--scale", scale, "--size", size, "--theme", "dark", seconds=150)
            for name in names:
                with self.subTest(name):
                    width, height = viewer.png_size(folder / name)
                    self.assertEqual(size, f"{width}x{height}")
                    self.assertGreater((folder / name).stat().st_size, 20_000, "a window without text is smaller")


class OnAFile(Scenario):
    @classmethod
    def setUpClass(cls):
        with target("cpu_share_load") as load:
            cls.text = poolscope("attach", str(load.pid), "--for", "3s", "--json").stdout

    def setUp(self):
        super().setUp()
        self.report = self.folder / "report.json"
        self.report.write_text(self.text)

    def test_it_uses_no_cpu_while_nothing_happens(self):
        for view in ("overview", "compare"):
            with self.subTest(view), viewer.started(self.screen, self.folder, self.report, "--view", view) as window:
                self.assert_uses_no_cpu(window)

    def assert_uses_no_cpu(self, window):
        def has_settled():
            before = harness.cpu_seconds(window.pid)
            time.sleep(0.5)
            return harness.cpu_seconds(window.pid) == before > 0
        wait_for(has_settled, 30, "the window to be drawn")
        before = harness.cpu_seconds(window.pid)
        time.sleep(3)
        self.assertLessEqual(harness.cpu_seconds(window.pid) - before, 0.01)

    def test_both_themes_are_drawn_at_any_scale(self):
        backgrounds = []
        for theme, scale in (("dark", 1), ("light", 1), ("dark", 2), ("light", 0.75)):
            picture = self.folder / f"{theme}{scale}.png"
            result = viewer.run(self.screen, self.folder, self.report, "--theme", theme, "--scale", scale, "--screenshot", picture)
            self.assertEqual(0, result.returncode, result.stderr)
            counts = viewer.colours(viewer.read_png(picture)[2])
            backgrounds.append(max(counts, key=counts.get))
        self.assertEqual(backgrounds[0], backgrounds[2])
        self.assertLess(sum(backgrounds[0]), 150)
        self.assertGreater(sum(backgrounds[1]), 600)

    def test_it_remembers_what_was_opened(self):
        with viewer.started(self.screen, self.folder, self.report, "--theme", "light"):
            wait_for(lambda: viewer.settings(self.folder)["addresses"] == [str(self.report)], 30, "the settings")
        self.assertEqual("light", viewer.settings(self.folder)["theme"])
        self.run_script("127.0.0.1:1", "click connect.history\nwait connect.history.1 report.json\nclick connect.history.1\n"
                                       "wait connect.status recording")

    def test_files_that_are_dropped_on_it_are_opened(self):
        named = self.folder / "report of Müller & co, 100 %.json"
        named.write_text(self.text)
        with viewer.started(self.screen, self.folder, self.report) as window, x11.window_named(self.screen, "poolscope") as shown:
            for path in (named, self.report):
                with self.subTest(path.name):
                    self.assertTrue(shown.drop([path]))
                    wait_for(lambda: viewer.settings(self.folder)["addresses"][0] == str(path), 30, "it to be opened")
            self.assertTrue(shown.drop([]), "nothing was dropped, and nothing happens")
            self.assertTrue(shown.drop([self.folder / "nothing here"]))
            wait_for(lambda: viewer.settings(self.folder)["addresses"][0].endswith("nothing here"), 30, "it to be tried")
            shown.close()
            self.assertEqual(0, window.wait(30), window.errors())

    def test_it_looks_as_it_was_left(self):
        with viewer.started(self.screen, self.folder, self.report) as window, x11.window_named(self.screen, "poolscope") as shown:
            for key, kept in (("2", lambda layout: layout["view"] == "pools"),
                              ("3", lambda layout: layout["view"] == "churn"),
                              ("o", lambda layout: layout["orders"]["churn.sites"]["column"]),
                              ("braceright", lambda layout: layout["left_shares"]["churn"] > 0.5)):
                shown.key(key)
                wait_for(lambda: kept(self.layout()), 30, f"what {key} does to be kept")
            shown.close()
            self.assertEqual(0, window.wait(30), window.errors())
        column = self.layout()["orders"]["churn.sites"]["column"]
        share = round(100 * self.layout()["left_shares"]["churn"])
        before = viewer.settings(self.folder)
        self.run_script(self.report, f'wait tab.churn chosen\nwait "churn.sites.head.{column}" ▲\nassert churn.split "{share} %"')
        self.assertEqual(before, viewer.settings(self.folder), "a script leaves it as it is")

    def layout(self):
        return collections.defaultdict(dict, viewer.settings(self.folder).get("layout", {}))

    def test_it_starts_with_damaged_settings(self):
        config = self.folder / "poolscope" / "viewer.json"
        config.parent.mkdir()
        for damaged in ("{]", "[]", '{"theme": 7, "scale": "x", "width": -1, "addresses": {}}', '{"theme": "pink", "scale": 1e30, "addresses": [1]}',
                        '{"layout": 1}', '{"layout": {"view": "no such view", "left_shares": {"pools": 1e9, "churn": "x"}, "orders": {"churn.sites": {"column": 1}}}}'):
            with self.subTest(damaged):
                config.write_text(damaged)
                self.run_script(self.report, "wait connect.status recording")


class WhatIsWrong(Scenario):
    def test_is_said_in_the_window_and_by_the_exit_code(self):
        picture = self.folder / "wrong.png"
        result = viewer.run(self.screen, self.folder, f"127.0.0.1:{free_port()}", "--screenshot", picture)
        self.assertEqual(1, result.returncode)
        self.assertIn("Connection refused; is `poolscope agent` running there?", result.stderr)
        self.assertTrue(picture.exists())

    def test_of_the_command_line_is_a_usage_error(self):
        self.assertEqual(2, viewer.run(self.screen, self.folder, "--theme", "pink").returncode)

    def test_without_a_display_says_what_to_do(self):
        result = viewer.run("", self.folder, "x")
        self.assertEqual(1, result.returncode)
        self.assertIn("xvfb-run", result.stderr)

    def test_in_a_script_names_its_line(self):
        script = self.folder / "bad.script"
        script.write_text("\njump\n")
        result = viewer.run(self.screen, self.folder, "--script", script)
        self.assertEqual(1, result.returncode)
        self.assertIn("line 2: there is no command jump", result.stderr)


class OnAHostedPool(Scenario):
    def test_who_has_the_token_changes_it_after_a_question(self):
        host = hosted.Host(self.folder)
        with hosted.agent_with_host(host) as watcher, hosted.service(host, hold=10):
            watcher.wait_for_target(lambda t: any(p["name"] == "frames" for p in t.get("pools", [])), 40, "the hosted pool")
            name = watcher.target()["name"]
            self.run_script(watcher.url, f"""
                wait "overview.pools.row.{name}.frames"
                click "overview.pools.row.{name}.frames"
                wait pools.resize.apply Apply
                click pools.resize.more
                click pools.resize.apply
                wait pools.resize.confirm "from 16 to 17 buffers"
                click pools.resize.confirm
                wait change.answer done
            """, "--token-file", self.folder / "token")
            self.assertEqual(17, host.frames()["limit_buffers"])


if __name__ == "__main__":
    harness.main()
