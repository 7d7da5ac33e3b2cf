"""Who may include whom (docs/architecture.md), as a table and a function that finds the lines that break it."""

import re
from pathlib import Path
from typing import NamedTuple

# Folder -> folders whose headers it may include, besides its own. The longest folder that holds a file decides.
ALLOWED = {
    "pools": [],
    "exporters": ["pools"],
    "probes": ["pools", "exporters/model"],
    "agent": ["pools", "exporters", "probes"],
    "agent/estimate": ["pools", "exporters/model"],
    "agent/advice": ["pools", "exporters/model", "exporters/text", "agent/estimate"],
    "agent/compare": ["pools", "exporters/model", "exporters/text", "agent/config"],
    "agent/client": ["pools", "exporters", "agent/estimate"],
    "agent/host": ["pools", "exporters/model", "agent/config", "probes/process"],
    "ui": ["pools", "exporters", "agent/estimate", "agent/advice", "agent/client", "agent/compare"],
}
MAY_USE_BPF = ("probes", "agent")
NEVER_USES_BPF = ("agent/estimate", "agent/advice", "agent/compare", "agent/client", "agent/config", "agent/host", "agent/api")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
BPF_HEADER = re.compile(r"^bpf/(libbpf|bpf|btf)|\.skel\.h$")
PUBLIC_POOL_HEADER = "poolscope/"  # pools/include is on the include path


class Violation(NamedTuple):
    file: str
    line: int
    header: str
    rule: str

    def __str__(self):
        return f"{self.file}:{self.line}: includes {self.header}: {self.rule}"


def is_below(path, folder):
    return path == folder or path.startswith(folder + "/")


def folder_of(path):
    """The rule that governs `path`, or None for what no rule governs (tests)."""
    return max((folder for folder in ALLOWED if is_below(path, folder)), key=len, default=None)


def included_path(root, file, header):
    """Where `header` lies in our tree, or None when it is not ours."""
    if header.startswith(PUBLIC_POOL_HEADER):
        return "pools/include/" + header
    beside = file.parent / header
    for candidate in (root / header, beside):
        if candidate.is_file():
            return candidate.resolve().relative_to(root.resolve()).as_posix()
    # a header that does not exist yet, or is generated, still names its folder
    return header if folder_of(header) else None


def check_line(root, file, header):
    path = file.relative_to(root).as_posix()
    folder = folder_of(path)
    if BPF_HEADER.search(header) and not is_bpf_allowed(path):
        return f"{folder} works without BPF"
    target = included_path(root, file, header)
    if target is None or is_below(target, folder) and folder_of(target) == folder:
        return None
    if any(is_below(target, allowed) for allowed in [folder, *ALLOWED[folder]]):
        return None
    return f"{folder} may include only {', '.join([folder, *ALLOWED[folder]])}"


def is_bpf_allowed(path):
    return any(is_below(path, f) for f in MAY_USE_BPF) and not any(is_below(path, f) for f in NEVER_USES_BPF)


def source_files(root):
    for folder in sorted({f.split("/")[0] for f in ALLOWED}):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".c", ".cc", ".h"):
                yield file


def find_violations(root):
    found = []
    for file in source_files(root):
        for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            match = INCLUDE.match(text)
            rule = check_line(root, file, match.group(2)) if match else None
            if rule:
                found.append(Violation(file.relative_to(root).as_posix(), number, match.group(2), rule))
    return found
