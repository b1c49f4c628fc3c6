// Makes one file of the loader of Chrome's DevTools.
//
// usage: node bundle.mjs OUTPUT, from a folder with node_modules
import {createRequire} from 'node:module';
import {join} from 'node:path';

const here = createRequire(join(process.cwd(), 'package.json'));
const worker = 'chrome-devtools-frontend/front_end/entrypoints/heap_snapshot_worker';

// Made by the build of DevTools and not in the package; the loader shows no text.
const locales = {
  name: 'locales',
  setup(build) {
    build.onResolve({filter: /\/locales\.js$/}, () => ({path: 'locales', namespace: 'none'}));
    build.onLoad({filter: /.*/, namespace: 'none'}, () => ({
      contents: `export const LOCALES = [], BUNDLED_LOCALES = [], DEFAULT_LOCALE = 'en-US',
                 REMOTE_FETCH_PATTERN = '', LOCAL_FETCH_PATTERN = '';`,
    }));
  },
};

await here('esbuild').build({
  stdin: {
    contents: `export {HeapSnapshotLoader} from '${worker}/HeapSnapshotLoader.ts';
               export {SecondaryInitManager} from '${worker}/HeapSnapshot.ts';`,
    resolveDir: process.cwd(),
  },
  bundle: true,
  format: 'esm',
  platform: 'node',
  outfile: process.argv[2],
  plugins: [locales],
  logLevel: 'error',
});
