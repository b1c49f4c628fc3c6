"""What Python can ask of a snapshot beyond paths, against sizes and holders found out by hand."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import leakwatch

try:
    import _testcapi
except ImportError:  # not every distribution ships it
    _testcapi = None

THIS = Path(__file__).name
registry: list[object] = []
other: list[object] = []


class Page:
    __slots__ = ("data", "next")

    def __init__(self, data: object = None, following: object = None) -> None:
        self.data = data
        self.next = following


class Ring:
    __slots__ = ("me", "load")


class Never:
    pass


PAGE = f"{Page.__module__}.Page"
RING = f"{Ring.__module__}.Ring"


def size_of(*objects: object) -> int:
    """Their bytes, with the collector's header, which sys.getsizeof() counts."""
    return sum(map(sys.getsizeof, objects))


class Case(unittest.TestCase):
    def setUp(self) -> None:
        leakwatch.start()
        self.addCleanup(leakwatch.stop)
        for holder in (registry, other):
            holder.clear()
            self.addCleanup(holder.clear)


class Retained(Case):
    def test_a_chain_goes_with_its_head(self) -> None:
        blob = bytes(5000)
        registry.append(Page(bytearray(1000), Page(bytearray(2000), Page(blob))))
        other.append(blob)
        del blob
        s = leakwatch.snapshot()
        head = registry[0]
        mine = [head, head.data, head.next, head.next.data, head.next.next]
        r = s.retained(registry[0])
        self.assertEqual((r.count, r.size), (1, size_of(registry[0])))
        self.assertEqual((r.exclusive_count, r.exclusive_size), (len(mine), size_of(*mine)))
        self.assertEqual((r.reachable_count, r.reachable_size),
                         (r.exclusive_count + r.shared_count, r.exclusive_size + r.shared_size))
        self.assertGreaterEqual(r.shared_size, size_of(other[0], Page))

    def test_of_two_that_share(self) -> None:
        shared = bytearray(3000)
        registry.append(Page(shared))
        other.append(Page(shared))
        del shared
        s = leakwatch.snapshot()
        one, both = s.retained(registry[0]), s.retained(objects=[registry[0], other[0]])
        page, data = size_of(registry[0]), size_of(registry[0].data)
        self.assertEqual((one.exclusive_count, one.exclusive_size), (1, page))
        self.assertEqual((both.exclusive_count, both.exclusive_size), (3, 2 * page + data))
        self.assertEqual((both.count, both.size), (2, 2 * page))
        every = s.retained(instances_of=Page)
        for field in ("count", "size", "exclusive_count", "exclusive_size", "shared_count",
                      "shared_size", "reachable_count", "reachable_size"):
            self.assertEqual(getattr(every, field), getattr(both, field), field)
        self.assertEqual(s.retained(objects=(registry[0], registry[0])).count, 1)
        self.assertEqual(s.retained(instances_of=PAGE).size, every.size)

    def test_report(self) -> None:
        registry.extend(Page(bytearray(1 << 20)) for _ in range(3))
        r = leakwatch.snapshot().retained(instances_of=Page)
        self.assertIn(f"what 3 {PAGE} holds", str(r))
        self.assertRegex(str(r), r"freed if all of it goes  3\.0 MiB, 6 objects")
        parsed = json.loads(r.json())
        self.assertEqual((parsed["report"], parsed["who"]), ("set", PAGE))
        for field in ("count", "size", "exclusive_count", "exclusive_size", "shared_count",
                      "shared_size", "reachable_count", "reachable_size"):
            self.assertEqual(parsed[field], getattr(r, field), field)
        self.assertIn(f"{r.exclusive_size} bytes in 6 objects", repr(r))

    def test_of_none_and_of_garbage(self) -> None:
        gc.disable()
        self.addCleanup(gc.enable)
        ring = Ring()
        ring.me = ring
        del ring
        s = leakwatch.snapshot()
        for asked, why in ((Never, "none is in this snapshot"), (Ring, "collectable garbage")):
            r = s.retained(instances_of=asked)
            self.assertEqual((r.count, r.size, r.exclusive_size, r.reachable_size), (0, 0, 0, 0))
            self.assertIn(why, str(r))
            self.assertEqual(json.loads(r.json())["count"], 0)
        gc.collect()

    def test_the_tree_from_the_top(self) -> None:
        registry.append([Page(bytearray(3 << 20)), Page(bytearray(1000))])
        s = leakwatch.snapshot("tree")
        top = s.retention()
        self.assertEqual([x.retained for x in top], sorted((x.retained for x in top), reverse=True))
        total = sum(t.size for t in s.types.values())
        self.assertEqual(sum(x.retained for x in top), total)
        self.assertEqual(sum(x.count for x in top), sum(t.count for t in s.types.values()))
        node, way = top[0], []
        while len(node):
            self.assertEqual(node.retained, node.size + sum(x.retained for x in node))
            self.assertEqual(node.count, 1 + sum(x.count for x in node))
            self.assertEqual(node.depth, len(way) + 1)
            way.append(node.type)
            node = node[0]
        self.assertEqual((node.type, node.retained, node.count),
                         ("bytearray", size_of(registry[0][0].data), 1))
        self.assertEqual(way[-2:], ["list", PAGE])
        self.assertIn("retained in tree ", str(top))
        self.assertEqual(json.loads(top.json())["report"], "retained")
        self.assertEqual(json.loads(top[0].json())["retained"], top[0].retained)
        self.assertIn("retains 3.0 MiB", str(node))
        with self.assertRaises(IndexError):
            top[len(top)]

    def test_by_type(self) -> None:
        shared = bytearray(1000)
        registry.extend([Page(bytearray(2 << 20)), Page(shared), Page(shared)])
        del shared
        s = leakwatch.snapshot("tree")
        types = s.retention().types
        row = next(t for t in types if t.name == PAGE)
        self.assertEqual((row.count, row.size), (3, size_of(*registry)))
        self.assertEqual((row.retained_count, row.retained),
                         (4, size_of(*registry, registry[0].data)))
        self.assertEqual([t.retained for t in types],
                         sorted((t.retained for t in types), reverse=True))
        self.assertIn("types in tree ", str(types))
        self.assertEqual(json.loads(types.json())["report"], "types")
        self.assertEqual({t.name for t in types},
                         {t.name for t in s.types.values() if t.count})


class Referrers(Case):
    def test_the_same_as_the_collector_finds(self) -> None:
        page = Page()
        registry.extend([page, page])
        other.append((page,))
        holders = [h for h in gc.get_referrers(page) if h in (registry, other[0])]
        s = leakwatch.snapshot()
        rows = s.referrers(page, depth=1)
        found = {(r.type, r.holders, r.held, r.references) for r in rows}
        self.assertEqual(len(holders), 2)
        self.assertEqual(found, {("list", 1, 1, 2), ("tuple", 1, 1, 1)})
        self.assertTrue(all(r.depth == 0 for r in rows))
        self.assertTrue(all(r.cut or r.rooted for r in rows))

    def test_depth_and_alike(self) -> None:
        registry.extend([Page(Never())] for _ in range(50))
        s = leakwatch.snapshot()
        rows = s.referrers(instances_of=Never, depth=3)
        self.assertEqual([(r.depth, r.type, r.holders, r.held) for r in rows],
                         [(0, PAGE, 50, 50), (1, "list", 50, 50), (2, "list", 1, 50)])
        self.assertEqual([r.label for r in rows], [".data", "[0]", "[0]"])
        self.assertEqual(rows[0].kind, "strong")
        self.assertEqual(len(s.referrers(instances_of=Never, depth=1)), 1)
        self.assertIn(f"who holds 50 {Never.__module__}.Never", str(rows))
        self.assertEqual(json.loads(rows.json())["count"], 50)

    def test_breadth(self) -> None:
        page = Page()
        registry.extend([(page,), [page], {"k": page}, Page(page)])
        del page
        rows = leakwatch.snapshot().referrers(registry[0][0], depth=1, breadth=2)
        self.assertEqual([r.rest for r in rows], [0, 0, 2])
        self.assertEqual((rows[2].type, rows[2].references), ("", 2))

    def test_of_none(self) -> None:
        rows = leakwatch.snapshot().referrers(instances_of=Never)
        self.assertEqual((len(rows), list(rows), rows.json()), (0, [], "null"))
        self.assertIn("none is in this snapshot", str(rows))


class Cuts(Case):
    def test_one_reference(self) -> None:
        registry.append([Page(bytearray(1000)) for _ in range(20)])
        s = leakwatch.snapshot()
        cut = s.cut(instances_of=Page)
        pages = registry[0]
        freed = [pages, *pages, *(p.data for p in pages)]
        self.assertEqual([(e.holder, e.label, e.type, e.root) for e in cut],
                         [("list", "[0]", "list", "")])
        self.assertEqual((cut.count, cut.size), (20, size_of(*pages)))
        self.assertEqual((cut.freed_count, cut.freed_size), (41, size_of(*freed)))
        self.assertEqual(cut.freed_asked_size, cut.size)
        self.assertEqual(cut.innocent_size, cut.freed_size - cut.size)
        self.assertEqual((cut[0].freed_size, cut[0].freed_asked_size), (cut.freed_size, cut.size))
        self.assertEqual((cut.single, cut.too_many, cut.holders), (True, False, ()))
        self.assertFalse(cut[0].bystander)
        self.assertIn("cut [0] of list -> list", str(cut))
        parsed = json.loads(cut.json())
        self.assertEqual((parsed["report"], parsed["who"], parsed["freed_size"]),
                         ("cut", PAGE, cut.freed_size))
        self.assertEqual(parsed["edges"][0]["label"], "[0]")

    def test_it_does_what_it_says(self) -> None:
        registry.append({"first": [Page() for _ in range(10)]})
        other.append({"second": registry[0]["first"]})
        before = leakwatch.snapshot()
        cut = before.cut(instances_of=Page)
        self.assertEqual([(e.holder, e.label, e.type) for e in cut], [("dict", "['first']", "list"),
                                                                    ("dict", "['second']", "list")])
        self.assertEqual([e.freed_size for e in cut], [0, 0])
        self.assertFalse(cut.single)
        freed = size_of(registry[0]["first"], *registry[0]["first"])
        self.assertEqual(cut.freed_size, freed)
        del registry[0]["first"]
        self.assertEqual(leakwatch.snapshot().types[Page].count, 10)
        del other[0]["second"]
        after = leakwatch.snapshot()
        self.assertEqual(after.types[Page].count if Page in after.types else 0, 0)

    def test_too_many(self) -> None:
        pages = [Page() for _ in range(4)]
        registry.extend([[p] for p in pages])
        other.extend([{"k": p} for p in pages])
        del pages
        s = leakwatch.snapshot()
        asked = [h[0] for h in registry]
        cut = s.cut(objects=asked, limit=1)
        self.assertEqual((len(cut), cut.too_many, cut.freed_size), (0, True, 0))
        self.assertIn("held in more than 1 place\n", str(cut))
        self.assertGreaterEqual(s.cut(objects=asked).freed_asked_size, cut.size)

    def test_of_none(self) -> None:
        cut = leakwatch.snapshot().cut(instances_of=Never)
        self.assertEqual((len(cut), cut.count, cut.freed_size, cut.json()), (0, 0, 0, "null"))
        self.assertIn("none is in this snapshot", str(cut))


class Cycles(Case):
    def setUp(self) -> None:
        super().setUp()
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)

    def test_a_ring_and_what_hangs_on_it(self) -> None:
        one, two = Ring(), Ring()
        one.me, two.me = two, one
        one.load = bytearray(10_000)
        own, all_of_it = size_of(one, two), size_of(one, two, one.load)
        del one, two
        cycles = leakwatch.snapshot().cycles()
        self.assertEqual(len(cycles), 1)
        cycle = cycles[0]
        self.assertEqual((cycle.count, cycle.size), (2, own))
        self.assertEqual((cycle.frees_count, cycle.frees_size), (3, all_of_it))
        self.assertEqual((cycle.holder, cycle.label, cycle.type), (RING, ".me", RING))
        self.assertEqual((cycle.back_edges, cycle.types), (1, ((RING, 2),)))
        self.assertIn("1 cycle of garbage", str(cycles))
        self.assertIn(f"break .me of {RING} -> {RING}", str(cycles))
        parsed = json.loads(cycles.json())
        self.assertEqual(parsed["cycles"][0]["types"], [[RING, 2]])
        self.assertEqual(gc.collect(), 2)
        self.assertEqual(len(leakwatch.snapshot().cycles()), 0)

    def test_many(self) -> None:
        for i in range(13):
            ring = Ring()
            ring.me = ring
            ring.load = bytes(100 * i)
        del ring
        cycles = leakwatch.snapshot().cycles()
        self.assertEqual([c.count for c in cycles], [1] * 13)
        self.assertIn("and 3 more", str(cycles))
        self.assertEqual(cycles.text(all=True).count("break .me"), 13)
        self.assertEqual(len(json.loads(cycles.json())["cycles"]), 13)
        gc.collect()

    def test_none(self) -> None:
        cycles = leakwatch.snapshot().cycles()
        self.assertEqual((len(cycles), str(cycles)), (0, "no cycles of garbage"))
        self.assertEqual(json.loads(cycles.json())["cycles"], [])


class Sites(Case):
    def test_where_it_was_allocated(self) -> None:
        a = leakwatch.snapshot("a")
        line = sys._getframe().f_lineno + 1
        registry.extend([Page() for _ in range(30)])
        b = leakwatch.snapshot("b")
        d = b.diff(a)
        sites = [s for s in d.sites if s.stack and s.stack[0].line == line]
        self.assertEqual(len(sites), 1)
        site = sites[0]
        self.assertEqual((site.count_diff, site.created, site.gone), (30, 30, 0))
        self.assertEqual((site.size_diff, site.size), (size_of(*registry), size_of(*registry)))
        self.assertGreaterEqual(site.bytes_diff, site.size_diff)
        self.assertEqual((site.kind, Path(site.stack[0].file).name), ("site", THIS))
        self.assertEqual(sum(s.count_diff for s in d.sites), d.count_diff)
        self.assertEqual(sum(s.size_diff for s in d.sites), d.size_diff)
        self.assertEqual([s.kind for s in d.sites].count("before recording"), 1)
        self.assertIn(f"{THIS}:{line}", d.sites.text(width=300))
        self.assertEqual(json.loads(d.sites.json())["report"], "sites")


class Times(Case):
    def test_what_stayed(self) -> None:
        a = leakwatch.snapshot()
        registry.extend(Page() for _ in range(12))
        b = leakwatch.snapshot()
        del registry[5:]
        c = leakwatch.snapshot()
        series = leakwatch.series([a, b, c])
        row = next(r for r in series if r.name == PAGE)
        self.assertEqual((row.created, row.count, row.size), (12, 5, size_of(*registry)))
        self.assertEqual(series.count, sum(r.count for r in series))
        self.assertEqual(series.size, sum(r.size for r in series))
        self.assertIn(PAGE, str(series))
        self.assertEqual(json.loads(series.json())["report"], "series")
        self.assertEqual([r.count for r in leakwatch.series((a, b, c, c), target=2)
                          if r.name == PAGE], [5])
        with self.assertRaisesRegex(ValueError, "three at least"):
            leakwatch.series([a, b])
        with self.assertRaisesRegex(ValueError, "target 2"):
            leakwatch.series([a, b, c], target=2)
        for wrong in (None, a, "abc", [a, b, 3]):
            with self.assertRaisesRegex(TypeError, r"series\(\) takes"):
                leakwatch.series(wrong)  # type: ignore[arg-type]
        with self.assertRaisesRegex(TypeError, r"series\(\) takes"):
            leakwatch.series()  # type: ignore[call-arg]

    def test_the_new_reference(self) -> None:
        registry.append({})
        a = leakwatch.snapshot()
        registry[0]["new"] = [Page()]
        b = leakwatch.snapshot()
        path = b.paths_to(instances_of=Page)[0]
        new = path.new_step(a)
        self.assertEqual(new.state, "reference")
        self.assertTrue(new.approximate)  # the outermost list is older than the recording
        self.assertEqual(path.steps[new.step].label, "['new']")
        self.assertIn("['new']", str(new))
        self.assertEqual(json.loads(new.json())["step"], new.step)
        old = path.new_step(b)
        self.assertEqual((old.state, old.step), ("nothing", None))
        self.assertIn("nothing", repr(old))
        with self.assertRaisesRegex(TypeError, "earlier Snapshot"):
            path.new_step(registry)  # type: ignore[arg-type]


class Filters(Case):
    def labels(self, **ignored: object) -> list[str]:
        paths = self.taken.paths_to(instances_of=Page, limit=20, **ignored)
        return ["".join(s.label for s in p) for p in paths]

    def setUp(self) -> None:
        super().setUp()
        page = Page()
        registry.extend([{"here": page}, (page,)])
        other.append(Never())
        other[0].attribute = page
        del page
        self.taken = leakwatch.snapshot()

    def test_types(self) -> None:
        both = self.labels()
        self.assertTrue(any("['here']" in way for way in both), both)
        for asked in (tuple, "tuple", [tuple], ("tuple", "no.such")):
            ways = self.labels(ignore_types=asked)
            self.assertFalse(any("registry[1]" in way for way in ways), ways)
            self.assertTrue(ways)
        ways = self.labels(ignore_types=[tuple, dict, Never, types_of_instances()])
        self.assertFalse([way for way in ways if "registry" in way], ways)

    def test_labels(self) -> None:
        ways = self.labels(ignore_labels="['here']")
        self.assertFalse(any("['here']" in way for way in ways), ways)
        ways = self.labels(ignore_labels=["['here']", ".attribute", "[0]"])
        self.assertEqual(ways, [])
        paths = self.taken.paths_to(instances_of=Page, ignore_labels=["['here']", ".attribute",
                                                                     "[0]"])
        self.assertIn("held by nothing but what is ignored", str(paths))

    def test_roots(self) -> None:
        kinds = {p.root.split()[0] for p in self.taken.paths_to(instances_of=Page, limit=9)}
        for kind in kinds:
            ways = self.taken.paths_to(instances_of=Page, limit=9, ignore_roots=[kind])
            self.assertNotIn(kind, {p.root.split()[0] for p in ways})
        self.assertEqual(self.labels(ignore_roots="no such kind"), self.labels())

    def test_any_of_several(self) -> None:
        path = self.taken.paths_to(objects=[registry[0]])[0]
        self.assertEqual(path.type, "dict")

    def test_wrong(self) -> None:
        for keyword in ("ignore_labels", "ignore_roots"):
            with self.assertRaisesRegex(TypeError, f"{keyword} takes a str such as .*, not int"):
                self.labels(**{keyword: 3})
        with self.assertRaisesRegex(TypeError, "by its name or the class"):
            self.labels(ignore_types=[3])


def types_of_instances() -> str:
    return f"{Never.__module__}.Never"


class Misuse(Case):
    def test_what_is_asked_about(self) -> None:
        s = leakwatch.snapshot()
        for name in ("retained", "referrers", "cut", "paths_to"):
            ask = getattr(s, name)
            for arguments in ({}, {"obj": registry, "instances_of": Page},
                              {"instances_of": Page, "objects": [registry]}):
                with self.assertRaisesRegex(TypeError, rf"{name}\(\) takes either an object"):
                    ask(**arguments)
            with self.assertRaisesRegex(TypeError, "as a list or tuple, not int"):
                ask(objects=3)
            with self.assertRaisesRegex(ValueError, "pass at least one"):
                ask(objects=[])
            with self.assertRaisesRegex(TypeError, "by its name or the class"):
                ask(instances_of=3)
            with self.assertRaisesRegex(ValueError, "lone surrogate"):
                ask(instances_of="\udc80")
            with self.assertRaisesRegex(TypeError, "no argument 'nothing'"):
                ask(registry, nothing=1)
            with self.assertRaises(leakwatch.NotInSnapshotError):
                ask(Page())
            with self.assertRaises(leakwatch.NotInSnapshotError):
                ask(objects=[registry, Page()])
        for asked in ({"depth": 0}, {"breadth": 0}):
            with self.assertRaisesRegex(ValueError, "must be at least 1, not 0"):
                s.referrers(registry, **asked)
        with self.assertRaisesRegex(ValueError, "must be at least 1, not 0"):
            s.cut(registry, limit=0)

    def test_a_limit_beyond_all_bounds(self) -> None:
        s = leakwatch.snapshot()
        with self.assertRaisesRegex(ValueError, f"limit must be at most {2**31 - 1}, not {2**70}"):
            s.paths_to(registry, limit=2**70)
        with self.assertRaisesRegex(ValueError, f"limit must be at least 1, not -{2**70}"):
            s.paths_to(registry, limit=-(2**70))

    def test_names_that_are_no_text(self) -> None:
        for make in (leakwatch.snapshot, leakwatch.region):
            with self.assertRaisesRegex(ValueError, r"must be text.*\\udc80.*lone surrogate"):
                make("a\udc80")

    def test_none_of_these_can_be_made(self) -> None:
        for name in ("Retained", "Retention", "Dominated", "RetainedTypes", "RetainedType",
                     "Referrers", "Referrer", "Sites", "Site", "Series", "SeriesRow", "NewStep",
                     "Cut", "CutEdge", "CutHolder", "Cycles", "Cycle"):
            with self.assertRaises(TypeError):
                getattr(leakwatch, name)()


def ask_all(s: leakwatch.Snapshot, base: leakwatch.Snapshot) -> list[object]:
    """One of each result, with its rows."""
    top = s.retention()
    cut = s.cut(instances_of=Page)
    spread = s.cut(instances_of="str", limit=1)
    d = s.diff(base)
    path = s.paths_to(instances_of=Page)[0]
    made = [s.retained(instances_of=Page), top, top.types, s.referrers(instances_of=Page), cut,
            spread, s.cycles(), d.sites, leakwatch.series([base, s, s]), path.new_step(base)]
    rows = [row for view in made if hasattr(view, "__len__") for row in list(view)[:5]]
    return [*made, *rows, *top[0], *spread.holders, *[str(x) for x in made]]


class Ours(Case):
    def test_no_snapshot_shows_them(self) -> None:
        base = leakwatch.snapshot()
        registry.append([Page() for _ in range(5)])
        gc.disable()
        self.addCleanup(gc.enable)
        ring = Ring()
        ring.me = ring
        del ring
        s = leakwatch.snapshot()
        ask_all(s, base)
        before = leakwatch.snapshot()
        kept = ask_all(s, base)
        after = leakwatch.snapshot()
        self.assertEqual([n for n in after.types if n.startswith("leakwatch")], [])
        grown = {row.name: row.count_diff for row in after.diff(before) if row.count_diff > 0}
        texts = sum(isinstance(x, str) for x in kept)
        self.assertLessEqual(grown.pop("str", 0), texts)
        self.assertLessEqual(grown.pop("list", 0), 1)
        self.assertEqual(grown, {})
        gc.collect()

    def test_they_are_in_no_region(self) -> None:
        base = leakwatch.snapshot()
        registry.append([Page() for _ in range(5)])
        s = leakwatch.snapshot()
        ask_all(s, base)
        kept: list[object] = [None] * 3
        with leakwatch.region("asking") as r:
            kept[0] = s.retained(instances_of=Page)
            kept[1] = s.cut(instances_of=Page)
            kept[2] = s.retention().types[0]
        self.assertEqual(r.current, 0, str(r))

    def test_they_outlive_what_they_came_from(self) -> None:
        base = leakwatch.snapshot()
        registry.append([Page() for _ in range(5)])
        s = leakwatch.snapshot()
        kept = [x for x in ask_all(s, base) if not isinstance(x, str)]
        first = [str(x) for x in kept]
        del s, base
        registry.clear()
        gc.collect()
        leakwatch.stop()
        self.assertEqual([str(x) for x in kept], first)
        self.assertTrue(all(x.text(ascii=True).isascii() for x in kept if hasattr(x, "text")))

    def test_of_a_file(self) -> None:
        registry.append([Page() for _ in range(5)])
        s = leakwatch.snapshot()
        with tempfile.TemporaryDirectory() as folder:
            name = os.path.join(folder, "s.lws")
            s.save(name)
            loaded = leakwatch.load(name)
            for ask in ("retained", "referrers", "cut", "paths_to"):
                mine, theirs = (getattr(x, ask)(instances_of=Page) for x in (s, loaded))
                self.assertEqual(str(mine), str(theirs))
                with self.assertRaisesRegex(leakwatch.NotInSnapshotError, "a file's"):
                    getattr(loaded, ask)(registry)
            del loaded


WITHOUT_MEMORY = """
import leakwatch, _testcapi
class Value: pass
def strs(x): return [str(row) for row in x]
leakwatch.start()
base = leakwatch.snapshot()
kept = [Value() for _ in range(20)]
ASK = [
    lambda s: str(s.retained(instances_of=Value)), lambda s: s.retained(kept[0]).json(),
    lambda s: s.retention(), lambda s: str(s.retention()[0]), lambda s: s.retention().types[0],
    lambda s: strs(s.referrers(instances_of=Value)), lambda s: s.cycles().json(),
    lambda s: s.cut(objects=kept).json(), lambda s: str(s.cut(kept[0])),
    lambda s: s.cut(instances_of=Value, limit=1).holders, lambda s: strs(s.diff(base).sites),
    lambda s: strs(leakwatch.series([base, s, s])),
    lambda s: str(s.paths_to(kept[0])[0].new_step(base)),
    lambda s: s.paths_to(kept[0], ignore_types=[dict, "x"], ignore_labels=[".a", "[0]", "(b)"],
                         ignore_roots="stack"),
]
def fails(ask, start, stop):
    s = leakwatch.snapshot()  # a new one, so that nothing is remembered
    _testcapi.set_nomemory(start, stop)
    try:
        ask(s)
    except MemoryError:
        return True
    finally:
        _testcapi.remove_mem_hooks()
    return False
for ask in ASK:
    n = failed = 0
    while fails(ask, n, 0):
        failed += 1 + fails(ask, n, n + 1)
        n += 1 + n // 4
    print(type(ask(leakwatch.snapshot())).__name__, failed > 1)
"""


class Memory(unittest.TestCase):
    @unittest.skipIf(_testcapi is None, "this CPython comes without _testcapi")
    def test_each_request_fails_in_turn(self) -> None:
        done = subprocess.run([sys.executable, "-c", WITHOUT_MEMORY], capture_output=True,
                              text=True, timeout=280)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.split(), """
            str True str True Retention True str True RetainedType True list True str True
            str True str True tuple True list True list True str True Paths True""".split())


if __name__ == "__main__":
    unittest.main()
