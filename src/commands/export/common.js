const PLAN = @PLAN@;

const LONGEST_REPLY = 64 * 1024;

// The orders: a choice of texts with places for what differs from order to order.

// A random UUID of version 4.
function uuid() {
  const hex = randomHex(32);
  const variant = '89ab'[parseInt(hex[16], 16) & 3];
  const tail = `${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${tail}`;
}

function randomBetween(low, high) {
  return low + Math.floor(Math.random() * (high - low + 1));
}

// One value of an order, as text.
function draw(kind, number, nowMs, first) {
  switch (kind[0]) {
    case 'n':
      return String(number);
    case 'now':
      return String(Math.floor(nowMs / 1000) - Number(kind[1]));
    case 'now_ms':
      return String(nowMs);
    case 'uuid':
      return uuid();
    case 'hex':
      return randomHex(Number(kind[1]));
    case 'id':
      return String(first + number);
    default:
      return String(randomBetween(Number(kind[1]), Number(kind[2])));
  }
}

// Where the ids of a run may begin; null where the orders have other ids.
export function drawFirstId() {
  const kind = PLAN.orders.flatMap((order) => order.draws).find((one) => one[0] === 'id');
  return kind === undefined ? null : randomBetween(Number(kind[1]), Number(kind[2]));
}

// A text stands for itself, a number for the value with that index.
function join(parts, values) {
  return parts.map((part) => (typeof part === 'string' ? part : values[part])).join('');
}

// The signature of a canonical string.
function sign(canonical) {
  const scheme = PLAN.scheme;
  let text = canonical + scheme.before_key;
  if (scheme.suffix === 'key') text += KEY;
  if (scheme.suffix === 'md5-of-key') text += digest('md5', KEY);
  const hex = scheme.algorithm === 'hmac-sha256' ? hmacSha256(text) : digest(scheme.algorithm, text);
  return scheme.digest === 'upper' ? hex.toUpperCase() : hex;
}

// What the next order is, by the weights of the mix.
function choose(orders) {
  let left = Math.random() * orders.reduce((sum, order) => sum + order.weight, 0);
  for (const order of orders) {
    left -= order.weight;
    if (left < 0) return order;
  }
  return orders[orders.length - 1];
}

// Where the ids of this process begin, unless it is told: no two of its orders share one.
const ownFirstId = drawFirstId();

// The signed body of the order with this number, whose id counts from the first.
export function makeOrder(number, nowMs = Date.now(), first = ownFirstId) {
  const order = choose(PLAN.orders);
  const values = order.draws.map((kind) => draw(kind, number, nowMs, first));
  return join(order.body, values.concat(sign(join(order.canonical, values))));
}

// The URL of an order whose fields are in its query.
export function withQuery(url, pairs) {
  return url + (url.includes('?') ? '&' : '?') + pairs;
}

// The acknowledgement: the body decides, and only a 2xx reply counts.

// Whether valid JSON has a member twice in one object: parsers disagree on its value.
function hasDuplicate(json) {
  const tokens = json.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g) || [];
  const open = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (tokens[at + 1] === ':') {
      const name = JSON.parse(token);
      const names = open[open.length - 1];
      if (names.has(name)) return true;
      names.add(name);
    }
  }
  return false;
}

// Why a JSON reply does not acknowledge; null where it does.
function refusalOfJson(text, members) {
  let reply;
  try {
    reply = JSON.parse(text);
    if (hasDuplicate(text)) return 'duplicate-member';
  } catch (_) {
    return 'not-json';
  }
  if (reply === null || typeof reply !== 'object' || Array.isArray(reply)) return 'not-an-object';
  const has = (name) => Object.prototype.hasOwnProperty.call(reply, name);
  if (members !== null) {
    const same = Object.keys(members).every(
      (name) => has(name) && JSON.stringify(reply[name]) === JSON.stringify(members[name]),
    );
    return same ? null : 'not-the-reply';
  }
  if (!has('error_code')) return 'no-code';
  const code = reply.error_code;
  if (code === '0000') return null;
  // What a merchant may write freely would fill the statistics.
  if (typeof code === 'string') return /^[0-9]{4}$/.test(code) ? `refused ${code}` : 'refused';
  return typeof code === 'number' ? 'number-code' : 'code-type';
}

// The return_code of a reply in the documented form, elements of plain text or CDATA directly below
// <xml>; null of any other: this reads no other XML, so that it takes no refusal for a success.
function returnCode(body) {
  if (/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(body)) return null;
  const start =
    /^\ufeff?(?:<\?xml version=(["'])1\.0\1(?: encoding=(["'])utf-8\2)? ?\?>)?[ \t\r\n]*<xml>/i.exec(body);
  const end = /<\/xml>[ \t\r\n]*$/.exec(body);
  if (start === null || !start[0].endsWith('<xml>') || end === null) return null;
  const inner = body.slice(start[0].length, end.index);
  const element =
    /[ \t\r\n]*<([A-Za-z_][A-Za-z0-9_.-]*)>(?:[ \t\r\n]*<!\[CDATA\[((?:[^\]]|\](?!\]>))*)\]\]>[ \t\r\n]*|((?:[^<>&]|&(?:amp|lt|gt|quot|apos);)*))<\/\1>[ \t\r\n]*/y;
  const codes = [];
  while (element.lastIndex < inner.length) {
    const found = element.exec(inner);
    if (found === null) return null;
    const [, name, cdata, plain] = found;
    if (name !== 'return_code') continue;
    codes.push(cdata === undefined ? plain.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '') : cdata);
  }
  return codes.length === 1 ? codes[0] : null;
}

// Why a reply's body does not acknowledge; null where it does.
function refusalOfBody(body) {
  const rule = PLAN.acknowledgement;
  if (body.length > LONGEST_REPLY) return 'too-long';
  const text = body.replace(/^[ \t\r\n\f]+|[ \t\r\n\f]+$/g, '');
  if (text === '') return 'empty';
  if (rule.kind === 'error-code') return refusalOfJson(text, null);
  if (rule.kind === 'members') return refusalOfJson(text, JSON.parse(rule.reply));
  if (rule.kind === 'return-code') {
    return returnCode(body) === 'SUCCESS' ? null : 'not-the-reply';
  }
  return text === rule.reply ? null : 'not-the-reply';
}

// Why a reply does not acknowledge, in a few words; null where it does.
export function refusalOf(status, body) {
  if ([301, 302, 303, 307, 308].includes(status)) return `redirect ${status}`;
  const reason = refusalOfBody(body);
  if (status >= 200 && status <= 299) return reason;
  return reason === null ? `status-with-right-body ${status}` : `status ${status}`;
}
