// Stands in for k6/metrics: counters, summed by the values of their tags.

import { state } from './state.js';

export class Counter {
  constructor(name) {
    this.name = name;
  }

  add(value, tags = {}) {
    const name = [this.name, ...Object.values(tags)].join(': ');
    state.counters[name] = (state.counters[name] ?? 0) + value;
  }
}
