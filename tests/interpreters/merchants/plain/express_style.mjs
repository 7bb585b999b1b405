// A payout notification handler in Express' idiom, on the standard library.
//
//     node express_style.mjs PORT STATE
//
// Books each order once: one line "order amount" in STATE. The platform key is in
// PLATFORM_KEY. `json()` and `handle()` do what `express.json()` and Express'
// own error handler do: 400, 404, 413 and 500 pages, and an empty body where the
// content type is not JSON.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer, STATUS_CODES } from 'node:http';

const KEY = process.env.PLATFORM_KEY ?? 'ThisIsYourSecretKey123';
const [port, state] = process.argv.slice(2);

const closed = new Map();
if (existsSync(state)) {
  for (const line of readFileSync(state, 'utf8').split('\n').filter(Boolean)) {
    closed.set(line.slice(0, line.lastIndexOf(' ')), 3);
  }
}

function sign(body) {
  const text = Object.keys(body)
    .filter((name) => name !== 'sign' && name !== 'sign_type')
    .filter((name) => body[name] !== '' && body[name] !== null)
    .sort()
    .map((name) => {
      const value = body[name];
      return `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`;
    })
    .join('&');
  switch ((body.sign_type ?? 'MD5').toUpperCase()) {
    case 'MD5':
      return createHash('md5').update(`${text}&${KEY}`).digest('hex');
    case 'HMAC-SHA256':
      return createHmac('sha256', KEY).update(text).digest('hex');
    default:
      return null;
  }
}

function isSigned(body) {
  const expected = sign(body);
  if (expected === null || typeof body.sign !== 'string') return false;
  const given = Buffer.from(body.sign);
  return given.length === expected.length && timingSafeEqual(given, Buffer.from(expected));
}

function notify(req, res) {
  const { body } = req;
  if (!isSigned(body)) {
    return res.json({ error_code: '0004', error_msg: 'bad signature' });
  }
  const order = body.payout_cl_id;
  const amount = Number(body.amount);
  const status = Number(body.status);
  if (!order || !Number.isSafeInteger(amount) || !Number.isInteger(status)) {
    return res.json({ error_code: '0002', error_msg: 'invalid parameters' });
  }
  const final = status === 3 || status === 4 || status === 5;
  if (final && !closed.has(order)) {
    if (status === 3) appendFileSync(state, `${order} ${amount}\n`);
    closed.set(order, status);
  }
  return res.json({ error_code: '0000' });
}

class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function json(req) {
  const type = (req.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  if (type !== 'application/json') return {};
  const chunks = [];
  let length = 0;
  for await (const chunk of req) {
    length += chunk.length;
    if (length > 100 * 1024) throw new HttpError(413, 'request entity too large');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return {};
  if (!/^\s*[[{]/.test(text)) throw new HttpError(400, 'Unexpected token');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpError(400, error.message);
  }
}

async function handle(req, res) {
  res.json = (value) => {
    res.setHeader('content-type', 'application/json; charset=utf-8');
    res.end(JSON.stringify(value));
  };
  try {
    if (req.method !== 'POST' || req.url.split('?')[0] !== '/notify') {
      throw new HttpError(404, `Cannot ${req.method}`);
    }
    req.body = await json(req);
    notify(req, res);
  } catch (error) {
    res.statusCode = error.status ?? 500;
    res.setHeader('content-type', 'text/html; charset=utf-8');
    res.end(
      '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n' +
        `<body>\n<pre>${STATUS_CODES[res.statusCode]}</pre>\n</body>\n</html>\n`,
    );
  }
}

const server = createServer(handle);
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/notify`);
});
