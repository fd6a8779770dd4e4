-- What an earlier version left: its tables (migrations 1 and 2), and in them what `npm run simulate` asked for.

CREATE FUNCTION public.journal_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'The journal is append-only.'; END $$;

CREATE TABLE public.accounts (
    connection_id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    available numeric(78,0) NOT NULL,
    reserved numeric(78,0) NOT NULL,
    deallocated numeric(78,0) NOT NULL,
    CONSTRAINT accounts_available_check CHECK ((available >= (0)::numeric)),
    CONSTRAINT accounts_currency_check CHECK (((char_length(currency) >= 1) AND (char_length(currency) <= 128))),
    CONSTRAINT accounts_deallocated_check CHECK ((deallocated >= (0)::numeric)),
    CONSTRAINT accounts_reserved_check CHECK ((reserved >= (0)::numeric)),
    CONSTRAINT total_within_bound CHECK ((((available + reserved) + deallocated) <= '115792089237316195423570985008687907853269984665640564039457584007913129639935'::numeric))
)
WITH (fillfactor='50');

CREATE TABLE public.connections (
    connection_id uuid NOT NULL,
    client_id uuid NOT NULL,
    partners_connection_id text NOT NULL,
    partner_client_id text NOT NULL,
    registered_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT connections_partners_connection_id_check CHECK ((partners_connection_id <> ''::text))
);

CREATE TABLE public.holdfast_migrations (
    migration_id integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    name text NOT NULL
);

CREATE TABLE public.journal (
    seq bigint NOT NULL,
    transfer_id uuid NOT NULL,
    event text NOT NULL,
    connection_id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    quantity numeric(78,0) NOT NULL,
    available numeric(78,0) NOT NULL,
    reserved numeric(78,0) NOT NULL,
    deallocated numeric(78,0) NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT journal_available_check CHECK ((available >= (0)::numeric)),
    CONSTRAINT journal_deallocated_check CHECK ((deallocated >= (0)::numeric)),
    CONSTRAINT journal_event_check CHECK ((event = ANY (ARRAY['Reserved'::text, 'Rejected'::text, 'Cleared'::text, 'Released'::text, 'Credited'::text, 'Debited'::text]))),
    CONSTRAINT journal_quantity_check CHECK (((quantity >= (1)::numeric) AND (quantity <= '115792089237316195423570985008687907853269984665640564039457584007913129639935'::numeric))),
    CONSTRAINT journal_reserved_check CHECK ((reserved >= (0)::numeric))
);

ALTER TABLE public.journal ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journal_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.nonces (
    value text NOT NULL COLLATE pg_catalog."C",
    attempt uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.transfers (
    id uuid NOT NULL,
    kind text NOT NULL,
    connection_id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    quantity numeric(78,0) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    state text,
    reason text,
    client_id uuid,
    partners_connection_id text,
    partner_client_id text,
    partner_deallocation_id uuid,
    memo text,
    CONSTRAINT adjustment_has_no_state CHECK (((kind = 'deallocation'::text) OR (state IS NULL))),
    CONSTRAINT deallocation_is_whole CHECK (((kind <> 'deallocation'::text) OR ((state IS NOT NULL) AND (client_id IS NOT NULL) AND (partners_connection_id <> ''::text) AND (partner_client_id IS NOT NULL) AND (partner_deallocation_id IS NOT NULL) AND (memo IS NULL)))),
    CONSTRAINT rejection_has_reason CHECK (((NOT (state IS DISTINCT FROM 'Rejected'::text)) = (reason IS NOT NULL))),
    CONSTRAINT transfers_currency_check CHECK (((char_length(currency) >= 1) AND (char_length(currency) <= 128))),
    CONSTRAINT transfers_kind_check CHECK ((kind = ANY (ARRAY['deallocation'::text, 'credit'::text, 'debit'::text]))),
    CONSTRAINT transfers_quantity_check CHECK (((quantity >= (1)::numeric) AND (quantity <= '115792089237316195423570985008687907853269984665640564039457584007913129639935'::numeric))),
    CONSTRAINT transfers_state_check CHECK ((state = ANY (ARRAY['Reserved'::text, 'Rejected'::text, 'Cleared'::text, 'Released'::text])))
)
WITH (fillfactor='60');

INSERT INTO public.accounts VALUES
	('2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 950, 10, 40),
	('25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 862536, 62, 137412),
	('ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 501, 0, 0),
	('1d238b2c-f402-431f-835b-d571c09f6dab', 'BTC', 0, 7, 0),
	('a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 0, 50, 10),
	('11a74663-7a97-463a-9154-2d221b8fff61', 'SAT', 0, 0, 9007199254740993),
	('11a74663-7a97-463a-9154-2d221b8fff61', 'ETH', 0, 0, 1000000000000000001),
	('11a74663-7a97-463a-9154-2d221b8fff61', 'NEAR', 0, 0, 1000000000000000000000001),
	('11a74663-7a97-463a-9154-2d221b8fff61', 'ofc:WIDE-TOKEN.v2:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599', 0, 0, 340282366920938463463374607431768211457),
	('11a74663-7a97-463a-9154-2d221b8fff61', 'UINT256', 0, 0, 115792089237316195423570985008687907853269984665640564039457584007913129639935),
	('2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 0, 5, 0);

INSERT INTO public.connections VALUES
	('25dd7fb1-9614-4976-a921-6eefe0d85652', '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '2026-11-22 13:30:32.340846+00'),
	('ace9fde9-191f-4be1-b2a1-6c5afd99f137', '1a2dad89-3384-4368-a83b-8a4e33489b27', 'savings-3b17a5c8', 'client-3b17a5c8', '2026-11-22 13:30:32.353894+00'),
	('2847b6a7-29fb-4f21-92bd-8a2351c2c46c', '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '2026-11-22 13:30:32.361093+00'),
	('11a74663-7a97-463a-9154-2d221b8fff61', '79cd68a0-bf7d-4952-996d-4ef2bd22880c', 'collector-3b17a5c8', '', '2026-11-22 13:30:32.368139+00'),
	('a918fa2e-92f8-4b08-a499-1d5303bfdf74', '7c213125-4fbd-49a2-a5e5-511860e06119', 'lister-3b17a5c8', 'listing-client-3b17a5c8', '2026-11-22 13:30:32.381609+00'),
	('1d238b2c-f402-431f-835b-d571c09f6dab', 'f7c7eb7f-bf52-418a-a1a8-399a0eed970d', 'latecomer-3b17a5c8', 'late-client-3b17a5c8', '2026-11-22 13:30:32.873014+00');

INSERT INTO public.holdfast_migrations VALUES
	(1, '2026-11-22 13:30:29.488782+00', 'initial'),
	(2, '2026-11-22 13:30:29.488782+00', 'journal_by_transfer');

INSERT INTO public.journal OVERRIDING SYSTEM VALUE VALUES
	(1, '84bce6f1-6f45-4056-b190-fb57475532f2', 'Credited', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 1000000, 1000000, 0, 0, '2026-11-22 13:30:32.404+00'),
	(2, '485bcb4e-12ba-4cf2-8893-10c591bd3f2b', 'Credited', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 500, 500, 0, 0, '2026-11-22 13:30:32.448+00'),
	(3, '129e9166-e0ab-4ea0-8436-d7d5f34c7611', 'Credited', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 5, 5, 0, 0, '2026-11-22 13:30:32.455+00'),
	(4, '8bc87a4d-23cc-4aa9-8a96-f8f592b82dba', 'Credited', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 1000, 1000, 0, 0, '2026-11-22 13:30:32.462+00'),
	(5, 'b02b7acc-51b9-415b-a089-3e303f3ecbbf', 'Credited', '11a74663-7a97-463a-9154-2d221b8fff61', 'SAT', 9007199254740993, 9007199254740993, 0, 0, '2026-11-22 13:30:32.471+00'),
	(6, '19f001a8-09be-491a-8607-582260b99d26', 'Credited', '11a74663-7a97-463a-9154-2d221b8fff61', 'ETH', 1000000000000000001, 1000000000000000001, 0, 0, '2026-11-22 13:30:32.477+00'),
	(7, 'de115758-e9e8-468a-b047-89a80ab640ee', 'Credited', '11a74663-7a97-463a-9154-2d221b8fff61', 'NEAR', 1000000000000000000000001, 1000000000000000000000001, 0, 0, '2026-11-22 13:30:32.484+00'),
	(8, '9fc0af24-1407-4f1f-929e-c211834a25ee', 'Credited', '11a74663-7a97-463a-9154-2d221b8fff61', 'ofc:WIDE-TOKEN.v2:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599', 340282366920938463463374607431768211457, 340282366920938463463374607431768211457, 0, 0, '2026-11-22 13:30:32.49+00'),
	(9, 'bee5b354-6361-4b81-a089-67daa7d495ef', 'Credited', '11a74663-7a97-463a-9154-2d221b8fff61', 'UINT256', 115792089237316195423570985008687907853269984665640564039457584007913129639935, 115792089237316195423570985008687907853269984665640564039457584007913129639935, 0, 0, '2026-11-22 13:30:32.497+00'),
	(10, '68bcbdea-4fe8-41fb-919c-fd3c6a99e77c', 'Credited', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 100, 100, 0, 0, '2026-11-22 13:30:32.502+00'),
	(11, '42c274f0-8368-4caa-8f9c-b990aabe9a67', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 4000, 996000, 4000, 0, '2026-11-22 13:30:32.559+00'),
	(12, '42c274f0-8368-4caa-8f9c-b990aabe9a67', 'Cleared', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 4000, 996000, 0, 4000, '2026-11-22 13:30:32.599+00'),
	(13, '666ac958-402f-4d52-a8e9-d210a9afa8bf', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 3000, 993000, 3000, 4000, '2026-11-22 13:30:32.642+00'),
	(14, '666ac958-402f-4d52-a8e9-d210a9afa8bf', 'Released', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 3000, 996000, 0, 4000, '2026-11-22 13:30:32.649+00'),
	(15, '666ac958-402f-4d52-a8e9-d210a9afa8bf', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 3000, 993000, 3000, 4000, '2026-11-22 13:30:32.672+00'),
	(16, '666ac958-402f-4d52-a8e9-d210a9afa8bf', 'Cleared', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 3000, 993000, 0, 7000, '2026-11-22 13:30:32.685+00'),
	(17, '24385642-9de5-4895-a0f8-1686fc789c3c', 'Reserved', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 400, 100, 400, 0, '2026-11-22 13:30:32.716+00'),
	(18, '24385642-9de5-4895-a0f8-1686fc789c3c', 'Released', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 400, 500, 0, 0, '2026-11-22 13:30:32.723+00'),
	(19, '138a2d18-79c2-4777-a8e8-859f07890d08', 'Debited', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 200, 300, 0, 0, '2026-11-22 13:30:32.728+00'),
	(20, '24385642-9de5-4895-a0f8-1686fc789c3c', 'Rejected', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 400, 300, 0, 0, '2026-11-22 13:30:32.735+00'),
	(21, 'ace66ab3-6aa2-4bf2-8f67-2041690f8886', 'Credited', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 200, 500, 0, 0, '2026-11-22 13:30:32.741+00'),
	(22, '6d17d8f5-c521-429a-92ff-1ca1ef016e9e', 'Rejected', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 501, 500, 0, 0, '2026-11-22 13:30:32.808+00'),
	(23, 'c90dc89e-ceee-4999-af0a-9e4d1205a669', 'Credited', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 1, 501, 0, 0, '2026-11-22 13:30:32.813+00'),
	(24, 'f5ac8533-874d-4ad2-9afa-8eb6c7e3dff0', 'Reserved', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 501, 0, 501, 0, '2026-11-22 13:30:32.84+00'),
	(25, 'b5d882df-5ef6-46e4-9369-a3a270d0c019', 'Rejected', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 1, 0, 501, 0, '2026-11-22 13:30:32.845+00'),
	(26, 'f5ac8533-874d-4ad2-9afa-8eb6c7e3dff0', 'Released', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 501, 501, 0, 0, '2026-11-22 13:30:32.85+00'),
	(27, '08f97ff4-92ae-470a-991b-becc18b7858f', 'Rejected', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'DOGE', 7, 0, 0, 0, '2026-11-22 13:30:32.856+00'),
	(28, '13d4b9c5-6c76-4621-a9ee-d46e99f4288c', 'Rejected', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'btc', 7, 0, 0, 0, '2026-11-22 13:30:32.86+00'),
	(29, '515f6cb2-1748-4c58-8c9b-0b33677a1711', 'Rejected', '1d238b2c-f402-431f-835b-d571c09f6dab', 'BTC', 7, 0, 0, 0, '2026-11-22 13:30:32.868+00'),
	(30, '4b6c2c7a-d3f0-4692-8fab-25270f5e1797', 'Credited', '1d238b2c-f402-431f-835b-d571c09f6dab', 'BTC', 7, 7, 0, 0, '2026-11-22 13:30:32.875+00'),
	(31, 'c56b1508-a687-4c08-b434-19f3ae7cfea1', 'Reserved', '1d238b2c-f402-431f-835b-d571c09f6dab', 'BTC', 7, 0, 7, 0, '2026-11-22 13:30:32.885+00'),
	(32, '04b213ec-d5ca-4134-8f54-a073610f754e', 'Rejected', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 7, 993000, 0, 7000, '2026-11-22 13:30:32.891+00'),
	(33, '367bd452-3557-44dd-a63c-2801c3938e1a', 'Rejected', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 7, 993000, 0, 7000, '2026-11-22 13:30:32.901+00'),
	(34, '94a288a5-d0a9-445d-91f7-68f6abf66010', 'Rejected', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 7, 993000, 0, 7000, '2026-11-22 13:30:32.912+00'),
	(35, '381cad33-4ea3-436c-b3ec-85c245f7df2c', 'Rejected', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 7, 5, 0, 0, '2026-11-22 13:30:32.921+00'),
	(36, '4c1a5af1-6f72-439b-91a2-011d556b1b71', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 20, 992980, 20, 7000, '2026-11-22 13:30:32.949+00'),
	(37, '4c1a5af1-6f72-439b-91a2-011d556b1b71', 'Released', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 20, 993000, 0, 7000, '2026-11-22 13:30:32.954+00'),
	(38, 'c1444f03-2d65-4518-bd30-43be140baef5', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 70001, 922999, 70001, 7000, '2026-11-22 13:30:32.959+00'),
	(39, '22314ef5-ef32-4f81-8ada-b2e9fb904412', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 60001, 862998, 130002, 7000, '2026-11-22 13:30:33.003+00'),
	(40, '22314ef5-ef32-4f81-8ada-b2e9fb904412', 'Cleared', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 60001, 862998, 70001, 67001, '2026-11-22 13:30:33.008+00'),
	(41, 'fcfb9205-7af6-4402-abee-34c18159cb59', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 50001, 812997, 120002, 67001, '2026-11-22 13:30:33.018+00'),
	(42, 'fcfb9205-7af6-4402-abee-34c18159cb59', 'Released', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 50001, 862998, 70001, 67001, '2026-11-22 13:30:33.022+00'),
	(43, 'a6e2e4b2-fb72-490a-9827-ddb48395e07a', 'Rejected', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 90000001, 862998, 70001, 67001, '2026-11-22 13:30:33.034+00'),
	(44, 'c1444f03-2d65-4518-bd30-43be140baef5', 'Cleared', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 70001, 862998, 0, 137002, '2026-11-22 13:30:33.047+00'),
	(45, 'cece8ada-72e8-42d8-834b-3f49d1052fc1', 'Credited', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 10, 863008, 0, 137002, '2026-11-22 13:30:33.056+00'),
	(46, '4c38dd22-72bd-4560-aaa0-73d3389e228e', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 10, 862998, 10, 137002, '2026-11-22 13:30:33.067+00'),
	(47, '4c38dd22-72bd-4560-aaa0-73d3389e228e', 'Cleared', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 10, 862998, 0, 137012, '2026-11-22 13:30:33.076+00'),
	(48, '058aa89b-bd34-4585-a7d8-a6e611adec46', 'Rejected', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 90000001, 862998, 0, 137012, '2026-11-22 13:30:33.081+00'),
	(49, '5b932b87-f7d7-4614-a603-8bd50a748637', 'Reserved', '11a74663-7a97-463a-9154-2d221b8fff61', 'SAT', 9007199254740993, 0, 9007199254740993, 0, '2026-11-22 13:30:33.094+00'),
	(50, '5b932b87-f7d7-4614-a603-8bd50a748637', 'Cleared', '11a74663-7a97-463a-9154-2d221b8fff61', 'SAT', 9007199254740993, 0, 0, 9007199254740993, '2026-11-22 13:30:33.104+00'),
	(51, 'de382ae0-6c57-46f1-b39a-450d9030bce3', 'Rejected', '11a74663-7a97-463a-9154-2d221b8fff61', 'SAT', 1, 0, 0, 9007199254740993, '2026-11-22 13:30:33.112+00'),
	(52, 'a5e35239-7ecc-4dce-8ce5-c55f47933510', 'Reserved', '11a74663-7a97-463a-9154-2d221b8fff61', 'ETH', 1000000000000000001, 0, 1000000000000000001, 0, '2026-11-22 13:30:33.116+00'),
	(53, 'a5e35239-7ecc-4dce-8ce5-c55f47933510', 'Cleared', '11a74663-7a97-463a-9154-2d221b8fff61', 'ETH', 1000000000000000001, 0, 0, 1000000000000000001, '2026-11-22 13:30:33.128+00'),
	(54, '0ba33c76-a4dc-4fe5-ae2b-3fe7e0b941b5', 'Rejected', '11a74663-7a97-463a-9154-2d221b8fff61', 'ETH', 1, 0, 0, 1000000000000000001, '2026-11-22 13:30:33.136+00'),
	(55, '391f7e52-ab72-4d9b-84c3-d7dbc9d1e83b', 'Reserved', '11a74663-7a97-463a-9154-2d221b8fff61', 'NEAR', 1000000000000000000000001, 0, 1000000000000000000000001, 0, '2026-11-22 13:30:33.14+00'),
	(56, '391f7e52-ab72-4d9b-84c3-d7dbc9d1e83b', 'Cleared', '11a74663-7a97-463a-9154-2d221b8fff61', 'NEAR', 1000000000000000000000001, 0, 0, 1000000000000000000000001, '2026-11-22 13:30:33.151+00'),
	(57, '2978aad1-2e8c-4197-bea3-5c43ce06a948', 'Rejected', '11a74663-7a97-463a-9154-2d221b8fff61', 'NEAR', 1, 0, 0, 1000000000000000000000001, '2026-11-22 13:30:33.159+00'),
	(58, '715142f3-9736-4948-996e-076d26b8787b', 'Reserved', '11a74663-7a97-463a-9154-2d221b8fff61', 'ofc:WIDE-TOKEN.v2:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599', 340282366920938463463374607431768211457, 0, 340282366920938463463374607431768211457, 0, '2026-11-22 13:30:33.163+00'),
	(59, '715142f3-9736-4948-996e-076d26b8787b', 'Cleared', '11a74663-7a97-463a-9154-2d221b8fff61', 'ofc:WIDE-TOKEN.v2:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599', 340282366920938463463374607431768211457, 0, 0, 340282366920938463463374607431768211457, '2026-11-22 13:30:33.176+00'),
	(60, 'ad033cf5-5aca-4e51-b9a9-a7f46d65ec29', 'Rejected', '11a74663-7a97-463a-9154-2d221b8fff61', 'ofc:WIDE-TOKEN.v2:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599', 1, 0, 0, 340282366920938463463374607431768211457, '2026-11-22 13:30:33.185+00'),
	(61, 'd10bee67-6044-45b6-b0cd-c9a68b391a34', 'Reserved', '11a74663-7a97-463a-9154-2d221b8fff61', 'UINT256', 115792089237316195423570985008687907853269984665640564039457584007913129639935, 0, 115792089237316195423570985008687907853269984665640564039457584007913129639935, 0, '2026-11-22 13:30:33.19+00'),
	(62, 'd10bee67-6044-45b6-b0cd-c9a68b391a34', 'Cleared', '11a74663-7a97-463a-9154-2d221b8fff61', 'UINT256', 115792089237316195423570985008687907853269984665640564039457584007913129639935, 0, 0, 115792089237316195423570985008687907853269984665640564039457584007913129639935, '2026-11-22 13:30:33.202+00'),
	(63, '37cd4708-bb83-4d1c-8ad5-e0e265ed7cc8', 'Rejected', '11a74663-7a97-463a-9154-2d221b8fff61', 'UINT256', 1, 0, 0, 115792089237316195423570985008687907853269984665640564039457584007913129639935, '2026-11-22 13:30:33.211+00'),
	(64, '516c317f-0e1d-4009-98d1-809c3276bf7b', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 100, 862898, 100, 137012, '2026-11-22 13:30:33.221+00'),
	(65, '516c317f-0e1d-4009-98d1-809c3276bf7b', 'Cleared', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 100, 862898, 0, 137112, '2026-11-22 13:30:33.235+00'),
	(66, 'ec077d7d-d8ba-4fd6-8fba-25f7971554a9', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 200, 862698, 200, 137112, '2026-11-22 13:30:33.241+00'),
	(67, 'ec077d7d-d8ba-4fd6-8fba-25f7971554a9', 'Released', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 200, 862898, 0, 137112, '2026-11-22 13:30:33.26+00'),
	(68, 'd5a3495c-d641-432b-85ae-258f3cef2b1d', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 300, 862598, 300, 137112, '2026-11-22 13:30:33.274+00'),
	(69, 'd5a3495c-d641-432b-85ae-258f3cef2b1d', 'Cleared', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 300, 862598, 0, 137412, '2026-11-22 13:30:33.284+00'),
	(70, '0e2b831f-c8b0-4ff2-b5ad-0bdcc0d209f2', 'Reserved', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, 990, 10, 0, '2026-11-22 13:30:33.295+00'),
	(71, '0e2b831f-c8b0-4ff2-b5ad-0bdcc0d209f2', 'Cleared', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, 990, 0, 10, '2026-11-22 13:30:33.321+00'),
	(72, 'c1ccdb19-a723-4973-ad81-e18b14b7ae70', 'Reserved', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, 4, 1, 0, '2026-11-22 13:30:33.339+00'),
	(73, 'c886e6e3-6de4-4161-80c0-a6fb5a84680a', 'Reserved', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, 3, 2, 0, '2026-11-22 13:30:33.34+00'),
	(74, 'b07f68df-c32d-4d79-bec3-9318b6754bab', 'Reserved', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, 2, 3, 0, '2026-11-22 13:30:33.34+00'),
	(75, '077cbbde-3a34-46b4-8073-e3e26b13f233', 'Reserved', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, 1, 4, 0, '2026-11-22 13:30:33.34+00'),
	(76, '9cb7f64d-883a-4c37-9799-a71f456e3d27', 'Reserved', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, 0, 5, 0, '2026-11-22 13:30:33.34+00'),
	(77, 'adb783df-8ce8-415f-9393-b70774f9c3d3', 'Rejected', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, 0, 5, 0, '2026-11-22 13:30:33.343+00'),
	(78, '114a781e-1809-4f92-a843-69b6390c7813', 'Rejected', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, 0, 5, 0, '2026-11-22 13:30:33.345+00'),
	(79, 'b6d5c9d1-d0e3-4853-9836-48553f1347f0', 'Rejected', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, 0, 5, 0, '2026-11-22 13:30:33.345+00'),
	(80, 'd07b89dc-8f9e-4954-aadb-73ac6a0f9326', 'Rejected', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, 0, 5, 0, '2026-11-22 13:30:33.345+00'),
	(81, 'ccc7e6d0-cc66-4f85-a14b-86dc03faf45f', 'Rejected', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, 0, 5, 0, '2026-11-22 13:30:33.346+00'),
	(82, '092cea01-99b4-4a83-be13-e8fdc8939a49', 'Reserved', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, 980, 10, 10, '2026-11-22 13:30:33.353+00'),
	(83, '092cea01-99b4-4a83-be13-e8fdc8939a49', 'Cleared', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, 980, 0, 20, '2026-11-22 13:30:33.357+00'),
	(84, '4bbf4123-bee9-454a-9c24-5b91678a652d', 'Reserved', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, 970, 10, 20, '2026-11-22 13:30:33.365+00'),
	(85, '4bbf4123-bee9-454a-9c24-5b91678a652d', 'Cleared', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, 970, 0, 30, '2026-11-22 13:30:33.37+00'),
	(86, '15229fdf-6b9a-41cc-92d9-78a0a5c95c71', 'Reserved', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, 960, 10, 30, '2026-11-22 13:30:33.38+00'),
	(87, '15229fdf-6b9a-41cc-92d9-78a0a5c95c71', 'Cleared', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, 960, 0, 40, '2026-11-22 13:30:33.384+00'),
	(88, '0c48a7ed-f73e-4e2d-b098-5d41597eb80c', 'Reserved', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, 950, 10, 40, '2026-11-22 13:30:33.391+00'),
	(89, '0ed94923-2277-4508-bd74-5f354371e3bc', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 30, 862568, 30, 137412, '2026-11-22 13:30:33.403+00'),
	(90, 'c213f99f-bcba-4393-87b7-41a49431e9d9', 'Reserved', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 32, 862536, 62, 137412, '2026-11-22 13:30:33.439+00'),
	(91, '0b8a0a08-6374-495b-b0ac-ded4db986f83', 'Reserved', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 10, 90, 10, 0, '2026-11-22 13:30:33.592+00'),
	(92, '41dc1f6c-04ec-4d27-b070-f99182214efe', 'Reserved', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 20, 70, 30, 0, '2026-11-22 13:30:33.597+00'),
	(93, '4a4ecfda-8f31-4d9a-9f56-6ba511507430', 'Reserved', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 30, 40, 60, 0, '2026-11-22 13:30:33.602+00'),
	(94, '8cb567cb-9862-482a-b8ff-944d04de223a', 'Reserved', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 15, 25, 75, 0, '2026-11-22 13:30:33.606+00'),
	(95, '8d6dc44c-4fc2-4a5c-a189-4aa5c7490805', 'Reserved', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 5, 20, 80, 0, '2026-11-22 13:30:33.61+00'),
	(96, 'b759ba4d-fa62-4022-b3ee-dda8f83a93fd', 'Rejected', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 1000, 20, 80, 0, '2026-11-22 13:30:33.614+00'),
	(97, '0b8a0a08-6374-495b-b0ac-ded4db986f83', 'Cleared', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 10, 20, 70, 10, '2026-11-22 13:30:33.619+00'),
	(98, '41dc1f6c-04ec-4d27-b070-f99182214efe', 'Released', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 20, 40, 50, 10, '2026-11-22 13:30:33.623+00'),
	(99, '2235d2f6-505f-455d-a1f6-f828a76ea61a', 'Debited', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 40, 0, 50, 10, '2026-11-22 13:30:33.659+00');

INSERT INTO public.transfers VALUES
	('84bce6f1-6f45-4056-b190-fb57475532f2', 'credit', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 1000000, '2026-11-22 13:30:32.404+00', '2026-11-22 13:30:32.404+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('485bcb4e-12ba-4cf2-8893-10c591bd3f2b', 'credit', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 500, '2026-11-22 13:30:32.448+00', '2026-11-22 13:30:32.448+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('129e9166-e0ab-4ea0-8436-d7d5f34c7611', 'credit', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 5, '2026-11-22 13:30:32.455+00', '2026-11-22 13:30:32.455+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('8bc87a4d-23cc-4aa9-8a96-f8f592b82dba', 'credit', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 1000, '2026-11-22 13:30:32.462+00', '2026-11-22 13:30:32.462+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('b02b7acc-51b9-415b-a089-3e303f3ecbbf', 'credit', '11a74663-7a97-463a-9154-2d221b8fff61', 'SAT', 9007199254740993, '2026-11-22 13:30:32.471+00', '2026-11-22 13:30:32.471+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('19f001a8-09be-491a-8607-582260b99d26', 'credit', '11a74663-7a97-463a-9154-2d221b8fff61', 'ETH', 1000000000000000001, '2026-11-22 13:30:32.477+00', '2026-11-22 13:30:32.477+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('de115758-e9e8-468a-b047-89a80ab640ee', 'credit', '11a74663-7a97-463a-9154-2d221b8fff61', 'NEAR', 1000000000000000000000001, '2026-11-22 13:30:32.484+00', '2026-11-22 13:30:32.484+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('9fc0af24-1407-4f1f-929e-c211834a25ee', 'credit', '11a74663-7a97-463a-9154-2d221b8fff61', 'ofc:WIDE-TOKEN.v2:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599', 340282366920938463463374607431768211457, '2026-11-22 13:30:32.49+00', '2026-11-22 13:30:32.49+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('bee5b354-6361-4b81-a089-67daa7d495ef', 'credit', '11a74663-7a97-463a-9154-2d221b8fff61', 'UINT256', 115792089237316195423570985008687907853269984665640564039457584007913129639935, '2026-11-22 13:30:32.497+00', '2026-11-22 13:30:32.497+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('68bcbdea-4fe8-41fb-919c-fd3c6a99e77c', 'credit', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 100, '2026-11-22 13:30:32.502+00', '2026-11-22 13:30:32.502+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('42c274f0-8368-4caa-8f9c-b990aabe9a67', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 4000, '2026-11-22 13:30:32.559+00', '2026-11-22 13:30:32.599+00', 'Cleared', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-86ef-7022-a5ed-05cc4135ab64', NULL),
	('666ac958-402f-4d52-a8e9-d210a9afa8bf', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 3000, '2026-11-22 13:30:32.642+00', '2026-11-22 13:30:32.685+00', 'Cleared', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-8742-7269-9d4c-4cba06cd1b9d', NULL),
	('138a2d18-79c2-4777-a8e8-859f07890d08', 'debit', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 200, '2026-11-22 13:30:32.728+00', '2026-11-22 13:30:32.728+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('24385642-9de5-4895-a0f8-1686fc789c3c', 'deallocation', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 400, '2026-11-22 13:30:32.716+00', '2026-11-22 13:30:32.735+00', 'Rejected', 'INSUFFICIENT_BALANCE', '1a2dad89-3384-4368-a83b-8a4e33489b27', 'savings-3b17a5c8', 'client-3b17a5c8', '01a20373-878c-7349-853c-9e6c0e80c386', NULL),
	('ace66ab3-6aa2-4bf2-8f67-2041690f8886', 'credit', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 200, '2026-11-22 13:30:32.741+00', '2026-11-22 13:30:32.741+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('6d17d8f5-c521-429a-92ff-1ca1ef016e9e', 'deallocation', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 501, '2026-11-22 13:30:32.808+00', '2026-11-22 13:30:32.808+00', 'Rejected', 'INSUFFICIENT_BALANCE', '1a2dad89-3384-4368-a83b-8a4e33489b27', 'savings-3b17a5c8', 'client-3b17a5c8', '01a20373-87e8-714e-9b62-6f26e81a46a3', NULL),
	('c90dc89e-ceee-4999-af0a-9e4d1205a669', 'credit', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 1, '2026-11-22 13:30:32.813+00', '2026-11-22 13:30:32.813+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('b5d882df-5ef6-46e4-9369-a3a270d0c019', 'deallocation', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 1, '2026-11-22 13:30:32.845+00', '2026-11-22 13:30:32.845+00', 'Rejected', 'INSUFFICIENT_BALANCE', '1a2dad89-3384-4368-a83b-8a4e33489b27', 'savings-3b17a5c8', 'client-3b17a5c8', '01a20373-880d-7039-80ce-abf59d183f45', NULL),
	('f5ac8533-874d-4ad2-9afa-8eb6c7e3dff0', 'deallocation', 'ace9fde9-191f-4be1-b2a1-6c5afd99f137', 'BTC', 501, '2026-11-22 13:30:32.84+00', '2026-11-22 13:30:32.85+00', 'Released', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'savings-3b17a5c8', 'client-3b17a5c8', '01a20373-8808-73ad-abf2-003ffc63001c', NULL),
	('08f97ff4-92ae-470a-991b-becc18b7858f', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'DOGE', 7, '2026-11-22 13:30:32.856+00', '2026-11-22 13:30:32.856+00', 'Rejected', 'INSUFFICIENT_BALANCE', '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-8818-7739-8232-0e4776af3cf9', NULL),
	('13d4b9c5-6c76-4621-a9ee-d46e99f4288c', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'btc', 7, '2026-11-22 13:30:32.86+00', '2026-11-22 13:30:32.86+00', 'Rejected', 'INSUFFICIENT_BALANCE', '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-881c-778a-ae21-2bd801ddda08', NULL),
	('515f6cb2-1748-4c58-8c9b-0b33677a1711', 'deallocation', '1d238b2c-f402-431f-835b-d571c09f6dab', 'BTC', 7, '2026-11-22 13:30:32.868+00', '2026-11-22 13:30:32.868+00', 'Rejected', 'UNKNOWN_CONNECTION', 'f7c7eb7f-bf52-418a-a1a8-399a0eed970d', 'latecomer-3b17a5c8', 'late-client-3b17a5c8', '01a20373-8824-7547-baac-c7b7e00ccaa4', NULL),
	('4b6c2c7a-d3f0-4692-8fab-25270f5e1797', 'credit', '1d238b2c-f402-431f-835b-d571c09f6dab', 'BTC', 7, '2026-11-22 13:30:32.875+00', '2026-11-22 13:30:32.875+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('c56b1508-a687-4c08-b434-19f3ae7cfea1', 'deallocation', '1d238b2c-f402-431f-835b-d571c09f6dab', 'BTC', 7, '2026-11-22 13:30:32.885+00', '2026-11-22 13:30:32.885+00', 'Reserved', NULL, 'f7c7eb7f-bf52-418a-a1a8-399a0eed970d', 'latecomer-3b17a5c8', 'late-client-3b17a5c8', '01a20373-8835-7072-a933-5bf48eeb44f0', NULL),
	('04b213ec-d5ca-4134-8f54-a073610f754e', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 7, '2026-11-22 13:30:32.891+00', '2026-11-22 13:30:32.891+00', 'Rejected', 'CONNECTION_MISMATCH', '5d3449a8-cac2-4758-a472-bee621970a4f', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-883b-72bc-9106-067e4b6480cf', NULL),
	('367bd452-3557-44dd-a63c-2801c3938e1a', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 7, '2026-11-22 13:30:32.901+00', '2026-11-22 13:30:32.901+00', 'Rejected', 'CONNECTION_MISMATCH', '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-8845-706a-b4fb-15ff4252b2cc', NULL),
	('94a288a5-d0a9-445d-91f7-68f6abf66010', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 7, '2026-11-22 13:30:32.912+00', '2026-11-22 13:30:32.912+00', 'Rejected', 'CONNECTION_MISMATCH', '1a2dad89-3384-4368-a83b-8a4e33489b27', 'savings-3b17a5c8', 'client-3b17a5c8', '01a20373-8850-7347-a719-d72c88f3e860', NULL),
	('381cad33-4ea3-436c-b3ec-85c245f7df2c', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 7, '2026-11-22 13:30:32.921+00', '2026-11-22 13:30:32.921+00', 'Rejected', 'CONNECTION_MISMATCH', '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-8858-7391-bd40-dba97b9fea2a', NULL),
	('4c1a5af1-6f72-439b-91a2-011d556b1b71', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 20, '2026-11-22 13:30:32.949+00', '2026-11-22 13:30:32.954+00', 'Released', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-8875-7310-a08e-d97dbe1a19d8', NULL),
	('22314ef5-ef32-4f81-8ada-b2e9fb904412', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 60001, '2026-11-22 13:30:33.003+00', '2026-11-22 13:30:33.008+00', 'Cleared', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-88ab-7770-92fb-fe1208815ad3', NULL),
	('fcfb9205-7af6-4402-abee-34c18159cb59', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 50001, '2026-11-22 13:30:33.018+00', '2026-11-22 13:30:33.022+00', 'Released', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-88ba-7290-850d-739d89e4abfb', NULL),
	('a6e2e4b2-fb72-490a-9827-ddb48395e07a', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 90000001, '2026-11-22 13:30:33.034+00', '2026-11-22 13:30:33.034+00', 'Rejected', 'INSUFFICIENT_BALANCE', '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-88ca-7785-ad89-9a062eb0e4f8', NULL),
	('c1444f03-2d65-4518-bd30-43be140baef5', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 70001, '2026-11-22 13:30:32.959+00', '2026-11-22 13:30:33.047+00', 'Cleared', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-887f-713d-b632-9d6da5e208b9', NULL),
	('cece8ada-72e8-42d8-834b-3f49d1052fc1', 'credit', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 10, '2026-11-22 13:30:33.056+00', '2026-11-22 13:30:33.056+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('4c38dd22-72bd-4560-aaa0-73d3389e228e', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 10, '2026-11-22 13:30:33.067+00', '2026-11-22 13:30:33.076+00', 'Cleared', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-88eb-77fe-8f9e-51b679794606', NULL),
	('058aa89b-bd34-4585-a7d8-a6e611adec46', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 90000001, '2026-11-22 13:30:33.081+00', '2026-11-22 13:30:33.081+00', 'Rejected', 'INSUFFICIENT_BALANCE', '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-88f9-765b-9c48-2b48ff738663', NULL),
	('5b932b87-f7d7-4614-a603-8bd50a748637', 'deallocation', '11a74663-7a97-463a-9154-2d221b8fff61', 'SAT', 9007199254740993, '2026-11-22 13:30:33.094+00', '2026-11-22 13:30:33.104+00', 'Cleared', NULL, '79cd68a0-bf7d-4952-996d-4ef2bd22880c', 'collector-3b17a5c8', '', '01a20373-8906-7773-88b2-6fda8a069fc6', NULL),
	('de382ae0-6c57-46f1-b39a-450d9030bce3', 'deallocation', '11a74663-7a97-463a-9154-2d221b8fff61', 'SAT', 1, '2026-11-22 13:30:33.112+00', '2026-11-22 13:30:33.112+00', 'Rejected', 'INSUFFICIENT_BALANCE', '79cd68a0-bf7d-4952-996d-4ef2bd22880c', 'collector-3b17a5c8', '', '01a20373-8918-7207-b389-4c35220112d0', NULL),
	('a5e35239-7ecc-4dce-8ce5-c55f47933510', 'deallocation', '11a74663-7a97-463a-9154-2d221b8fff61', 'ETH', 1000000000000000001, '2026-11-22 13:30:33.116+00', '2026-11-22 13:30:33.128+00', 'Cleared', NULL, '79cd68a0-bf7d-4952-996d-4ef2bd22880c', 'collector-3b17a5c8', '', '01a20373-891c-72d2-be95-8047d95b4870', NULL),
	('0ba33c76-a4dc-4fe5-ae2b-3fe7e0b941b5', 'deallocation', '11a74663-7a97-463a-9154-2d221b8fff61', 'ETH', 1, '2026-11-22 13:30:33.136+00', '2026-11-22 13:30:33.136+00', 'Rejected', 'INSUFFICIENT_BALANCE', '79cd68a0-bf7d-4952-996d-4ef2bd22880c', 'collector-3b17a5c8', '', '01a20373-8930-73fe-8520-ec430d620f6b', NULL),
	('391f7e52-ab72-4d9b-84c3-d7dbc9d1e83b', 'deallocation', '11a74663-7a97-463a-9154-2d221b8fff61', 'NEAR', 1000000000000000000000001, '2026-11-22 13:30:33.14+00', '2026-11-22 13:30:33.151+00', 'Cleared', NULL, '79cd68a0-bf7d-4952-996d-4ef2bd22880c', 'collector-3b17a5c8', '', '01a20373-8934-70e4-b269-711e0de700aa', NULL),
	('2978aad1-2e8c-4197-bea3-5c43ce06a948', 'deallocation', '11a74663-7a97-463a-9154-2d221b8fff61', 'NEAR', 1, '2026-11-22 13:30:33.159+00', '2026-11-22 13:30:33.159+00', 'Rejected', 'INSUFFICIENT_BALANCE', '79cd68a0-bf7d-4952-996d-4ef2bd22880c', 'collector-3b17a5c8', '', '01a20373-8947-730b-956b-dd00d9775835', NULL),
	('715142f3-9736-4948-996e-076d26b8787b', 'deallocation', '11a74663-7a97-463a-9154-2d221b8fff61', 'ofc:WIDE-TOKEN.v2:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599', 340282366920938463463374607431768211457, '2026-11-22 13:30:33.163+00', '2026-11-22 13:30:33.176+00', 'Cleared', NULL, '79cd68a0-bf7d-4952-996d-4ef2bd22880c', 'collector-3b17a5c8', '', '01a20373-894b-75d1-b3a9-30351bffcbd1', NULL),
	('ad033cf5-5aca-4e51-b9a9-a7f46d65ec29', 'deallocation', '11a74663-7a97-463a-9154-2d221b8fff61', 'ofc:WIDE-TOKEN.v2:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599', 1, '2026-11-22 13:30:33.185+00', '2026-11-22 13:30:33.185+00', 'Rejected', 'INSUFFICIENT_BALANCE', '79cd68a0-bf7d-4952-996d-4ef2bd22880c', 'collector-3b17a5c8', '', '01a20373-8961-7615-bb44-3e932a9e434f', NULL),
	('d10bee67-6044-45b6-b0cd-c9a68b391a34', 'deallocation', '11a74663-7a97-463a-9154-2d221b8fff61', 'UINT256', 115792089237316195423570985008687907853269984665640564039457584007913129639935, '2026-11-22 13:30:33.19+00', '2026-11-22 13:30:33.202+00', 'Cleared', NULL, '79cd68a0-bf7d-4952-996d-4ef2bd22880c', 'collector-3b17a5c8', '', '01a20373-8966-7646-a194-70ca58db03b9', NULL),
	('37cd4708-bb83-4d1c-8ad5-e0e265ed7cc8', 'deallocation', '11a74663-7a97-463a-9154-2d221b8fff61', 'UINT256', 1, '2026-11-22 13:30:33.211+00', '2026-11-22 13:30:33.211+00', 'Rejected', 'INSUFFICIENT_BALANCE', '79cd68a0-bf7d-4952-996d-4ef2bd22880c', 'collector-3b17a5c8', '', '01a20373-897b-75f6-9735-5dce25916597', NULL),
	('516c317f-0e1d-4009-98d1-809c3276bf7b', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 100, '2026-11-22 13:30:33.221+00', '2026-11-22 13:30:33.235+00', 'Cleared', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-8985-762e-ab91-e0b2630cd06a', NULL),
	('ec077d7d-d8ba-4fd6-8fba-25f7971554a9', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 200, '2026-11-22 13:30:33.241+00', '2026-11-22 13:30:33.26+00', 'Released', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-8998-7784-bcc3-d76149ae507a', NULL),
	('d5a3495c-d641-432b-85ae-258f3cef2b1d', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 300, '2026-11-22 13:30:33.274+00', '2026-11-22 13:30:33.284+00', 'Cleared', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-89ba-7174-ae3f-c5e4ee2ef33c', NULL),
	('0e2b831f-c8b0-4ff2-b5ad-0bdcc0d209f2', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, '2026-11-22 13:30:33.295+00', '2026-11-22 13:30:33.321+00', 'Cleared', NULL, '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-89cf-7787-8c30-1709f846bfdd', NULL),
	('077cbbde-3a34-46b4-8073-e3e26b13f233', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, '2026-11-22 13:30:33.34+00', '2026-11-22 13:30:33.34+00', 'Reserved', NULL, '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-89fc-75c4-a771-4d6ed09c17ce', NULL),
	('b07f68df-c32d-4d79-bec3-9318b6754bab', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, '2026-11-22 13:30:33.34+00', '2026-11-22 13:30:33.34+00', 'Reserved', NULL, '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-89fc-75c4-a771-4d6dfabc831d', NULL),
	('c1ccdb19-a723-4973-ad81-e18b14b7ae70', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, '2026-11-22 13:30:33.339+00', '2026-11-22 13:30:33.339+00', 'Reserved', NULL, '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-89fb-7468-9e31-f653d5eac828', NULL),
	('c886e6e3-6de4-4161-80c0-a6fb5a84680a', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, '2026-11-22 13:30:33.34+00', '2026-11-22 13:30:33.34+00', 'Reserved', NULL, '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-89fc-75c4-a771-4d6c8975c4b8', NULL),
	('114a781e-1809-4f92-a843-69b6390c7813', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, '2026-11-22 13:30:33.345+00', '2026-11-22 13:30:33.345+00', 'Rejected', 'INSUFFICIENT_BALANCE', '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-8a01-7390-aa9e-5eb7a6f250fb', NULL),
	('9cb7f64d-883a-4c37-9799-a71f456e3d27', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, '2026-11-22 13:30:33.34+00', '2026-11-22 13:30:33.34+00', 'Reserved', NULL, '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-89fc-75c4-a771-4d6fc5559e82', NULL),
	('adb783df-8ce8-415f-9393-b70774f9c3d3', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, '2026-11-22 13:30:33.343+00', '2026-11-22 13:30:33.343+00', 'Rejected', 'INSUFFICIENT_BALANCE', '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-89ff-720f-96fa-43e82a4b2790', NULL),
	('b6d5c9d1-d0e3-4853-9836-48553f1347f0', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, '2026-11-22 13:30:33.345+00', '2026-11-22 13:30:33.345+00', 'Rejected', 'INSUFFICIENT_BALANCE', '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-8a01-7390-aa9e-5eb8058e0cca', NULL),
	('ccc7e6d0-cc66-4f85-a14b-86dc03faf45f', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, '2026-11-22 13:30:33.346+00', '2026-11-22 13:30:33.346+00', 'Rejected', 'INSUFFICIENT_BALANCE', '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-8a02-7086-b0ee-973ffb0c7179', NULL),
	('d07b89dc-8f9e-4954-aadb-73ac6a0f9326', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'BTC', 1, '2026-11-22 13:30:33.345+00', '2026-11-22 13:30:33.345+00', 'Rejected', 'INSUFFICIENT_BALANCE', '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-8a01-7390-aa9e-5eb9839b0e82', NULL),
	('092cea01-99b4-4a83-be13-e8fdc8939a49', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, '2026-11-22 13:30:33.353+00', '2026-11-22 13:30:33.357+00', 'Cleared', NULL, '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-8a09-74b0-ad1e-260bb71672fc', NULL),
	('4bbf4123-bee9-454a-9c24-5b91678a652d', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, '2026-11-22 13:30:33.365+00', '2026-11-22 13:30:33.37+00', 'Cleared', NULL, '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-8a15-7112-a471-5ec2a6d3e447', NULL),
	('15229fdf-6b9a-41cc-92d9-78a0a5c95c71', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, '2026-11-22 13:30:33.38+00', '2026-11-22 13:30:33.384+00', 'Cleared', NULL, '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-8a23-7229-81a3-9f8e1ac4572c', NULL),
	('0c48a7ed-f73e-4e2d-b098-5d41597eb80c', 'deallocation', '2847b6a7-29fb-4f21-92bd-8a2351c2c46c', 'ETH', 10, '2026-11-22 13:30:33.391+00', '2026-11-22 13:30:33.391+00', 'Reserved', NULL, '5d3449a8-cac2-4758-a472-bee621970a4f', 'racer-3b17a5c8', 'racing-client-3b17a5c8', '01a20373-8a2f-700f-a18b-4136cc195916', NULL),
	('0ed94923-2277-4508-bd74-5f354371e3bc', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 30, '2026-11-22 13:30:33.403+00', '2026-11-22 13:30:33.403+00', 'Reserved', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-8a3b-726e-940a-9676bbf7ce75', NULL),
	('c213f99f-bcba-4393-87b7-41a49431e9d9', 'deallocation', '25dd7fb1-9614-4976-a921-6eefe0d85652', 'BTC', 32, '2026-11-22 13:30:33.439+00', '2026-11-22 13:30:33.439+00', 'Reserved', NULL, '1a2dad89-3384-4368-a83b-8a4e33489b27', 'trader-3b17a5c8', 'client-3b17a5c8', '01a20373-8a5f-7788-9359-0eaf97b0e977', NULL),
	('4a4ecfda-8f31-4d9a-9f56-6ba511507430', 'deallocation', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 30, '2026-11-22 13:30:33.602+00', '2026-11-22 13:30:33.602+00', 'Reserved', NULL, '7c213125-4fbd-49a2-a5e5-511860e06119', 'lister-3b17a5c8', 'listing-client-3b17a5c8', '01a20373-8b02-7530-97b1-a8580c417db3', NULL),
	('8cb567cb-9862-482a-b8ff-944d04de223a', 'deallocation', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 15, '2026-11-22 13:30:33.606+00', '2026-11-22 13:30:33.606+00', 'Reserved', NULL, '7c213125-4fbd-49a2-a5e5-511860e06119', 'lister-3b17a5c8', 'listing-client-3b17a5c8', '01a20373-8b06-7490-9c49-4c4cfc0ef3ff', NULL),
	('8d6dc44c-4fc2-4a5c-a189-4aa5c7490805', 'deallocation', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 5, '2026-11-22 13:30:33.61+00', '2026-11-22 13:30:33.61+00', 'Reserved', NULL, '7c213125-4fbd-49a2-a5e5-511860e06119', 'lister-3b17a5c8', 'listing-client-3b17a5c8', '01a20373-8b0a-722c-a60a-3fa599fa302b', NULL),
	('b759ba4d-fa62-4022-b3ee-dda8f83a93fd', 'deallocation', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 1000, '2026-11-22 13:30:33.614+00', '2026-11-22 13:30:33.614+00', 'Rejected', 'INSUFFICIENT_BALANCE', '7c213125-4fbd-49a2-a5e5-511860e06119', 'lister-3b17a5c8', 'listing-client-3b17a5c8', '01a20373-8b0e-77d6-9d86-74fdf8c67add', NULL),
	('0b8a0a08-6374-495b-b0ac-ded4db986f83', 'deallocation', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 10, '2026-11-22 13:30:33.592+00', '2026-11-22 13:30:33.619+00', 'Cleared', NULL, '7c213125-4fbd-49a2-a5e5-511860e06119', 'lister-3b17a5c8', 'listing-client-3b17a5c8', '01a20373-8af8-7655-9188-81d45b70766e', NULL),
	('41dc1f6c-04ec-4d27-b070-f99182214efe', 'deallocation', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 20, '2026-11-22 13:30:33.597+00', '2026-11-22 13:30:33.623+00', 'Released', NULL, '7c213125-4fbd-49a2-a5e5-511860e06119', 'lister-3b17a5c8', 'listing-client-3b17a5c8', '01a20373-8afd-74c1-b9f4-67cc89da9941', NULL),
	('2235d2f6-505f-455d-a1f6-f828a76ea61a', 'debit', 'a918fa2e-92f8-4b08-a499-1d5303bfdf74', 'BTC', 40, '2026-11-22 13:30:33.659+00', '2026-11-22 13:30:33.659+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL);

SELECT pg_catalog.setval('public.journal_seq_seq', 99, true);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (connection_id, currency);

ALTER TABLE ONLY public.connections
    ADD CONSTRAINT connections_pkey PRIMARY KEY (connection_id);

ALTER TABLE ONLY public.holdfast_migrations
    ADD CONSTRAINT holdfast_migrations_pkey PRIMARY KEY (migration_id);

ALTER TABLE ONLY public.journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (transfer_id, seq);

ALTER TABLE ONLY public.nonces
    ADD CONSTRAINT nonces_pkey PRIMARY KEY (value);

ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_pkey PRIMARY KEY (id);

CREATE INDEX deallocations_newest_first ON public.transfers USING btree (created_at DESC, id DESC) WHERE (kind = 'deallocation'::text);

CREATE INDEX deallocations_of_connection ON public.transfers USING btree (connection_id, created_at DESC, id DESC) WHERE (kind = 'deallocation'::text);

CREATE TRIGGER journal_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.journal FOR EACH STATEMENT EXECUTE FUNCTION public.journal_is_append_only();

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES public.connections(connection_id);
