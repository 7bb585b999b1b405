// Signs NDJSON by the platform's MD5 rule, as a merchant would in Node.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const key = process.env.PAYOUT_NOTIFY_KEY;

function sign(payload) {
  const pairs = Object.keys(payload)
    .filter((name) => name !== 'sign' && name !== 'sign_type')
    .filter((name) => payload[name] !== '' && payload[name] !== null)
    .sort()
    .map((name) => {
      const value = payload[name];
      return `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`;
    });
  return createHash('md5').update(`${pairs.join('&')}&${key}`).digest('hex');
}

let out = [];
for await (const line of createInterface({ input: createReadStream(process.argv[2]) })) {
  let payload;
  try {
    payload = JSON.parse(line);
  } catch {
    continue;
  }
  payload.sign = sign(payload);
  out.push(JSON.stringify(payload));
  if (out.length === 1000) {
    process.stdout.write(`${out.join('\n')}\n`);
    out = [];
  }
}
if (out.length > 0) process.stdout.write(`${out.join('\n')}\n`);
