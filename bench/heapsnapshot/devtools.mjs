// Opens files as the Memory panel of Chrome's DevTools does, without its window.
//
// usage: node devtools.mjs time|nodes FILE..., with devtools-loader.mjs from bundle.mjs beside it
import {createReadStream} from 'node:fs';

import {report} from './report.mjs';

// Chrome has had it for years, node since its version 22.
Promise.withResolvers ??= () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, {resolve, reject}));
  return parts;
};

const {HeapSnapshotLoader, SecondaryInitManager} = await import('./devtools-loader.mjs');

// A loader that has to repair a file says so on the console.
console.warn = text => {
  throw new Error(text);
};

async function load(file, parsed) {
  const loader = new HeapSnapshotLoader({sendEvent() {}});
  for await (const chunk of createReadStream(file, {encoding: 'utf8', highWaterMark: 1 << 20})) {
    loader.write(chunk);
    await null;
  }
  loader.close();
  await loader.parsingComplete;
  parsed();
  const {port1, port2} = new MessageChannel();
  new SecondaryInitManager(port2);
  const snapshot = await loader.buildSnapshot(port1);
  port1.close();
  return {
    count: snapshot.nodeCount,
    all() {
      const all = [];
      for (let ordinal = 0; ordinal < snapshot.nodeCount; ordinal++) {
        const node = snapshot.createNode(ordinal * snapshot.nodeFieldCount);
        all.push([node.id(), node.retainedSize(), node.selfSize(), node.type(), node.name()]);
      }
      return all;
    },
  };
}

await report(load);
