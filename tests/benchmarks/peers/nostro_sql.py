"""What an application keeps beside hf-nostro's own tables: purchases, and messages it has seen."""

from typing import Final

SCALE: Final = 0
"""Points are whole."""

SCHEMA: Final = """
CREATE TABLE purchase (
    id text PRIMARY KEY,
    total numeric(12, 2) NOT NULL,
    granted bigint NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'posted'
);
CREATE TABLE seen (id text PRIMARY KEY);
"""
POSTED: Final = """
INSERT INTO purchase (id, total) VALUES (%(purchase)s, %(amount)s) ON CONFLICT (id) DO NOTHING
"""
SEEN: Final = "INSERT INTO seen (id) VALUES (%(id)s) ON CONFLICT DO NOTHING"
LOCK: Final = "SELECT status, total, granted FROM purchase WHERE id = %(purchase)s FOR UPDATE"
SET_TOTAL: Final = "UPDATE purchase SET total = %(amount)s WHERE id = %(purchase)s"
LESS: Final = "UPDATE purchase SET total = total - %(amount)s WHERE id = %(purchase)s"
SET_STATUS: Final = "UPDATE purchase SET status = %(status)s WHERE id = %(purchase)s"
ADD_GRANTED: Final = """
UPDATE purchase SET granted = granted + %(points)s WHERE id = %(purchase)s
"""
AGE: Final = "UPDATE nostro.credit_lot SET expires_at = expires_at - %(days)s * interval '1 day'"
