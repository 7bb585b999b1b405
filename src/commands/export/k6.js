// Signed payout notifications as a k6 test; written by `payout-notify export --to k6`.
//
//     k6 run -e PAYOUT_NOTIFY_KEY payout-notify-k6.js
//
// The k6 operator runs it as it is: put the key into the runner's environment, from a secret.
// Every order has fresh ids and a signature of its own. A reply that does not acknowledge fails the
// check "acknowledged", is counted under not_acknowledged with its reason, and ends the run with
// k6's exit code for a threshold.

import { check } from 'k6';
import crypto from 'k6/crypto';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter } from 'k6/metrics';

const KEY = __ENV.PAYOUT_NOTIFY_KEY || '';
if (KEY === '') throw new Error('no key was given: set PAYOUT_NOTIFY_KEY');

function digest(algorithm, text) {
  return algorithm === 'md5' ? crypto.md5(text, 'hex') : crypto.sha256(text, 'hex');
}

function hmacSha256(text) {
  return crypto.hmac('sha256', KEY, text, 'hex');
}

function randomHex(digits) {
  const bytes = new Uint8Array(crypto.randomBytes(Math.ceil(digits / 2)));
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex.slice(0, digits);
}

@COMMON@
// The load.

export const options = {
  scenarios: {
    notify: {
      executor: 'constant-arrival-rate',
      rate: PLAN.rate,
      timeUnit: PLAN.rate_unit,
      // One more is begun than is needed: which order is the last, its number says.
      duration: PLAN.duration,
      preAllocatedVUs: PLAN.users,
      maxVUs: PLAN.most_users,
      gracefulStop: `${Math.ceil(PLAN.timeout_s)}s`,
    },
  },
  thresholds: {
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
  },
};

const notAcknowledged = new Counter('not_acknowledged');

// Once in a test: the users count their ids from the same place, so no two orders share one.
export function setup() {
  return { firstId: drawFirstId() };
}

export default function notify(shared) {
  // Unique in the whole test, however many machines share it.
  const number = exec.scenario.iterationInTest + 1;
  if (number > PLAN.count) return;
  const order = makeOrder(number, Date.now(), shared.firstId);
  const url = PLAN.in_query ? withQuery(PLAN.url, order) : PLAN.url;
  const response = http.request(PLAN.method, url, PLAN.in_query ? null : order, {
    headers: { 'Content-Type': PLAN.content_type },
    redirects: 0,
    timeout: `${PLAN.timeout_s}s`,
    tags: { name: 'notify' },
  });
  const reason =
    response.status === 0 ? 'no reply' : refusalOf(response.status, response.body || '');
  if (reason !== null) {
    notAcknowledged.add(1, { reason });
    check(response, { [`not acknowledged: ${reason}`]: () => false });
  }
  check(response, { acknowledged: () => reason === null });
}
