// The thread that sends the requests of http.js.

import { workerData } from 'node:worker_threads';

const { port, signal } = workerData;

port.on('message', async ({ method, url, body, headers, timeout }) => {
  let reply;
  try {
    const response = await fetch(url, {
      method,
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeout),
    });
    reply = { status: response.status, body: await response.text() };
  } catch (error) {
    reply = { status: 0, body: null, error: String(error) };
  }
  port.postMessage(reply);
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
});
