// Stands in for k6/crypto: digests of texts in hexadecimal digits, and random bytes.

import crypto from 'node:crypto';

const digest = (algorithm) => (text, encoding) =>
  crypto.createHash(algorithm).update(text).digest(encoding);

export default {
  md5: digest('md5'),
  sha256: digest('sha256'),
  hmac: (algorithm, key, text, encoding) =>
    crypto.createHmac(algorithm, key).update(text).digest(encoding),
  // An ArrayBuffer, as k6 gives.
  randomBytes: (length) => Uint8Array.from(crypto.randomBytes(length)).buffer,
};
