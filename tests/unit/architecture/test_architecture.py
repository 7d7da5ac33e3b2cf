"""The tree keeps its link rules, and the check of these rules finds what breaks them."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import link_rules

SOURCE_DIR = Path(os.environ.get("POOLSCOPE_SOURCE_DIR") or Path(__file__).resolve().parents[3])


class ThisTree(unittest.TestCase):
    def test_has_files_of_every_floor(self):
        floors = {link_rules.folder_of(f.relative_to(SOURCE_DIR).as_posix()) for f in link_rules.source_files(SOURCE_DIR)}
        self.assertLessEqual({"pools", "exporters", "probes", "agent", "agent/estimate", "ui"}, floors)

    def test_includes_only_what_the_link_rules_allow(self):
        self.assertEqual([], [str(v) for v in link_rules.find_violations(SOURCE_DIR)])

    def test_links_no_libbpf_when_configured_without_bpf(self):
        with tempfile.TemporaryDirectory() as build:
            command = ["cmake", "-S", str(SOURCE_DIR), "-B", build, "-G", "Ninja", "-DPOOLSCOPE_BPF=OFF"]
            result = subprocess.run(command, capture_output=True, text=True, timeout=120)
            self.assertEqual(0, result.returncode, result.stdout + result.stderr)
            ninja = (Path(build) / "build.ninja").read_text(encoding="utf-8")
        self.assertIn("libpoolscope_model.a", ninja)
        self.assertNotRegex(ninja, r"-lbpf\b|libbpf\.(so|a)|/probes/(?!process\b)")


class TheCheck(unittest.TestCase):
    CASES = [
        # file, include line, breaks a rule
        ("pools/pool.h", '#include "exporters/model/record.h"', True),
        ("pools/pool.cc", '#include "poolscope/result.h"', False),
        ("pools/pool.cc", "#include <vector>", False),
        ("exporters/text/report.cc", '#include "exporters/model/snapshot.h"', False),
        ("exporters/text/report.cc", '#include "probes/elf/elf_file.h"', True),
        ("exporters/text/report.cc", '#include "agent/config/config.h"', True),
        ("probes/collectors/bursts.h", '#include "exporters/model/record.h"', False),
        ("probes/collectors/bursts.h", '#include "exporters/text/report.h"', True),
        ("probes/collectors/bursts.h", '#include "agent/budget/budget.h"', True),
        ("probes/attach/link.cc", "#include <bpf/libbpf.h>", False),
        ("agent/cli/main.cc", '#include "probes/collectors/bursts.h"', False),
        ("agent/estimate/rate.cc", '#include "exporters/model/record.h"', False),
        ("agent/estimate/rate.cc", '#include "exporters/text/report.h"', True),
        ("agent/estimate/rate.cc", '#include "probes/process/process.h"', True),
        ("agent/estimate/rate.cc", '#include "agent/config/config.h"', True),
        ("agent/estimate/rate.cc", "#include <bpf/libbpf.h>", True),
        ("agent/api/server.cc", '#include "alloc_burst.skel.h"', True),
        ("exporters/model/json.cc", "  #  include <bpf/bpf.h>", True),
        ("ui/view.cc", '#include "probes/process/process.h"', True),
        ("ui/view.cc", '#include "agent/estimate/summarize.h"', False),
        ("ui/view.cc", '#include "agent/api/server.h"', True),
        ("ui/source/agent.cc", '#include "agent/client/fetch.h"', False),
        ("agent/client/fetch.cc", '#include "agent/cli/output.h"', True),
    ]

    def test_finds_exactly_the_lines_that_break_a_rule(self):
        for file, line, breaks in self.CASES:
            with self.subTest(file=file, line=line), tempfile.TemporaryDirectory() as root:
                path = Path(root) / file
                path.parent.mkdir(parents=True)
                path.write_text(f"#pragma once\n{line}\n", encoding="utf-8")
                found = link_rules.find_violations(Path(root))
                self.assertEqual([(file, 2)] if breaks else [], [(v.file, v.line) for v in found])

    def test_follows_an_include_relative_to_its_file(self):
        with tempfile.TemporaryDirectory() as root:
            for name, text in {"agent/cli/a.h": "", "pools/x.cc": '#include "../agent/cli/a.h"\n'}.items():
                path = Path(root) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            self.assertEqual(["pools/x.cc"], [v.file for v in link_rules.find_violations(Path(root))])


if __name__ == "__main__":
    unittest.main()
