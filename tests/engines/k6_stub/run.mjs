// Runs a script for k6 in Node: one iteration after another, without its rate.
//
//     node node_modules/k6/run.mjs SCRIPT
//
// Prints what was counted as one line of JSON. Exits with 99, as k6 does, where a check failed and
// the script's threshold asks for all of them.

import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

globalThis.__ENV = process.env;
const { state } = await import('k6/state');
const script = await import(pathToFileURL(path.resolve(process.argv[2])));

const UNITS = { ms: 0.001, s: 1, m: 60, h: 3600 };

function seconds(text) {
  const found = /^([0-9.]+)(ms|s|m|h)$/.exec(text);
  if (found === null) throw new TypeError(`no duration: ${text}`);
  return Number(found[1]) * UNITS[found[2]];
}

const { scenarios, thresholds } = script.options;
const scenario = scenarios.notify;
if (scenario.executor !== 'constant-arrival-rate') throw new TypeError(scenario.executor);
for (const name of ['rate', 'preAllocatedVUs', 'maxVUs']) {
  if (!Number.isInteger(scenario[name]) || scenario[name] < 1) throw new TypeError(name);
}
seconds(scenario.gracefulStop);

const due = (scenario.rate * seconds(scenario.duration)) / seconds(scenario.timeUnit);
const shared = script.setup();
for (; state.iteration < due; state.iteration += 1) script.default(shared);

const { requests, checks, counters } = state;
console.log(JSON.stringify({ requests, checks, counters }));
const failed = Object.values(checks).some(({ fails }) => fails > 0);
process.exit(failed && thresholds.checks.includes('rate==1') ? 99 : 0);
