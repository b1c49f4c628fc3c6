"""docs/json.md tells of every key of every JSON report, and of no other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ["LW_SOURCE"])
LIBRARY = Path(os.environ["LW_LIBRARY"])
COMPILE = [*os.environ["CC"].split(), *os.environ.get("LW_CFLAGS", "").split(), "-std=c11", "-Wall",
           "-Wextra", "-pedantic", "-Werror", f"-I{SOURCE / 'include'}",
           str(SOURCE / "tests/docs/reports.c")]
LINK = [f"-L{LIBRARY.parent}", "-lleakwatch", f"-Wl,-rpath,{LIBRARY.parent}", "-pthread"]
REPORTS = ("region", "totals", "diff", "path", "sites", "series", "new_step", "referrers", "check",
           "objects", "snapshot", "types", "retained", "findings", "finding", "memory")
WORDS = {"true", "null"}  # in backticks, but no keys


def emitted() -> dict[str, dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "reports")
        subprocess.run([*COMPILE, "-o", program, *LINK], check=True)
        text = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    reports = [json.loads(line) for line in text.splitlines()]
    return {report["report"]: report for report in reports}


def keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    if isinstance(value, list):
        return set().union(*map(keys, value))
    return set()


def sections(text: str) -> dict[str, str]:
    """The text under each second-level heading; what comes before the first under ""."""
    parts = re.split(r"^## (.*)$", text, flags=re.M)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2]))}


def documented(text: str) -> set[str]:
    text = re.sub(r"^In Python .*$", "", text, flags=re.M)  # what only the package adds
    return set(re.findall(r"`([a-z_]+)`", text)) - WORDS


class Keys(unittest.TestCase):
    """One case per report, made below."""

    reports = emitted()
    page = sections(SOURCE.joinpath("docs/json.md").read_text(encoding="utf-8"))


def add_case(name: str) -> None:
    def case(self: Keys) -> None:
        common = documented(self.page[""])
        used = keys(self.reports[name])
        told = documented(self.page[name])
        self.assertEqual(used - told - common, set(), "emitted, but not in docs/json.md")
        self.assertEqual({key for key in told - used if not key.startswith("lw_")}, set(),
                         "in docs/json.md, but not emitted")

    setattr(Keys, f"test_{name}", case)


for _name in REPORTS:
    add_case(_name)


class Gate(unittest.TestCase):
    def test_every_report_is_made(self) -> None:
        self.assertEqual(set(Keys.reports), set(REPORTS))
        self.assertEqual(set(Keys.page), {"", *REPORTS})

    def test_every_list_has_an_element(self) -> None:
        def empty(value: object) -> list[object]:
            inner = list(value.values()) if isinstance(value, dict) else value
            if not isinstance(inner, list):
                return []
            return [v for v in inner if v == []] + [e for v in inner for e in empty(v)]

        self.assertEqual(empty(list(Keys.reports.values())), [])

    def test_keys_are_found_at_any_depth(self) -> None:
        self.assertEqual(keys({"a": [{"b": {"c": 1}}, 2], "d": None}), {"a", "b", "c", "d"})

    def test_documented_keys_are_found(self) -> None:
        text = "# t\n`x`\n## one\n| `a`, `b_c` | `null` `\"no\"` `f()` |\n## two\n`d`\nIn Python also `e`."
        page = sections(text)
        self.assertEqual({name: documented(part) for name, part in page.items()},
                         {"": {"x"}, "one": {"a", "b_c"}, "two": {"d"}})


if __name__ == "__main__":
    unittest.main()
