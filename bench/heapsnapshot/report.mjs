// What both loaders are asked for: one line of JSON per file.
import {readFileSync} from 'node:fs';
import {cpuUsage, hrtime} from 'node:process';

function seconds(usage) {
  return (usage.user + usage.system) / 1e6;
}

// Of this process alone: getrusage() counts what started it too.
function peakBytes() {
  return 1024 * Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}

// usage: node LOADER time|nodes FILE...; `load` gives the nodes as [id, retained size] and so on,
// and calls `parsed` when the file is read.
export async function report(load) {
  const [what, ...files] = process.argv.slice(2);
  for (const file of files) {
    const cpu = cpuUsage(), wall = hrtime.bigint();
    let parse = 0;
    const nodes = await load(file, () => (parse = seconds(cpuUsage(cpu))));
    const line = {
      file,
      cpu: seconds(cpuUsage(cpu)),
      parse,
      wall: Number(hrtime.bigint() - wall) / 1e9,
      peak: peakBytes(),
      count: nodes.count,
    };
    if (what === 'nodes') {
      line.nodes = nodes.all();
    }
    console.log(JSON.stringify(line));
  }
}
