// What a run of the stub has counted so far.

export const state = { iteration: 0, requests: 0, checks: {}, counters: {} };
