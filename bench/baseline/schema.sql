-- The peer's tables: the same facts, constraints and indexes as Holdfast keeps.
CREATE TABLE connections (
  connection_id uuid PRIMARY KEY,
  client_id uuid NOT NULL,
  partners_connection_id text NOT NULL CHECK (partners_connection_id <> ''),
  partner_client_id text NOT NULL,
  registered_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE accounts (
  connection_id uuid NOT NULL REFERENCES connections,
  currency text COLLATE "C" NOT NULL CHECK (char_length(currency) BETWEEN 1 AND 128),
  available numeric(78, 0) NOT NULL CHECK (available >= 0),
  reserved numeric(78, 0) NOT NULL CHECK (reserved >= 0),
  deallocated numeric(78, 0) NOT NULL CHECK (deallocated >= 0),
  PRIMARY KEY (connection_id, currency),
  CHECK (available + reserved + deallocated
    <= 115792089237316195423570985008687907853269984665640564039457584007913129639935)
);

-- Ids of deallocations and of allocations (booked as credits) share one primary key.
CREATE TABLE transfers (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('deallocation', 'credit', 'debit')),
  connection_id uuid NOT NULL,
  currency text COLLATE "C" NOT NULL CHECK (char_length(currency) BETWEEN 1 AND 128),
  quantity numeric(78, 0) NOT NULL CHECK (quantity > 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  state text CHECK (state IN ('Reserved', 'Rejected', 'Cleared', 'Released')),
  reason text,
  client_id uuid,
  partners_connection_id text,
  partner_client_id text,
  partner_deallocation_id uuid,
  memo text,
  CHECK (kind <> 'deallocation' OR (state IS NOT NULL AND client_id IS NOT NULL AND partners_connection_id <> ''
    AND partner_client_id IS NOT NULL AND partner_deallocation_id IS NOT NULL)),
  CHECK (kind = 'deallocation' OR state IS NULL),
  CHECK ((state IS NOT DISTINCT FROM 'Rejected') = (reason IS NOT NULL))
);
CREATE INDEX ON transfers (created_at DESC, id DESC) WHERE kind = 'deallocation';
CREATE INDEX ON transfers (connection_id, created_at DESC, id DESC) WHERE kind = 'deallocation';

CREATE TABLE journal (
  seq bigint GENERATED ALWAYS AS IDENTITY,
  transfer_id uuid NOT NULL,
  event text NOT NULL CHECK (event IN ('Reserved', 'Rejected', 'Cleared', 'Released', 'Credited', 'Debited')),
  connection_id uuid NOT NULL,
  currency text COLLATE "C" NOT NULL,
  quantity numeric(78, 0) NOT NULL CHECK (quantity > 0),
  available numeric(78, 0) NOT NULL CHECK (available >= 0),
  reserved numeric(78, 0) NOT NULL CHECK (reserved >= 0),
  deallocated numeric(78, 0) NOT NULL CHECK (deallocated >= 0),
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (transfer_id, seq)
);

CREATE TABLE nonces (
  value text COLLATE "C" PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
