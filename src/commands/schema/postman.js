// Signs what is sent by the rule of the dialect @DIALECT@; the key is the variable payout_notify_key.
const hashes = require('crypto-js');

@SCHEMES@
@PARSING@
/** The same of XML: one element with an element for each field. */
function elements(text) {
  const members = new Map();
  const inner = /^\s*<xml>([^]*)<\/xml>\s*$/.exec(text);
  if (inner === null) throw new SyntaxError('expected <xml>…</xml>');
  const entities = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  const element = /\s*<([A-Za-z_][\w.-]*)>(?:<!\[CDATA\[([^]*?)\]\]>|([^<]*))<\/\1>\s*/y;
  while (element.lastIndex < inner[1].length) {
    const found = element.exec(inner[1]);
    if (found === null || members.has(found[1])) throw new SyntaxError('no element, or a name twice');
    const plain = (found[3] ?? '').replace(/&(amp|lt|gt|quot|apos);/g, (_, name) => entities[name]);
    members.set(found[1], { kind: 'string', text: found[2] ?? plain });
  }
  return members;
}

/** Names are sorted by their bytes in UTF-8, whose hexadecimal digits have the same order. */
function byBytes([a], [b]) {
  const [left, right] = [a, b].map((name) => hashes.enc.Utf8.parse(name).toString());
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function signature(members, key) {
  const said = (READS_SIGN_TYPE && members.get('sign_type')) || NOTHING;
  const [first] = SCHEMES.keys();
  const algorithm = said.text === '' ? first : said.text.toLowerCase();
  const scheme = SCHEMES.get(algorithm);
  if (scheme === undefined) throw new Error(`unknown sign_type ${said.text}`);
  const text = [...members]
    .filter(([name]) => !scheme.unsigned.includes(name) && (scheme.signed.length === 0 || scheme.signed.includes(name)))
    .filter(([, { kind, text }]) => (kind === 'null' ? scheme.nulls !== 'drop' : text !== '' || scheme.keepEmpty))
    .sort(byBytes)
    .map(([name, { kind, text }]) => `${name}=${kind === 'null' && scheme.nulls === 'text' ? 'null' : text}`)
    .join(scheme.separator);
  const keyText = { plain: key, md5: hashes.MD5(key).toString(), none: '' }[scheme.key];
  const signed = text + scheme.beforeKey + keyText;
  const digest = {
    md5: () => hashes.MD5(signed),
    sha256: () => hashes.SHA256(signed),
    'hmac-sha256': () => hashes.HmacSHA256(signed, key),
  }[algorithm]().toString();
  return scheme.upper ? digest.toUpperCase() : digest;
}

const TRANSPORT = @TRANSPORT@;
const PARSERS = { json: parse, form: pairs, query: pairs, xml: elements };

/** Postman's objects, and those of Bruno, which imports the collection; each translates its own alone. */
const IN_POSTMAN = {
  key: () => pm.variables.get('payout_notify_key'),
  given: () => (TRANSPORT === 'query' ? pm.request.url.getQueryString() : pm.request.body.raw),
  filled: (text) => pm.variables.replaceIn(text),
  send: (raw) => {
    if (TRANSPORT !== 'query') return pm.request.body.update({ mode: 'raw', raw });
    pm.request.url.query.clear();
    return pm.request.url.addQueryParams(raw);
  },
};
const IN_BRUNO = {
  key: () => bru.interpolate('{{payout_notify_key}}').replace('{{payout_notify_key}}', ''),
  given: () => (TRANSPORT === 'query' ? req.getUrl().replace(/^[^?]*\??/, '') : req.getBody({ raw: true })),
  filled: (text) => bru.interpolate(text),
  send: (raw) => {
    if (TRANSPORT !== 'query') return req.setBody(raw, { raw: true });
    return req.setUrl(`${req.getUrl().replace(/\?.*$/, '')}?${raw}`);
  },
};
const client = typeof bru === 'undefined' ? IN_POSTMAN : IN_BRUNO;

const key = client.key();
if (!key) throw new Error('set the variable payout_notify_key to the platform key');
const text = client.filled(client.given());
const members = PARSERS[TRANSPORT](text);
if (members.has(SIGN_FIELD)) throw new Error(`leave out ${SIGN_FIELD}: this script adds it`);
const sign = signature(members, key);
const comma = members.size > 0 ? ',' : '';
const pair = () => `${text}&${encodeURIComponent(SIGN_FIELD)}=${sign}`;
const signed = {
  json: () => text.replace(/\s*\}\s*$/, `${comma}\n  ${JSON.stringify(SIGN_FIELD)}: "${sign}"\n}`),
  form: pair,
  query: pair,
  xml: () => text.replace(/<\/xml>\s*$/, `<${SIGN_FIELD}>${sign}</${SIGN_FIELD}></xml>`),
};
client.send(signed[TRANSPORT]());
