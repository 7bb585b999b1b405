// The orders of artillery.yml: their ids, signatures and acknowledgements.
// Written by `payout-notify export --to artillery`; the key comes from PAYOUT_NOTIFY_KEY.

import crypto from 'node:crypto';
import process from 'node:process';

const KEY = process.env.PAYOUT_NOTIFY_KEY || '';
if (KEY === '') throw new Error('no key was given: set PAYOUT_NOTIFY_KEY');

function digest(algorithm, text) {
  return crypto.createHash(algorithm).update(text).digest('hex');
}

function hmacSha256(text) {
  return crypto.createHmac('sha256', KEY).update(text).digest('hex');
}

function randomHex(digits) {
  return crypto.randomBytes(Math.ceil(digits / 2)).toString('hex').slice(0, digits);
}

@COMMON@
// The load.

// Counts in this process; every process of a fleet begins at 1.
let number = 0;

// Puts a fresh order into the request.
export function putOrder(request, context, events, done) {
  number += 1;
  if (PLAN.in_query) {
    request.url = withQuery(request.url, makeOrder(number));
    return done();
  }
  // Bytes, since a text would be searched for Artillery's own placeholders.
  request.body = Buffer.from(makeOrder(number));
  return done();
}

// Makes a reply that does not acknowledge a failure, with the reason.
export function judge(request, response, context, events, done) {
  const reason = refusalOf(response.statusCode, response.body || '');
  if (reason === null) {
    events.emit('counter', 'payout_notify.acknowledged', 1);
    return done();
  }
  return done(new Error(`not acknowledged: ${reason}`));
}
