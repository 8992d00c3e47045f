--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: asynx; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA asynx;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: checkpoints; Type: TABLE; Schema: asynx; Owner: -
--

CREATE TABLE asynx.checkpoints (
    reader text NOT NULL COLLATE pg_catalog."C",
    "position" text COLLATE pg_catalog."C",
    fence bigint NOT NULL,
    live boolean DEFAULT true NOT NULL,
    moved_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: events; Type: TABLE; Schema: asynx; Owner: -
--

CREATE TABLE asynx.events (
    epoch integer NOT NULL,
    tx bigint NOT NULL,
    seq integer NOT NULL,
    category text NOT NULL COLLATE pg_catalog."C",
    aggregate_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    event_id uuid NOT NULL,
    event_name text NOT NULL COLLATE pg_catalog."C",
    occurred_at bigint NOT NULL,
    record bytea
);


--
-- Name: events_json; Type: VIEW; Schema: asynx; Owner: -
--

CREATE VIEW asynx.events_json AS
 SELECT ((((events.epoch || '-'::text) || events.tx) || '-'::text) || events.seq) AS "position",
    events.category,
    events.aggregate_id,
    events.version,
    events.event_name,
    to_timestamp((((events.occurred_at)::numeric / 1000000.0))::double precision) AS occurred_at,
    events.event_id,
    events.epoch,
    events.tx,
    events.seq,
    (convert_from(events.record, 'UTF8'::name))::json AS record
   FROM asynx.events;


--
-- Name: heads; Type: TABLE; Schema: asynx; Owner: -
--

CREATE TABLE asynx.heads (
    category text NOT NULL COLLATE pg_catalog."C",
    aggregate_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    floor bigint DEFAULT 0 NOT NULL,
    erased bigint DEFAULT 0 NOT NULL,
    base bigint,
    next bigint,
    next_floor bigint
)
WITH (fillfactor='50');


--
-- Name: inline; Type: TABLE; Schema: asynx; Owner: -
--

CREATE TABLE asynx.inline (
    name text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    categories text[] NOT NULL COLLATE pg_catalog."C",
    since timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: leases; Type: TABLE; Schema: asynx; Owner: -
--

CREATE TABLE asynx.leases (
    name text NOT NULL COLLATE pg_catalog."C",
    token bigint NOT NULL,
    holder text NOT NULL COLLATE pg_catalog."C",
    expires_at timestamp with time zone NOT NULL
);


--
-- Name: log; Type: TABLE; Schema: asynx; Owner: -
--

CREATE TABLE asynx.log (
    only_row boolean DEFAULT true NOT NULL,
    epoch integer DEFAULT 0 NOT NULL,
    inline_changes bigint DEFAULT 0 NOT NULL,
    CONSTRAINT log_only_row_check CHECK (only_row)
);


--
-- Name: migrations; Type: TABLE; Schema: asynx; Owner: -
--

CREATE TABLE asynx.migrations (
    version integer NOT NULL,
    migrated_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: parked; Type: TABLE; Schema: asynx; Owner: -
--

CREATE TABLE asynx.parked (
    reader text NOT NULL COLLATE pg_catalog."C",
    epoch integer NOT NULL,
    tx bigint NOT NULL,
    seq integer NOT NULL,
    category text NOT NULL COLLATE pg_catalog."C",
    aggregate_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    event_id uuid NOT NULL,
    event_name text NOT NULL COLLATE pg_catalog."C",
    error text NOT NULL,
    attempts bigint NOT NULL,
    parked_at bigint NOT NULL
);


--
-- Name: snapshots; Type: TABLE; Schema: asynx; Owner: -
--

CREATE TABLE asynx.snapshots (
    category text NOT NULL COLLATE pg_catalog."C",
    aggregate_id text NOT NULL COLLATE pg_catalog."C",
    schema_version bigint NOT NULL,
    version bigint NOT NULL,
    document bytea
);


--
-- Data for Name: checkpoints; Type: TABLE DATA; Schema: asynx; Owner: -
--

COPY asynx.checkpoints (reader, "position", fence, live, moved_at) FROM stdin;
reader	0-7-1	2	t	2026-11-21 10:58:28.062726+00
removed	\N	1	f	2026-11-21 10:58:28.067976+00
\.


--
-- Data for Name: events; Type: TABLE DATA; Schema: asynx; Owner: -
--

COPY asynx.events (epoch, tx, seq, category, aggregate_id, version, event_id, event_name, occurred_at, record) FROM stdin;
0	726	1	order	plain "quoted" ü	1	0192f0c1-2d3e-7abc-8def-000000010001	OrderPlaced	1790000001000001	\\x7b2273747265616d223a312c226e756d626572223a312c2274657874223a22c3bc20f09fa680205c753030303020275c5c5c22227d
0	727	1	order	plain "quoted" ü	2	0192f0c1-2d3e-7abc-8def-000000010002	OrderGrown	1790000001000002	\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff
0	727	2	order	plain "quoted" ü	3	0192f0c1-2d3e-7abc-8def-000000010003	OrderGrown	1790000001000003	\\x7b2273747265616d223a312c226e756d626572223a332c2274657874223a22c3bc20f09fa680205c753030303020275c5c5c22227d
0	727	3	order	plain "quoted" ü	4	0192f0c1-2d3e-7abc-8def-000000010004	OrderGrown	1790000001000004	\\x7b2273747265616d223a312c226e756d626572223a342c2274657874223a22c3bc20f09fa680205c753030303020275c5c5c22227d
0	730	1	order	kept	1	0192f0c1-2d3e-7abc-8def-000000020001	OrderPlaced	1790000002000001	\N
0	730	2	order	kept	2	0192f0c1-2d3e-7abc-8def-000000020002	asynx.forgotten	1790000002000002	\N
0	733	1	order	kept	3	0192f0c1-2d3e-7abc-8def-000000020003	OrderPlaced	1790000002000003	\\x7b2273747265616d223a322c226e756d626572223a332c2274657874223a22c3bc20f09fa680205c753030303020275c5c5c22227d
0	735	2	order	gone	2	0192f0c1-2d3e-7abc-8def-000000030002	asynx.forgotten	1790000003000002	\N
0	737	1	order	gone	3	0192f0c1-2d3e-7abc-8def-000000030003	OrderPlaced	1790000003000003	\\x7b2273747265616d223a332c226e756d626572223a332c2274657874223a22c3bc20f09fa680205c753030303020275c5c5c22227d
0	739	1	order	pending	1	0192f0c1-2d3e-7abc-8def-000000040001	OrderPlaced	1790000004000001	\\x7b2273747265616d223a342c226e756d626572223a312c2274657874223a22c3bc20f09fa680205c753030303020275c5c5c22227d
0	739	2	order	pending	2	0192f0c1-2d3e-7abc-8def-000000040002	asynx.forgotten	1790000004000002	\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff
\.


--
-- Data for Name: heads; Type: TABLE DATA; Schema: asynx; Owner: -
--

COPY asynx.heads (category, aggregate_id, version, floor, erased, base, next, next_floor) FROM stdin;
order	plain "quoted" ü	4	0	0	\N	\N	\N
order	kept	3	2	2	\N	\N	\N
order	gone	3	2	2	\N	\N	\N
order	pending	2	2	0	0	2	2
\.


--
-- Data for Name: inline; Type: TABLE DATA; Schema: asynx; Owner: -
--

COPY asynx.inline (name, version, categories, since) FROM stdin;
totals	3	{account,invoice}	2026-11-21 10:58:27.991805+00
\.


--
-- Data for Name: leases; Type: TABLE DATA; Schema: asynx; Owner: -
--

COPY asynx.leases (name, token, holder, expires_at) FROM stdin;
\.


--
-- Data for Name: log; Type: TABLE DATA; Schema: asynx; Owner: -
--

COPY asynx.log (only_row, epoch, inline_changes) FROM stdin;
t	0	1
\.


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: asynx; Owner: -
--

COPY asynx.migrations (version, migrated_at) FROM stdin;
1	2026-11-21 10:58:27.897205+00
2	2026-11-21 10:58:27.897205+00
\.


--
-- Data for Name: parked; Type: TABLE DATA; Schema: asynx; Owner: -
--

COPY asynx.parked (reader, epoch, tx, seq, category, aggregate_id, version, event_id, event_name, error, attempts, parked_at) FROM stdin;
\.


--
-- Data for Name: snapshots; Type: TABLE DATA; Schema: asynx; Owner: -
--

COPY asynx.snapshots (category, aggregate_id, schema_version, version, document) FROM stdin;
order	plain "quoted" ü	0	0	\N
order	plain "quoted" ü	3	2	\\x7b22666f6c646564223a747275657d
order	kept	0	2	\N
order	gone	0	2	\N
\.


--
-- Name: checkpoints checkpoints_pkey; Type: CONSTRAINT; Schema: asynx; Owner: -
--

ALTER TABLE ONLY asynx.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (reader);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: asynx; Owner: -
--

ALTER TABLE ONLY asynx.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (category, aggregate_id, version);


--
-- Name: heads heads_pkey; Type: CONSTRAINT; Schema: asynx; Owner: -
--

ALTER TABLE ONLY asynx.heads
    ADD CONSTRAINT heads_pkey PRIMARY KEY (category, aggregate_id);


--
-- Name: inline inline_pkey; Type: CONSTRAINT; Schema: asynx; Owner: -
--

ALTER TABLE ONLY asynx.inline
    ADD CONSTRAINT inline_pkey PRIMARY KEY (name);


--
-- Name: leases leases_name_token_key; Type: CONSTRAINT; Schema: asynx; Owner: -
--

ALTER TABLE ONLY asynx.leases
    ADD CONSTRAINT leases_name_token_key UNIQUE (name, token);


--
-- Name: leases leases_pkey; Type: CONSTRAINT; Schema: asynx; Owner: -
--

ALTER TABLE ONLY asynx.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);


--
-- Name: log log_pkey; Type: CONSTRAINT; Schema: asynx; Owner: -
--

ALTER TABLE ONLY asynx.log
    ADD CONSTRAINT log_pkey PRIMARY KEY (only_row);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: asynx; Owner: -
--

ALTER TABLE ONLY asynx.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (version);


--
-- Name: parked parked_pkey; Type: CONSTRAINT; Schema: asynx; Owner: -
--

ALTER TABLE ONLY asynx.parked
    ADD CONSTRAINT parked_pkey PRIMARY KEY (reader, epoch, tx, seq);


--
-- Name: snapshots snapshots_pkey; Type: CONSTRAINT; Schema: asynx; Owner: -
--

ALTER TABLE ONLY asynx.snapshots
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (category, aggregate_id, schema_version);


--
-- Name: events_epoch_tx_seq_idx; Type: INDEX; Schema: asynx; Owner: -
--

CREATE UNIQUE INDEX events_epoch_tx_seq_idx ON asynx.events USING btree (epoch, tx, seq);


--
-- Name: events_event_id_idx; Type: INDEX; Schema: asynx; Owner: -
--

CREATE INDEX events_event_id_idx ON asynx.events USING btree (event_id);


--
-- Name: heads_category_aggregate_id_idx; Type: INDEX; Schema: asynx; Owner: -
--

CREATE INDEX heads_category_aggregate_id_idx ON asynx.heads USING btree (category, aggregate_id) WHERE (floor > erased);


--
-- PostgreSQL database dump complete
--


