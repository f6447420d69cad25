"""A plain PostgreSQL points schema, the way most shops keep points: SQL of our own.

An account row with the balance, a row for every movement under a unique reference, and a row for
each purchase. Every message is one transaction. Points that were granted keep what is left of
them, so that they can be spent soonest first and expire.
"""

from typing import Final

SCHEMA: Final = """
CREATE TABLE account (
    member text PRIMARY KEY,
    balance bigint NOT NULL DEFAULT 0
);
CREATE TABLE purchase (
    id text PRIMARY KEY,
    member text NOT NULL,
    total numeric(12, 2) NOT NULL,
    status text NOT NULL DEFAULT 'posted'
);
CREATE TABLE movement (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member text NOT NULL REFERENCES account (member),
    reference text NOT NULL UNIQUE,
    purchase text,
    points bigint NOT NULL,
    remaining bigint NOT NULL DEFAULT 0,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX movement_of_purchase ON movement (purchase);
CREATE INDEX movement_with_points ON movement (member, expires_at) WHERE remaining > 0;
CREATE INDEX movement_expiring ON movement (expires_at) WHERE remaining > 0;
"""

OPEN_ACCOUNT: Final = "INSERT INTO account (member) VALUES (%(member)s) ON CONFLICT DO NOTHING"

POSTED: Final = """
INSERT INTO purchase (id, member, total) VALUES (%(purchase)s, %(member)s, %(amount)s)
ON CONFLICT (id) DO NOTHING
"""
LOCK_PURCHASE: Final = "SELECT status, total FROM purchase WHERE id = %(purchase)s FOR UPDATE"
SET_TOTAL: Final = "UPDATE purchase SET total = %(amount)s WHERE id = %(purchase)s"
LESS: Final = "UPDATE purchase SET total = total - %(amount)s WHERE id = %(purchase)s"
SET_STATUS: Final = "UPDATE purchase SET status = %(status)s WHERE id = %(purchase)s"
GRANTED: Final = "SELECT coalesce(sum(points), 0) FROM movement WHERE purchase = %(purchase)s"

MOVE: Final = """
INSERT INTO movement (member, reference, purchase, points, remaining, expires_at)
VALUES (%(member)s, %(reference)s, %(purchase)s, %(points)s, greatest(%(points)s, 0),
        CASE WHEN %(points)s > 0 THEN now() + make_interval(days => %(valid_days)s) END)
ON CONFLICT (reference) DO NOTHING
"""
KNOWN: Final = "SELECT points FROM movement WHERE reference = %(reference)s"
ADD: Final = "UPDATE account SET balance = balance + %(points)s WHERE member = %(member)s"
SPEND: Final = """
UPDATE account SET balance = balance - %(points)s
WHERE member = %(member)s AND balance >= %(points)s
"""
USE_UP: Final = """
WITH line AS (
    SELECT id, remaining,
           sum(remaining) OVER (ORDER BY expires_at, id) - remaining AS before
    FROM movement WHERE member = %(member)s AND remaining > 0
)
UPDATE movement SET remaining = movement.remaining
    - least(line.remaining, greatest(%(points)s - line.before, 0))
FROM line WHERE movement.id = line.id AND line.before < %(points)s
"""
BALANCE: Final = "SELECT balance FROM account WHERE member = %(member)s"

EXPIRE: Final = """
WITH due AS (
    SELECT id, member, remaining FROM movement
    WHERE remaining > 0 AND expires_at <= now()
    ORDER BY member, id FOR UPDATE
), emptied AS (
    UPDATE movement SET remaining = 0 FROM due WHERE movement.id = due.id
), noted AS (
    INSERT INTO movement (member, reference, points)
    SELECT member, 'expired:' || id, -remaining FROM due
)
UPDATE account SET balance = balance - gone.points
FROM (SELECT member, sum(remaining) AS points FROM due GROUP BY member) AS gone
WHERE account.member = gone.member
"""
AGE: Final = "UPDATE movement SET expires_at = expires_at - %(days)s * interval '1 day'"

# --- What pgbench drives: the same statements over many members, in its own notation.

FILL: Final = """
INSERT INTO account (member) SELECT 'pgbench-' || n FROM generate_series(1, 1000) AS n
"""
PGBENCH: Final = r"""
\set member random(1, 1000)
\set purchase random(1, 1000000000000)
BEGIN;
INSERT INTO purchase (id, member, total)
    VALUES ('pgbench-' || :purchase, 'pgbench-' || :member, 100.00) ON CONFLICT (id) DO NOTHING;
COMMIT;
BEGIN;
SELECT status, total FROM purchase WHERE id = 'pgbench-' || :purchase FOR UPDATE;
UPDATE purchase SET status = 'paid' WHERE id = 'pgbench-' || :purchase;
INSERT INTO movement (member, reference, purchase, points, remaining, expires_at)
    VALUES ('pgbench-' || :member, 'paid-pgbench-' || :purchase, 'pgbench-' || :purchase,
            100, 100, now() + make_interval(days => :valid_days))
    ON CONFLICT (reference) DO NOTHING;
UPDATE account SET balance = balance + 100 WHERE member = 'pgbench-' || :member;
COMMIT;
"""
PGBENCH_MESSAGES: Final = 2
"""A purchase posted, and paid."""
