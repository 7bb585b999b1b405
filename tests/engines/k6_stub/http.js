// Stands in for k6/http: a request that blocks until the reply is there. A thread does the request,
// since a script for k6 does not wait for promises.

import { MessageChannel, Worker, receiveMessageOnPort } from 'node:worker_threads';

import { state } from './state.js';

const { port1: near, port2: far } = new MessageChannel();
const signal = new Int32Array(new SharedArrayBuffer(4));
const worker = new Worker(new URL('./request.js', import.meta.url), {
  workerData: { port: far, signal },
  transferList: [far],
  // Not the flags of this process: --eval takes text, and a worker runs a file.
  execArgv: [],
});
worker.unref();

function seconds(text) {
  const found = /^([0-9.]+)s$/.exec(text);
  if (found === null) throw new TypeError(`a timeout such as "10s" is expected, not ${text}`);
  return Number(found[1]);
}

export default {
  request(method, url, body, { headers, redirects, timeout }) {
    if (redirects !== 0) throw new TypeError('the stub follows no redirects');
    state.requests += 1;
    Atomics.store(signal, 0, 0);
    near.postMessage({ method, url, body, headers, timeout: seconds(timeout) * 1000 });
    Atomics.wait(signal, 0, 0);
    return receiveMessageOnPort(near).message;
  },
};
