// What both loaders are asked for: one line of JSON per file.
import {resourceUsage, cpuUsage, hrtime} from 'node:process';

// usage: node LOADER time|nodes FILE...; `load` gives the nodes as [id, retained size] and so on.
export async function report(load) {
  const [what, ...files] = process.argv.slice(2);
  for (const file of files) {
    const cpu = cpuUsage(), wall = hrtime.bigint();
    const nodes = await load(file);
    const used = cpuUsage(cpu);
    const line = {
      file,
      cpu: (used.user + used.system) / 1e6,
      wall: Number(hrtime.bigint() - wall) / 1e9,
      peak: resourceUsage().maxRSS * 1024,
      count: nodes.count,
    };
    if (what === 'nodes') {
      line.nodes = nodes.all();
    }
    console.log(JSON.stringify(line));
  }
}
