"""Exported heaps in the viewers they are for, Chrome's DevTools and memlab: both show every node,
with the retained size that the model or the library's own dominators say."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, os.path.join(os.environ["LW_SOURCE"], "bench", "heapsnapshot"))
import viewers  # noqa: E402

HEAPS = os.environ["LW_EXPORT_HEAPS"]
LARGE = os.environ["LW_EXPORT_LARGE"]
COUNT, NODES = 200, 200_000

# Opens in both, known not to come from us.
SMALL = (
    '{"snapshot":{"meta":{"node_fields":["type","name","id","self_size","edge_count"],"node_types":'
    '[["synthetic","object","native"],"string","number","number","number"],"edge_fields":["type",'
    '"name_or_index","to_node"],"edge_types":[["element","property","weak"],"string_or_number",'
    '"node"]},"node_count":3,"edge_count":2},"nodes":[0,0,1,0,1,1,1,3,64,1,2,2,5,1000,0],'
    '"edges":[0,0,5,1,3,10],"strings":["<root>","T","Buf","cache"]}'
)


class Viewers(unittest.TestCase):
    viewers: viewers.Viewers
    folder: Path

    @classmethod
    def setUpClass(cls) -> None:
        try:
            cls.viewers = viewers.Viewers(Path(os.environ["LW_BUILD"], "viewers"))
        except viewers.Missing as missing:
            raise unittest.SkipTest(str(missing))
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        subprocess.run([HEAPS, folder.name, str(COUNT)], check=True)
        subprocess.run([LARGE, folder.name, str(NODES)], check=True)

    def open(self, viewer: str, files: list[Path]) -> list[list[list[Any]]]:
        loads = self.viewers.load(viewer, files, nodes=True)
        self.assertEqual([load["file"] for load in loads], [str(file) for file in files])
        return [load["nodes"] for load in loads]

    def test_a_file_that_is_known_to_open(self) -> None:
        file = self.folder / "small.heapsnapshot"
        file.write_text(SMALL)
        for viewer in viewers.NAMES:
            with self.subTest(viewer):
                [nodes] = self.open(viewer, [file])
                self.assertEqual([node[:3] for node in nodes],
                                 [[1, 1064, 0], [3, 1064, 64], [5, 1000, 1000]])

    def test_random_heaps(self) -> None:
        files = [self.folder / f"{number}.heapsnapshot" for number in range(COUNT)]
        for viewer in viewers.NAMES:
            for file, nodes in zip(files, self.open(viewer, files)):
                with self.subTest(viewer, file=file.name):
                    self.compare(nodes, file.with_suffix(".expected").read_text())

    def test_large_heap(self) -> None:
        """Against lw_dominators_get()."""
        file = self.folder / "large.heapsnapshot"
        for viewer in viewers.NAMES:
            with self.subTest(viewer):
                [nodes] = self.open(viewer, [file])
                self.assertGreater(len(nodes), NODES // 2)
                self.compare(nodes, file.with_suffix(".expected").read_text())

    def compare(self, nodes: list[list[Any]], expected: str) -> None:
        lines = [line.split(" ") for line in expected.splitlines()]
        count = next(int(words[1]) for words in lines if words[0] == "nodes")
        # A node's own size may go beyond what the format holds; the rest hangs on it.
        want = {int(words[1]): (int(words[4]), min(int(words[2]), 2**32 - 1), words[5])
                for words in lines if words[0] == "node"}
        found = {node[0]: (node[1], node[2], node[4]) for node in nodes
                 if node[3] != "synthetic" and node[0] < 2 + count}
        wrong = [number for number in {*found, *want} if found.get(number) != want.get(number)]
        self.assertEqual([(number, found.get(number), want.get(number)) for number in wrong[:5]],
                         [], f"{len(wrong)} of {len(want)} nodes differ")
        self.assertEqual(nodes[0][1], sum(node[2] for node in nodes), "the root retains all")


if __name__ == "__main__":
    unittest.main()
