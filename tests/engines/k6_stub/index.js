// Stands in for k6's own module: checks, counted by name.

import { state } from './state.js';

export function check(value, conditions) {
  let all = true;
  for (const [name, condition] of Object.entries(conditions)) {
    const counted = (state.checks[name] ??= { passes: 0, fails: 0 });
    const holds = Boolean(condition(value));
    counted[holds ? 'passes' : 'fails'] += 1;
    all = all && holds;
  }
  return all;
}
