CREATE INDEX entries_by_order ON entries (order_id) WHERE order_id IS NOT NULL;
