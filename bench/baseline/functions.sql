-- The ledger as functions: a call is one statement, and so a transaction of its own. Rows are locked in the order of
-- nonce, transfer, account, so that there are no deadlocks. A refusal is returned, for an error would give the nonce back.

-- Returns the deallocation as it is recorded afterwards. Where the terms are others, that is the recorded ones, unchanged.
CREATE FUNCTION reserve(
  nonce text, expires timestamptz, given_id uuid, given_connection_id uuid, given_currency text, given_quantity numeric,
  given_client_id uuid, given_partners_connection_id text, given_partner_client_id text,
  OUT refusal text, OUT transfer transfers
) LANGUAGE plpgsql AS $$
DECLARE
  account accounts;
  connection connections;
BEGIN
  INSERT INTO nonces (value, expires_at) VALUES (nonce, expires) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    refusal := 'usedToken';
    RETURN;
  END IF;

  INSERT INTO transfers (id, kind, connection_id, currency, quantity, state, client_id, partners_connection_id,
    partner_client_id, partner_deallocation_id)
  VALUES (given_id, 'deallocation', given_connection_id, given_currency, given_quantity, 'Reserved', given_client_id,
    given_partners_connection_id, given_partner_client_id, gen_random_uuid())
  ON CONFLICT DO NOTHING RETURNING * INTO transfer;
  IF NOT FOUND THEN
    SELECT * INTO transfer FROM transfers WHERE id = given_id FOR UPDATE;
    IF transfer.kind <> 'deallocation' THEN
      refusal := 'allocation';
      RETURN;
    END IF;
    IF transfer.state <> 'Released'
      OR (transfer.connection_id, transfer.currency, transfer.quantity, transfer.client_id,
        transfer.partners_connection_id, transfer.partner_client_id)
      <> (given_connection_id, given_currency, given_quantity, given_client_id,
        given_partners_connection_id, given_partner_client_id)
    THEN
      RETURN;
    END IF;
    UPDATE transfers SET state = 'Reserved', updated_at = now() WHERE id = given_id RETURNING * INTO transfer;
  END IF;

  SELECT * INTO account FROM accounts
    WHERE connection_id = given_connection_id AND currency = given_currency FOR UPDATE;
  SELECT * INTO connection FROM connections WHERE connection_id = given_connection_id;
  transfer.reason := CASE
    WHEN NOT FOUND THEN 'UNKNOWN_CONNECTION'
    WHEN (connection.client_id, connection.partners_connection_id, connection.partner_client_id)
      <> (given_client_id, given_partners_connection_id, given_partner_client_id) THEN 'CONNECTION_MISMATCH'
    WHEN coalesce(account.available, 0) < given_quantity THEN 'INSUFFICIENT_BALANCE'
  END;
  IF transfer.reason IS NULL THEN
    UPDATE accounts SET available = available - given_quantity, reserved = reserved + given_quantity
      WHERE connection_id = given_connection_id AND currency = given_currency RETURNING * INTO account;
  ELSE
    UPDATE transfers SET state = 'Rejected', reason = transfer.reason, updated_at = now()
      WHERE id = given_id RETURNING * INTO transfer;
  END IF;
  INSERT INTO journal (transfer_id, event, connection_id, currency, quantity, available, reserved, deallocated)
  VALUES (given_id, transfer.state, given_connection_id, given_currency, given_quantity, coalesce(account.available, 0),
    coalesce(account.reserved, 0), coalesce(account.deallocated, 0));
END
$$;

-- Clears or releases: the state that is to come is 'Cleared' or 'Released'.
CREATE FUNCTION settle(
  nonce text, expires timestamptz, given_id uuid, settled text, OUT refusal text, OUT transfer transfers
) LANGUAGE plpgsql AS $$
DECLARE
  account accounts;
BEGIN
  INSERT INTO nonces (value, expires_at) VALUES (nonce, expires) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    refusal := 'usedToken';
    RETURN;
  END IF;

  SELECT * INTO transfer FROM transfers WHERE id = given_id FOR UPDATE;
  IF NOT FOUND THEN
    refusal := 'unknown';
  ELSIF transfer.kind <> 'deallocation' THEN
    refusal := 'allocation';
  ELSIF transfer.state NOT IN ('Reserved', settled) THEN
    refusal := 'state';
  ELSIF transfer.state = 'Reserved' THEN
    UPDATE transfers SET state = settled, updated_at = now() WHERE id = given_id RETURNING * INTO transfer;
    UPDATE accounts SET reserved = reserved - transfer.quantity,
        available = available + CASE settled WHEN 'Released' THEN transfer.quantity ELSE 0 END,
        deallocated = deallocated + CASE settled WHEN 'Cleared' THEN transfer.quantity ELSE 0 END
      WHERE connection_id = transfer.connection_id AND currency = transfer.currency RETURNING * INTO account;
    INSERT INTO journal (transfer_id, event, connection_id, currency, quantity, available, reserved, deallocated)
    VALUES (given_id, settled, transfer.connection_id, transfer.currency, transfer.quantity, account.available,
      account.reserved, account.deallocated);
  END IF;
END
$$;
