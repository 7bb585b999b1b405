// The signing rule in JavaScript, written from the protocol's page and not from the tool: one answer per line.
//
// JSON.parse loses the digits of numbers and keeps the last of two equal members, so it only decides what is
// well formed; a small reader of its own keeps the rest.
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';

const key = process.env.PAYOUT_NOTIFY_KEY;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const DEEPEST = 127;

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }
  skip() {
    while (' \t\r\n'.includes(this.text[this.at] ?? 'x')) this.at += 1;
  }
  string() {
    const from = this.at;
    this.at += 1;
    while (this.text[this.at] !== '"') this.at += this.text[this.at] === '\\' ? 2 : 1;
    this.at += 1;
    const text = JSON.parse(this.text.slice(from, this.at));
    if (!text.isWellFormed()) throw new Error('half of a surrogate pair');
    return text;
  }
  // Each value as { kind, text, inner }.
  value(level) {
    this.skip();
    const first = this.text[this.at];
    if (first === '"') return { kind: 'string', text: this.string() };
    if (first === '{' || first === '[') return this.nested(first, level + 1);
    const from = this.at;
    while (this.at < this.text.length && !',]} \t\r\n'.includes(this.text[this.at])) this.at += 1;
    const text = this.text.slice(from, this.at);
    return { kind: text === 'null' ? 'null' : 'literal', text };
  }
  nested(open, level) {
    if (level > DEEPEST) throw new Error('too deep');
    const close = open === '{' ? '}' : ']';
    const inner = [];
    const names = new Set();
    this.at += 1;
    for (this.skip(); this.text[this.at] !== close; this.skip()) {
      if (this.text[this.at] === ',') {
        this.at += 1;
        this.skip();
      }
      let name;
      if (open === '{') {
        name = this.string();
        if (names.has(name)) throw new Error('duplicate field');
        names.add(name);
        this.skip();
        this.at += 1;
      }
      inner.push([name, this.value(level)]);
    }
    this.at += 1;
    return { kind: open === '{' ? 'object' : 'array', inner };
  }
}

function compact({ kind, text, inner }) {
  if (kind === 'string') return JSON.stringify(text);
  if (kind === 'object') return `{${inner.map(([name, v]) => `${JSON.stringify(name)}:${compact(v)}`).join(',')}}`;
  if (kind === 'array') return `[${inner.map(([, v]) => compact(v)).join(',')}]`;
  return text;
}

function signature(line) {
  const text = utf8.decode(line);
  const parsed = JSON.parse(text);
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) throw new Error('no object');
  const members = new Map(new Reader(text).value(0).inner);
  const pairs = [...members]
    .filter(([name]) => name !== 'sign' && name !== 'sign_type')
    .filter(([, { kind, text }]) => kind !== 'null' && !(kind === 'string' && text === ''))
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([name, value]) => `${name}=${value.text ?? compact(value)}`);
  const s = pairs.join('&');
  let kind = members.get('sign_type') ?? { kind: 'null' };
  if (kind.kind === 'null' || (kind.kind === 'string' && kind.text === '')) kind = { kind: 'string', text: 'MD5' };
  if (kind.kind !== 'string') throw new Error('sign_type is not text');
  switch (kind.text.toUpperCase()) {
    case 'MD5':
      return createHash('md5').update(`${s}&${key}`).digest('hex');
    case 'HMAC-SHA256':
      return createHmac('sha256', key).update(s).digest('hex');
    default:
      throw new Error('an unknown sign_type');
  }
}

const input = readFileSync(0);
const answers = [];
for (let from = 0; from < input.length; ) {
  const end = input.indexOf(10, from);
  let line = input.subarray(from, end);
  if (line.at(-1) === 13) line = line.subarray(0, -1);
  try {
    answers.push(signature(line));
  } catch {
    answers.push('refused');
  }
  from = end + 1;
}
process.stdout.write(`${answers.join('\n')}\n`);
