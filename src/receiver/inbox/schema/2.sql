CREATE TABLE kept (
    id INTEGER PRIMARY KEY,
    run_us INTEGER NOT NULL,
    number INTEGER NOT NULL,
    received_at_us INTEGER NOT NULL,
    remote TEXT NOT NULL,
    method TEXT NOT NULL,
    code TEXT NOT NULL,
    signature TEXT CHECK (signature IN ('match', 'mismatch')),
    status INTEGER,
    amount_cents INTEGER,
    delivery INTEGER,
    reply_status INTEGER,
    reply_action TEXT,
    forward_url TEXT,
    forward_elapsed_us INTEGER,
    forward_error TEXT,
    forward_status INTEGER,
    forward_acknowledges INTEGER,
    forward_remark TEXT,
    order_id TEXT,
    explanation TEXT,
    path TEXT NOT NULL,
    headers BLOB NOT NULL,
    reply_headers BLOB NOT NULL,
    reply_body BLOB NOT NULL,
    body BLOB NOT NULL,
    forward_headers BLOB,
    forward_body BLOB
) STRICT;
INSERT INTO kept SELECT * FROM entries;
CREATE TABLE numbers (last INTEGER NOT NULL) STRICT;
INSERT INTO numbers SELECT coalesce(max(seq), 0) FROM sqlite_sequence;
DROP TABLE entries;
ALTER TABLE kept RENAME TO entries;
