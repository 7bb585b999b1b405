// Verifies and acknowledges payout notifications signed as the dialect @DIALECT@ says. Node 18 or later.
// Serve: PAYOUT_NOTIFY_KEY=... PORT=8080 node notify.mjs
// In a rotation PAYOUT_NOTIFY_RETIRED_KEY is accepted too.
// Test:  node notify.mjs VECTORS.json ...
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const SIGN_FIELD = @SIGN_FIELD@;
const READS_SIGN_TYPE = @READS_SIGN_TYPE@;
const SCHEMES = new Map([ // The first one holds where sign_type says nothing.
  [@ALGORITHM@, { beforeKey: @BEFORE_KEY@, key: @KEY_FORM@, separator: @SEPARATOR@,
    upper: @UPPER@, keepEmpty: @KEEP_EMPTY@, nulls: @NULLS@,
    signed: [@SIGNED@], unsigned: [@UNSIGNED@] }],
]);
const SUCCESS = @SUCCESS@;
const REFUSAL = @REFUSAL@;
// Fields that always come. Without them a value such as "x&fee=0" could swallow a field unseen.
const REQUIRED = [@REQUIRED@];
const [STATUS_FIELD, STATUS_IS_NUMBER] = [@STATUS_FIELD@, @STATUS_IS_NUMBER@];
const [METHOD, CONTENT_TYPE] = [@METHOD@, @CONTENT_TYPE@]; // Without a content type the fields are in the query.
const MAX_BODY = 65536;
const MAX_DEPTH = 127;
const TOKEN = new RegExp(String.raw`[ \t\n\r]*("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"`
  + String.raw`|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|[{}\[\],:])`, 'y');
const NOTHING = { kind: 'null', text: '' };

/** The members of a JSON object as a Map of { kind, text }; throws where it is none. */
function parse(json) {
  const tokens = [];
  let at = 0;
  TOKEN.lastIndex = 0;
  for (let found; (found = TOKEN.exec(json)); at = TOKEN.lastIndex) tokens.push(found[1]);
  if (!/^[ \t\n\r]*$/.test(json.slice(at)) || tokens[0] !== '{') throw new SyntaxError('no JSON object');
  tokens.reverse();
  const members = children(tokens, 1);
  if (tokens.length > 0) throw new SyntaxError('data after the object');
  return members;
}

/** The members of an object by name, or the values of an array by number. */
function children(tokens, depth) {
  const close = tokens.pop() === '{' ? '}' : ']';
  const found = new Map();
  let mark = tokens.at(-1) === close ? tokens.pop() : ',';
  for (; mark === ',' && depth <= MAX_DEPTH; mark = tokens.pop()) {
    let name = found.size;
    if (close === '}') {
      const { kind, text } = value(tokens, depth);
      if (kind !== 'string' || found.has(text) || tokens.pop() !== ':') throw new SyntaxError('no name, or a name twice');
      name = text;
    }
    found.set(name, value(tokens, depth));
  }
  if (mark !== close) throw new SyntaxError('not closed, or nested too deep');
  return found;
}

/** One value: digits as written, nested values as compact JSON. */
function value(tokens, depth) {
  const token = tokens.at(-1) ?? '';
  if (token === '{' || token === '[') {
    const parts = [...children(tokens, depth + 1)].map(([name, { kind, text }]) => {
      const shown = kind === 'string' ? JSON.stringify(text) : kind === 'null' ? 'null' : text;
      return token === '{' ? `${JSON.stringify(name)}:${shown}` : shown;
    });
    return token === '{' ? { kind: 'object', text: `{${parts}}` } : { kind: 'array', text: `[${parts}]` };
  }
  tokens.pop();
  if (token[0] === '"') {
    const text = JSON.parse(token);
    if (/\p{Surrogate}/u.test(text)) throw new SyntaxError('half of a surrogate pair');
    return { kind: 'string', text };
  }
  if (token === 'null') return NOTHING;
  if (token === 'true' || token === 'false') return { kind: 'boolean', text: token };
  if (/^[-0-9]/.test(token)) return { kind: 'number', text: token };
  throw new SyntaxError('no value');
}

/** The same of the pairs of a form or a query, whose values are all texts. */
function pairs(text) {
  const members = new Map();
  for (const pair of text.split('&')) {
    const [name, value, more] = pair.split('=').map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
    if (value === undefined || more !== undefined || members.has(name)) throw new SyntaxError('no pair, or a name twice');
    members.set(name, { kind: 'string', text: value });
  }
  return members;
}

function signature(members, algorithm, key) {
  const scheme = SCHEMES.get(algorithm);
  const text = [...members]
    .filter(([name]) => !scheme.unsigned.includes(name) && (scheme.signed.length === 0 || scheme.signed.includes(name)))
    .filter(([, { kind, text }]) => (kind === 'null' ? scheme.nulls !== 'drop' : text !== '' || scheme.keepEmpty))
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([name, { kind, text }]) => `${name}=${kind === 'null' && scheme.nulls === 'text' ? 'null' : text}`)
    .join(scheme.separator);
  const keyText = { plain: key, md5: createHash('md5').update(key).digest('hex'), none: '' }[scheme.key];
  const hash = algorithm === 'hmac-sha256' ? createHmac('sha256', key) : createHash(algorithm);
  const digest = hash.update(text + scheme.beforeKey + keyText).digest('hex');
  return scheme.upper ? digest.toUpperCase() : digest;
}

function verified(members, key) {
  const sign = members.get(SIGN_FIELD) ?? NOTHING;
  const said = (READS_SIGN_TYPE && members.get('sign_type')) || NOTHING;
  let [algorithm] = SCHEMES.keys();
  if (said.text !== '') algorithm = said.kind === 'string' ? said.text.toLowerCase() : '';
  else if (/^[0-9a-fA-F]{64}$/.test(sign.text)) {
    algorithm = ['hmac-sha256', 'sha256'].find((name) => SCHEMES.has(name)) ?? algorithm;
  }
  if (sign.kind !== 'string' || sign.text === '' || !SCHEMES.has(algorithm)) return false;
  const [given, right] = [Buffer.from(sign.text), Buffer.from(signature(members, algorithm, key))];
  return given.length === right.length && timingSafeEqual(given, right);
}

/** Whether the fields are there, plain, and not hidden inside another value. */
function usable(members) {
  const [{ separator }] = SCHEMES.values();
  const isPlain = ({ kind, text }) => (kind === 'string' || kind === 'number') && text !== '';
  const hides = ({ text }) => [...REQUIRED, 'real_amount'].some((name) => text.includes(`${separator}${name}=`));
  return REQUIRED.every((name) => isPlain(members.get(name) ?? NOTHING))
    && ![...members.values()].some(hides) && (!STATUS_IS_NUMBER || /^[0-9]+$/.test(members.get(STATUS_FIELD).text));
}

/** Called for every verified notification, duplicates and late ones included. */
async function settle(members) {
  // credit once: in the transaction that stores @ID_FIELD@
  //   BEGIN; INSERT INTO payouts(payout_id, ...) ... ON CONFLICT DO NOTHING; credit or refund only where a
  //   row was inserted or its status became final; COMMIT. Throw where that fails: it is sent again.
  // @STATUS_NOTE@
}

/** The HTTP status and the code of the reply. */
async function answer(request, keys) {
  if (request.method !== METHOD) return [405, '0023'];
  const type = (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  if (CONTENT_TYPE !== '' && type !== CONTENT_TYPE) return [415, '0022'];
  const chunks = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if ((size += chunk.length) > MAX_BODY) return [413, '0002'];
    chunks.push(chunk);
  }
  let members;
  try {
    const body = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
    const text = CONTENT_TYPE === '' ? request.url.split('?')[1] ?? '' : body;
    members = CONTENT_TYPE === 'application/json' ? parse(text) : pairs(text);
  } catch {
    return [400, '0021'];
  }
  if (!keys.some((key) => verified(members, key))) return [401, '0004'];
  if (!usable(members)) return [400, '0002'];
  await settle(members);
  return [200, '0000'];
}

function selftest(paths) {
  let checks = 0;
  let failures = 0;
  const check = (vector, algorithm, sign, wanted) => {
    const members = parse(vector.payload).set(SIGN_FIELD, sign);
    if (SCHEMES.get(algorithm).unsigned.includes('sign_type')) members.set('sign_type', { kind: 'string', text: algorithm });
    checks += 1;
    if (verified(members, vector.key) === wanted) return;
    failures += 1;
    console.log(`failed: ${vector.id ?? 'near miss'} ${algorithm} ${sign.text}`);
  };
  for (const vector of paths.flatMap((path) => JSON.parse(readFileSync(path, 'utf8')))) {
    for (const [algorithm, { upper }] of SCHEMES) {
      const string = (text, wanted) => check(vector, algorithm, { kind: 'string', text }, wanted);
      for (const { code, digest } of vector.cases ?? []) string(digest, code === { md5: 'OK-MD5', 'hmac-sha256': 'OK-HMAC' }[algorithm]);
      const right = vector[algorithm.replace('-', '_')];
      if (right === undefined) continue;
      string(right, true);
      for (const wrong of [upper ? right.toLowerCase() : right.toUpperCase(), right.slice(1), '']) string(wrong, false);
      check(vector, algorithm, { kind: 'boolean', text: 'true' }, false);
    }
  }
  console.log(failures > 0 ? `${failures} of ${checks} checks failed` : `ok: ${checks} checks`);
  process.exitCode = failures > 0 || checks === 0 ? 1 : 0;
}

function serve(keys) {
  const server = createServer({ requestTimeout: 10_000 }, async (request, response) => {
    const [status, code] = await answer(request, keys).catch(() => [500, '9999']);
    response.writeHead(status, {
      'Content-Type': SUCCESS.startsWith('{') ? 'application/json;charset=utf-8' : 'text/plain',
      ...(status === 200 ? {} : { Connection: 'close' }),
    });
    response.end(status === 200 ? SUCCESS : REFUSAL.replace('CODE', code));
  });
  server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}/`);
  });
}

const [key, retired] = [process.env.PAYOUT_NOTIFY_KEY, process.env.PAYOUT_NOTIFY_RETIRED_KEY];
if (process.argv.length > 2) selftest(process.argv.slice(2));
else if (key) serve([key, retired].filter(Boolean)); // Anyone can sign with an empty key.
else {
  console.error('set PAYOUT_NOTIFY_KEY');
  process.exitCode = 1;
}
