-- The one database that the shop and the accounts service share, and what is
-- in it when the demo starts. Money is in cents.

CREATE TABLE accounts (
	id         bigserial PRIMARY KEY,
	email      text NOT NULL UNIQUE,
	name       text NOT NULL,
	nickname   text,
	balance    bigint NOT NULL DEFAULT 0,
	version    integer NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL
);

CREATE TABLE account_tags (
	account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
	position   integer NOT NULL,
	tag        text NOT NULL,
	PRIMARY KEY (account_id, position)
);

CREATE TABLE entries (
	id         bigserial PRIMARY KEY,
	account_id bigint NOT NULL REFERENCES accounts,
	amount     bigint NOT NULL,
	note       text NOT NULL,
	created_at timestamptz NOT NULL
);
CREATE INDEX ON entries (account_id, id);

CREATE TABLE audit_log (
	id         bigserial PRIMARY KEY,
	account_id bigint NOT NULL,
	action     text NOT NULL,
	at         timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE products (
	id    bigserial PRIMARY KEY,
	name  text NOT NULL,
	price bigint NOT NULL
);

CREATE TABLE orders (
	id         bigserial PRIMARY KEY,
	account_id bigint NOT NULL REFERENCES accounts,
	product_id bigint NOT NULL REFERENCES products,
	quantity   integer NOT NULL CHECK (quantity > 0),
	total      bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO accounts (email, name, nickname, created_at, updated_at)
SELECT 'customer' || n || '@example.com',
       (CASE WHEN n <= 12 THEN ARRAY['Ada','Barbara','Edsger','Grace','Ken','Radia']
             ELSE ARRAY['Alan','Donald','Frances','John','Katherine','Tony'] END)[1 + n % 6] || ' ' || n,
       CASE WHEN n % 2 = 0 THEN 'duck' || n END,
       timestamptz '2026-03-01 09:00:00.123456+00' + n * interval '1 hour',
       timestamptz '2026-03-01 09:00:00.123456+00' + n * interval '1 hour'
FROM generate_series(1, 24) n;

-- The shop's staff puts the tag that matters first.
INSERT INTO account_tags (account_id, position, tag)
SELECT a.id, t.position, t.tag
FROM accounts a
CROSS JOIN LATERAL unnest(CASE WHEN a.id % 3 = 0 THEN ARRAY['early','vip'] ELSE ARRAY['vip','early','newsletter'] END)
	WITH ORDINALITY AS t (tag, position);

INSERT INTO entries (account_id, amount, note, created_at)
SELECT a.id, 1000 + 37 * n + 11 * a.id, 'deposit', a.created_at + n * interval '1 minute'
FROM accounts a, generate_series(1, 40) n;

UPDATE accounts a SET balance = (SELECT sum(amount) FROM entries WHERE account_id = a.id);

INSERT INTO products (name, price)
VALUES ('Rubber duck', 495), ('Pond', 129900), ('Bread (not for ducks)', 320), ('Umbrella', 1850);
