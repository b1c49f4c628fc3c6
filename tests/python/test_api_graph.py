"""Snapshots, diffs and retention paths from Python, on heaps of the tests' own making."""

from __future__ import annotations

import functools
import gc
import json
import subprocess
import sys
import types
import unittest
import weakref
from pathlib import Path

import leakwatch

THIS = Path(__file__).name
registry: list[object] = []


class Value:
    def __init__(self, key: int) -> None:
        self.key = key


class Holder:
    attribute: object


class Childless:
    pass


@functools.lru_cache(maxsize=None)
def get_value(key: int) -> Value:
    return Value(key)


ALLOCATED = get_value.__wrapped__.__code__.co_firstlineno + 2
VALUE = f"{Value.__module__}.Value"


def run_python(code: str, *options: str) -> str:
    """What a program of its own prints."""
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


class Graph(unittest.TestCase):
    def setUp(self) -> None:
        registry.clear()
        get_value.cache_clear()
        leakwatch.start()
        self.addCleanup(leakwatch.stop)
        self.addCleanup(registry.clear)
        self.addCleanup(get_value.cache_clear)


class Diffs(Graph):
    def test_ten_values_in_a_cache(self) -> None:
        a = leakwatch.snapshot("a")
        for key in range(10):
            get_value(key)
        b = leakwatch.snapshot("b")
        d = b.diff(a)
        row = d.types[VALUE]
        self.assertEqual((row.count_diff, row.count, row.types), (10, 10, 1))
        self.assertEqual((row.created, row.gone, row.survived), (10, 0, 0))
        self.assertEqual(row.size_diff, sum(sys.getsizeof(get_value(key)) for key in range(10)))
        self.assertFalse(row.approximate)
        self.assertEqual(d.types[Value].name, VALUE)
        self.assertIn(VALUE, str(d))
        get_value.cache_clear()
        c = leakwatch.snapshot("c")
        row = c.diff(b).types[Value]
        self.assertEqual((row.count_diff, row.gone, row.count), (-10, 10, 0))
        self.assertEqual(c.diff(a).types[Value].count_diff if Value in c.diff(a).types else 0, 0)

    def test_nothing_of_ours_is_in_it(self) -> None:
        a = leakwatch.snapshot()
        results: list[object] = []
        for i in range(20):
            with leakwatch.region(f"r{i}") as r:
                pass
            results += [r, *r.survivors]
        between = leakwatch.snapshot()
        d = between.diff(a)
        results += [between, d, d.types, *d, *between.types.values()]
        paths = between.paths_to(registry)
        results += [paths, *paths, *paths[0], *paths[0].allocated]
        b = leakwatch.snapshot()
        for snapshot in (a, b):
            self.assertEqual([name for name in snapshot.types if name.startswith("leakwatch")], [])
        self.assertEqual([row.name for row in b.diff(a) if row.name.startswith("leakwatch")], [])
        del results

    def test_an_unchanged_heap_has_no_growth(self) -> None:
        leakwatch.snapshot().diff(leakwatch.snapshot())
        a = leakwatch.snapshot()
        b = leakwatch.snapshot()
        d = b.diff(a)
        self.assertEqual((d.count_diff, d.size_diff), (0, 0), d.text(all=True))
        self.assertTrue(all(row.count_diff == 0 for row in d))

    def test_rows_come_with_the_most_growth_first(self) -> None:
        a = leakwatch.snapshot()
        registry.extend([Value(i) for i in range(50)])
        registry.append({i: str(i) for i in range(5000, 6000)})
        d = leakwatch.snapshot().diff(a)
        sizes = [row.size_diff for row in d]
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        self.assertEqual([row.name for row in d], list(d.types))
        self.assertEqual(len(d), len(list(d)))
        self.assertEqual(sum(sizes), d.size_diff)
        self.assertEqual(sum(row.count_diff for row in d), d.count_diff)
        self.assertGreaterEqual(d.types["str"].count_diff, 1000)

    def test_types_of_one_name_share_a_row(self) -> None:
        made = [types.new_class("Twin", exec_body=lambda body: body.update(__module__="twins"))
                for _ in range(2)]
        a = leakwatch.snapshot()
        registry.extend([made[0](), made[0](), made[1]()])
        b = leakwatch.snapshot()
        d = b.diff(a)
        row = d.types["twins.Twin"]
        self.assertEqual((row.types, row.count_diff), (2, 3))
        self.assertEqual(row.size_diff, sum(sys.getsizeof(x) for x in registry))
        self.assertEqual(d.types[made[1]].count_diff, 3)
        self.assertEqual((b.types["twins.Twin"].types, b.types["twins.Twin"].count), (2, 3))
        self.assertIn("2 types", str(d))
        for made_by, instances in ((made[0], 2), (made[1], 1)):
            targets = {p.type for p in b.paths_to(instances_of=made_by, limit=9)}
            self.assertEqual(targets, {"twins.Twin"})
            self.assertLessEqual(len(b.paths_to(instances_of=made_by, limit=9)), instances)

    def test_the_table_is_a_mapping(self) -> None:
        registry.append(Value(1))
        table = leakwatch.snapshot().types
        self.assertEqual(list(table), table.keys())
        self.assertEqual(table.items(), list(zip(table.keys(), table.values())))
        self.assertEqual(len(table), len(table.keys()))
        self.assertEqual(len(set(table)), len(table))
        self.assertIn(Value, table)
        self.assertNotIn("no.such", table)
        self.assertIsNone(table.get("no.such"))
        self.assertEqual(table.get("no.such", 7), 7)
        self.assertEqual(table.get(Value).count, table[VALUE].count)

    def test_a_name_that_is_nowhere(self) -> None:
        a = leakwatch.snapshot()
        registry.append(Value(1))
        d = leakwatch.snapshot().diff(a)
        for wrong in ("Value", VALUE.replace("Value", "Valeu"), VALUE.lower()):
            with self.assertRaises(KeyError) as raised:
                d.types[wrong]
            self.assertIn(f"'{wrong}' is in either snapshot", str(raised.exception))
            self.assertIn(f"did you mean '{VALUE}'", str(raised.exception))
        with self.assertRaises(KeyError) as raised:
            d.types["qqqqqqqqqqqqqqqqqqqqqq"]
        self.assertNotIn("did you mean", str(raised.exception))
        with self.assertRaisesRegex(KeyError, "in this snapshot"):
            a.types["Valeur"]

    def test_json(self) -> None:
        a = leakwatch.snapshot("before")
        registry.append(Value(1))
        report = json.loads(leakwatch.snapshot("after").diff(a).json())
        self.assertEqual((report["report"], report["base"], report["target"]),
                         ("diff", "before", "after"))
        mine = [row for row in report["types"] if row["type"] == VALUE]
        self.assertEqual([row["count_diff"] for row in mine], [1])


class Snapshots(Graph):
    def test_numbers(self) -> None:
        registry.extend(Value(i) for i in range(7))
        s = leakwatch.snapshot("seven")
        self.assertEqual(s.types[Value].count, 7)
        self.assertEqual(s.types[Value].size, sum(sys.getsizeof(v) for v in registry))
        self.assertEqual(s.name, "seven")
        self.assertEqual(leakwatch.snapshot().name, "")
        self.assertEqual(leakwatch.snapshot(name="n").name, "n")
        self.assertEqual(sum(t.count + t.garbage for t in s.types.values()), len(s))
        self.assertIn("seven", repr(s))

    def test_never_collects_and_shows_garbage(self) -> None:
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        a = leakwatch.snapshot()
        value = Value(1)
        value.me = value
        alive = weakref.ref(value)
        del value
        threshold = gc.get_threshold()
        gc.enable()
        gc.set_threshold(1)
        b = leakwatch.snapshot()
        gc.disable()
        gc.set_threshold(*threshold)
        self.assertIsNotNone(alive())
        self.assertGreaterEqual(b.garbage, 1)
        self.assertGreater(b.garbage_size, 0)
        self.assertEqual((b.types[Value].count, b.types[Value].garbage), (0, 1))
        d = b.diff(a)
        self.assertGreaterEqual(d.garbage, 1)
        line = [x for x in str(d).splitlines() if "collectable garbage" in x]
        self.assertEqual(len(line), 1, str(d))
        paths = b.paths_to(instances_of=Value)
        self.assertEqual(len(paths), 0)
        self.assertIn("collectable garbage", str(paths))
        gc.collect()
        self.assertIsNone(alive())

    def test_all_that_was_made_of_it_outlives_its_objects(self) -> None:
        module = types.ModuleType("short_lived")
        exec("class Thing: pass\nthing = Thing()\nthing.part = Thing()", module.__dict__)
        sys.modules["short_lived"] = module
        a = leakwatch.snapshot("a")
        part = module.thing.part
        paths = a.paths_to(part, limit=2)
        module.more = [module.Thing() for _ in range(5)]
        b = leakwatch.snapshot("b")
        d = b.diff(a)

        def look() -> list[str]:
            found = [a, b, d, paths]
            texts = [repr(a), repr(b), str(d), d.json(), str(paths), paths.json()]
            texts += [repr(row) for x in found[:3] for row in x.types.values()]
            texts += [repr(step) for p in paths for step in p] + [p.root for p in paths]
            return texts + [str(frame) for p in paths for frame in p.allocated]

        first = look()
        del sys.modules["short_lived"], module, part
        gc.collect()
        self.assertEqual(look(), first)
        leakwatch.stop()
        self.assertEqual(look(), first)
        self.assertEqual(d.types["short_lived.Thing"].count_diff, 5)

    def test_what_an_imported_module_holds_is_an_attribute(self) -> None:
        import string

        string.leaked = Value(1)  # type: ignore[attr-defined]
        self.addCleanup(delattr, string, "leaked")
        path = leakwatch.snapshot().paths_to(instances_of=Value)[0]
        self.assertEqual(path.root, "module string")
        self.assertEqual([step.label for step in path], [".leaked"])

    def test_one_module_holds_in_several_ways(self) -> None:
        import string

        value = Value(1)
        held = {"ways_1": [value], "ways_2": {"k": value}, "ways_3": (value, 1)}
        for name, holder in held.items():
            setattr(string, name, holder)
            self.addCleanup(delattr, string, name)
        del value, holder, held
        paths = leakwatch.snapshot().paths_to(instances_of=Value, limit=9)
        ways = sorted("".join(step.label for step in p) for p in paths if p.root == "module string")
        self.assertEqual(ways, [".ways_1[0]", ".ways_2['k']", ".ways_3[0]"])

    def test_without_a_recording(self) -> None:
        leakwatch.stop()
        registry.append(Value(1))
        s = leakwatch.snapshot()
        self.assertEqual(s.types[Value].count, 1)
        path = s.paths_to(registry[0])[0]
        self.assertEqual(path.allocated, [])
        self.assertIn("allocation not recorded", str(path))
        registry.append(Value(2))
        self.assertEqual(leakwatch.snapshot().diff(s).types[Value].count_diff, 1)

    def test_before_and_after_start_can_be_compared(self) -> None:
        leakwatch.stop()
        a = leakwatch.snapshot()
        leakwatch.start()
        registry.append(Value(1))
        b = leakwatch.snapshot()
        self.assertEqual(b.diff(a).types[Value].count_diff, 1)
        self.assertNotEqual(b.paths_to(registry[0])[0].allocated, [])


class Paths(Graph):
    def test_the_main_job(self) -> None:
        for key in range(10):
            get_value(key)
        path = leakwatch.snapshot().paths_to(instances_of=Value)[0]
        self.assertEqual((path.type, path.yours), (VALUE, False))
        self.assertIn(Value.__module__, path.root)
        self.assertTrue(path.root.startswith("module"), path.root)
        self.assertEqual([s.label for s in path.steps].count(".get_value"), 1)
        self.assertEqual(path.steps[-1].type, VALUE)
        self.assertIn("lru_cache", " ".join(s.type for s in path))
        self.assertEqual(len(path), len(path.steps))
        self.assertEqual([str(s) for s in path], [str(s) for s in path.steps])
        line = path.allocated[0]
        self.assertEqual((Path(line.file).name, line.line, line.function, line.own),
                         (THIS, ALLOCATED, "get_value", True))
        self.assertIn("get_value", str(path))
        self.assertIn(f"{THIS}:{ALLOCATED}", str(path))

    def test_your_own_variable_comes_last_and_is_marked(self) -> None:
        value = get_value(3)
        found = leakwatch.snapshot().paths_to(value, limit=3)
        self.assertEqual([p.yours for p in found], [False, True])
        self.assertEqual(found[1].steps, [])
        self.assertIn("value", found[1].root)
        self.assertIn("yours", str(found[1]))
        only_here = Value(1)
        found = leakwatch.snapshot().paths_to(only_here, limit=3)
        self.assertEqual([(p.yours, len(p)) for p in found], [(True, 0)])
        self.assertIn("only_here", found[0].root)

    def test_your_own_variable_of_a_module(self) -> None:
        printed = run_python("""
import functools, leakwatch
class Value: pass
@functools.lru_cache
def get_value(key): return Value()
leakwatch.start()
mine = get_value(1)
for p in leakwatch.snapshot().paths_to(mine, limit=3):
    print(p.yours, p.root, [s.label for s in p])
""")
        lines = printed.splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["False", "True"], printed)
        self.assertIn(".get_value", lines[0])
        self.assertIn("mine", lines[1])

    def test_limit_and_sequence(self) -> None:
        shared = Value(1)
        registry.extend([[shared], {"k": shared}, (shared,)])
        s = leakwatch.snapshot()
        self.assertEqual(len(s.paths_to(shared)), 1)
        found = s.paths_to(shared, limit=10)
        self.assertGreaterEqual(len(found), 2)
        self.assertEqual([str(p) for p in found], [str(found[i]) for i in range(len(found))])
        self.assertEqual(str(found[-1]), str(found[len(found) - 1]))
        with self.assertRaises(IndexError):
            found[len(found)]
        parsed = json.loads(found.json())
        self.assertEqual([p["report"] for p in parsed], ["path"] * len(found))
        self.assertEqual(json.loads(found[0].json()), parsed[0])
        self.assertTrue(found.text(ascii=True, all=True).isascii())

    def test_names_of_common_edges(self) -> None:
        holder = Holder()
        registry.append(holder)
        holder.attribute = {"key": [None, (Value(1),)]}
        path = leakwatch.snapshot().paths_to(instances_of=Value)[0]
        labels = [s.label for s in path]
        self.assertEqual(labels[-4:], [".attribute", "['key']", "[1]", "[0]"])
        self.assertEqual([s.kind for s in path], ["strong"] * len(path))

    def test_by_name(self) -> None:
        registry.append(Value(1))
        s = leakwatch.snapshot()
        self.assertEqual(str(s.paths_to(instances_of=VALUE)), str(s.paths_to(instances_of=Value)))

    def test_a_class_without_instances(self) -> None:
        found = leakwatch.snapshot().paths_to(instances_of=Childless)
        self.assertEqual((len(found), list(found)), (0, []))
        self.assertIn("Childless: none is in this snapshot", str(found))
        self.assertEqual(found.json(), "[]")

    def test_an_object_that_came_later(self) -> None:
        s = leakwatch.snapshot()
        later = Value(1)
        with self.assertRaisesRegex(leakwatch.NotInSnapshotError,
                                    "not in this snapshot: it was created later"):
            s.paths_to(later)

    def test_an_object_where_a_dead_one_was(self) -> None:
        old = [Value(i) for i in range(200)]
        s = leakwatch.snapshot()
        del old
        new = [Value(i) for i in range(200)]
        for value in new:
            with self.assertRaisesRegex(leakwatch.NotInSnapshotError, "created later"):
                s.paths_to(value)


if __name__ == "__main__":
    unittest.main()
