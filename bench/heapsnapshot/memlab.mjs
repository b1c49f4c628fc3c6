// Opens files as memlab does.
//
// usage: node memlab.mjs time|nodes FILE...
import core from '@memlab/core';
import analysis from '@memlab/heap-analysis';

import {report} from './report.mjs';

core.config.muteConsole = true;

// Inside of getFullHeapFromFile() this is where parsing ends.
const parse = core.utils.getSnapshotFromFile;
let parsed;
core.utils.getSnapshotFromFile = async (...args) => {
  const heap = await parse(...args);
  parsed();
  return heap;
};

await report(async (file, then) => {
  parsed = then;
  const heap = await analysis.getFullHeapFromFile(file);
  return {
    count: heap.nodes.length,
    all() {
      const all = [];
      heap.nodes.forEach(node => {
        all.push([node.id, node.retainedSize, node.self_size, node.type, node.name]);
      });
      return all;
    },
  };
});
