import { of } from "./Mutant.ts"

const security = ["http/Security"]
const signature = ["http/Signature"]
const tokens = ["http/Token"]
const door = ["http/Door"]
const callers = ["http/CallerLimits"]
const embedded = ["http/EmbeddedPostgres"]

export const http = [
  ...of("http/src/access/Signature.ts", signature, {
    // That a token may be of any age nobody can see: one that is so old, and lives as long as it may, has expired.
    "a token of the future is good": ["if (iat - skewSeconds > nowSeconds)", "if (nowSeconds < 0)"],
    "a token is good before its time": ["nbf - skewSeconds > nowSeconds)", "nowSeconds < 0)", ...tokens],
    "an expired token is good": ["if (exp <= nowSeconds - skewSeconds)", "if (nowSeconds < 0)"],
    "a token is good as it expires": ["exp <= nowSeconds", "exp < nowSeconds", ...tokens],
    "clocks may differ by ten minutes": ["const skewSeconds = 5", "const skewSeconds = 600"],
    "clocks may not differ": ["const skewSeconds = 5", "const skewSeconds = 0"],
    "a token may be valid for an hour": ["if (exp - iat > lifetimeSeconds)", "if (exp - iat > 3_600)"],
    "anything is a nonce": ["jti: Ledger.Nonce.fields.value,", "jti: Schema.String,"],
    "a nonce is forgotten while its token is still good": [
      "(Math.ceil(exp) + skewSeconds) * 1000",
      "Math.ceil(exp) * 1000",
    ],
    "the time is not that of our clock": ["clock.currentTimeMillisUnsafe() / 1000", "Date.now() / 1000"],
    "whom it is from does not matter": ["if (issuer !== undefined && iss", "if (issuer === null && iss", ...security],
    "whom it is for does not matter": ["if (audience !== undefined && !(", "if (audience === null && !(", ...security],
    "it is for whoever is called nearly like it": ['(typeof aud === "string" ? [aud] : aud)', "aud", ...tokens],
    "a signature need not be good": ["isSigned\n", "!isSigned || isSigned\n"],
    "one of several keys is enough, and the first is the only one": [
      "tryNext(index + 1)",
      "tryNext(keys.length)",
      "system/Rotation",
    ],
    "a name that is none of ours shuts a key out": ["named.length > 0 ? named : keys", "named", "system/Rotation"],
    "it is good for any body": [
      "bodyClaim === undefined ? () => Effect.void : covers(",
      "bodyClaim !== jti ? () => Effect.void : covers(",
      ...security,
    ],
    "it is good for any body where none is claimed": [
      "return claimed === digest",
      "return claimed === undefined || claimed === digest",
      ...security,
    ],
  }),
  ...of("http/src/access/Token.ts", tokens, {
    "a token of any length is looked at": ["if (text.length > maxLength)", "if (text === undefined)"],
    "a token may have lines before and after": ["${encoded}$`)", '${encoded}$`, "m")'],
    "padding is passed over": ["${encoded}$`)", "${encoded}=*$`)"],
    "JSON may be anything that somebody reads as JSON": ["Json.parse(Buffer", "JSON.parse(Buffer"],
    "a key's name may be no name": [
      "kid: Schema.optionalKey(Schema.String)",
      "kid: Schema.optionalKey(Schema.Unknown)",
    ],
    "any algorithm will do": [`alg: Schema.Literal("RS256")`, "alg: Schema.String"],
    "what is critical is passed over": [
      "crit: Schema.optionalKey(Schema.Never)",
      "crit: Schema.optionalKey(Schema.Unknown)",
    ],
    "a payload may be given as it is": [
      "b64: Schema.optionalKey(Schema.Never)",
      "b64: Schema.optionalKey(Schema.Unknown)",
    ],
    "the header of another token counts": [
      "if (known?.text !== text) known",
      'known ??= { text, header: decode(text) }\n  if (text === "") known',
    ],
    "two bits that mean nothing may be set": ["[AEIMQUYcgkosw048]", "[\\\\w-]"],
    "four bits that mean nothing may be set": ["[AQgw]", "[\\\\w-]"],
  }),
  ...of("http/src/node/Rs256.ts", signature, {
    "a key of another kind will do": [`key.asymmetricKeyType === "rsa"`, `key.asymmetricKeyType !== "ed"`],
    "what is checked beside others is good": ["error === null && isGood", "error === null || isGood", ...tokens],
    "what is checked alone is good": ["if (isAlone) onDone(verify(", "if (isAlone) onDone(true || verify("],
  }),
  ...of("http/src/handlers/NetworkHandlers.ts", security, {
    "a body without a schema is not compared": ["coversBodies ? Effect.andThen", "!coversBodies ? Effect.andThen"],
    "a request that cannot be understood keeps its token": [
      "(isItsOwn ? orProblem(holdfast.useNonce(nonce)) : Effect.void)",
      "(isItsOwn ? Effect.void : Effect.void)",
    ],
    "somebody else's body uses up a token": ["let isItsOwn = !coversBodies", "let isItsOwn = true"],
    "a question does not use its token": [
      "[holdfast.useNonce(nonce), Effect.result",
      "[nonce === undefined ? holdfast.useNonce(nonce) : Effect.void, Effect.result",
      ...signature,
    ],
    "a release clears": [`release: settle("release")`, `release: settle("clear")`, "http/StateTable"],
    "a clear releases": [`clear: settle("clear")`, `clear: settle("release")`, "http/StateTable"],
    "the partner's own id is not kept": ["nonce, partnerTransferId)", "nonce)", "http/Partner"],
    "credentials are looked at however often they were refused": [
      "guard(\n        call.caller,\n        Effect.flatMap(verify",
      "(<A>(_: string, it: A) => it)(\n        call.caller,\n        Effect.flatMap(verify",
    ],
  }),
  ...of("http/src/contract/NetworkApi.ts", ["http/Partner"], {
    "a rejection has no reason": [
      `if (transfer.state === "Rejected") answer`,
      `if (transfer.state !== transfer.state) answer`,
      "http/Reservations",
    ],
    "two names of one field may differ": ["body[first] === body[later]", "body[first] !== body[later] || true"],
  }),
  ...of("http/src/request/Json.ts", ["http/Partner"], {
    "a quantity goes through a double": [`JSON.rawJSON(context?.source ?? "")`, "JSON.rawJSON(String(value))"],
  }),
  ...of("http/src/node/Envelope.ts", ["http/Partner"], {
    "any version of an envelope is opened": ["if (version !== 1 || at > bytes.length)", "if (at > bytes.length)"],
  }),
  ...of("http/src/access/Credentials.ts", security, {
    "a token of one character is enough": ["const minTokenLength = 20", "const minTokenLength = 1"],
    "a key of 1024 bits is enough": ["const modulusBits = 2048", "const modulusBits = 1024", ...signature],
    "there need be no key": ["if (given.length === 0) return", "if (given.length < 0) return"],
    "any token is the operator's": ["timingSafeEqual(digest, given))[0]", "timingSafeEqual(digest, given) || true)[0]"],
    "keys that are no good take the place of good ones": [
      "Effect.map(validate(others), (valid) => {",
      "Effect.map(Effect.tapError(validate(others), () => Effect.sync(() => { current = { publicKeys: [], operators: [] } })), (valid) => {",
      "system/Rotation",
    ],
    "what is read again is not used": ["current = valid\n", "void valid\n", "system/Rotation"],
  }),
  ...of("server/src/credentials/CredentialFiles.ts", security, {
    "secrets may be read by all": ["forbidden: 0o027", "forbidden: 0o022"],
    "public keys may be changed by all": ["forbidden: 0o022", "forbidden: 0"],
    "public keys may not be read by all": ["forbidden: 0o022", "forbidden: 0o026"],
    "a file may be anybody's": ["owner !== 0 && owner !== self", "owner === -1"],
    "a file may not be root's": ["owner !== 0 && owner !== self", "owner !== self"],
    "a file of tokens may have none": ["if (tokens.length === 0) return", "if (tokens.length < 0) return"],
    "a file may be without end": ["if (size > maxBytes)", "if (size < 0)"],
  }),
  ...of("http/src/access/InvalidOption.ts", ["http/WebStandard"], {
    "a limit may be no number": ["limit === undefined || !Number.isFinite(limit) || limit < 1", "(limit ?? 0) < 1"],
  }),
  ...of("http/src/App.ts", ["http/WebStandard"], {
    "sizes may be no numbers": ["  yield* checkLimits({ maxBodyBytes, maxUrlLength })\n", ""],
  }),
  ...of("http/src/access/CallerLimits.ts", callers, {
    "a proxy's connections are those of one caller": ["return isTrusted(peer) ? undefined : ", "return "],
    "everybody's header is believed": [
      "if (!isTrusted(peer)) return Addresses.callerOf(peer)\n",
      "",
      "http/WebStandard",
    ],
    "the first of the header is the caller": ["hops.toReversed()", "hops"],
    "a trusted proxy is a caller": ["if (!isTrusted(address)) return", "if (address.length > 0) return"],
    "refusals are not counted": [
      "error instanceof Unauthorized ? Effect.sync(() => refusals.take(caller, now())) : Effect.void",
      "error instanceof Unauthorized && now() < 0 ? Effect.sync(() => refusals.take(caller, now())) : Effect.void",
      ...security,
    ],
    "who was refused too often is looked at": [
      "if (!refusals.has(caller, now())) return wait",
      "if (now() < 0) return wait",
      ...security,
    ],
    "requests are not counted": [
      "if (!requests.take(caller, now())) return wait",
      "if (now() < 0) return wait",
      ...security,
    ],
    "who has to wait is in the lane of who has not": [
      "!refusals.has(caller, now()) || !requests.has(caller, now())",
      "now() < 0",
      ...door,
    ],
  }),
  ...of("http/src/access/Addresses.ts", [...callers, "http/Addresses"], {
    "a superfluous prefix trusts more than it says": ["(0|[1-9]\\d{0,2}))?$/", "(\\d*))?$/"],
    "a prefix may be larger than the address": ["prefix > address.length * 16 || ", ""],
    "bits behind the prefix may be anything": ["=== 0) ? { address, prefix }", ">= 0) ? { address, prefix }"],
    "a network has one address": ["(group & ~hostBits(prefix, index)) === address[index]", "group === address[index]"],
  }),
  ...of("http/src/access/TokenBuckets.ts", ["http/Limits"], {
    "nothing is taken": ["bucket.tokens = tokens - 1", "bucket.tokens = tokens"],
    "a bucket never fills": ["bucket.tokens + gained", "bucket.tokens + 0 * gained"],
    "a bucket has no bottom": ["if (tokens < 1) return false\n", ""],
    "who is looked at is forgotten first": [
      "    bucket.unlink()\n    bucket.linkBefore(this.#ends)\n    const",
      "    const",
    ],
    "all are remembered": ["if (this.#buckets.size >= maxBuckets) {", "if (this.#buckets.size < 0) {"],
  }),
  ...of("http/src/contract/Routes.ts", ["http/Paths"], {
    "anything is a path": ["if (!wellFormed.test(target)) return", "if (target === undefined) return"],
    "dots are segments": [`  if (dots.test(path)) return "Malformed"\n`, ""],
    "a path may end early": [
      "if (declared.length !== segments.length) return undefined",
      "if (declared.length < segments.length) return undefined",
    ],
    "segments are alike in any case": [
      "else if (name !== segment) return undefined",
      "else if (name.toLowerCase() !== segment.toLowerCase()) return undefined",
    ],
  }),
  ...of("http/src/request/Boundary.ts", ["http/Paths"], {
    "any method will do": [
      "if (!target.route.methods.includes(request.method)) return",
      "if (request.method === undefined) return",
      "http/Addresses",
    ],
    "a URL of any length is looked at": ["if (url.length > maxUrlLength) return tooLong\n", "", "http/Limits"],
    "answers may be kept, framed and guessed at": [
      "Effect.map((response) => guarded(response, guarding)),\n",
      "",
      ...security,
    ],
    "a fault tells what it was": [
      'Effect.andThen(Effect.logError("A request failed.", RequestLog.fieldsOf(notes), cause), internalError)',
      "Effect.as(internalError, HttpServerResponse.text(String(cause), { status: 500 }))",
      "http/Observability",
    ],
    "work goes on for a caller that is gone": ["        Effect.interruptible,\n", "", "http/Observability"],
  }),
  ...of("http/src/request/Boundary.ts", ["http/Observability"], {
    "what comes by the short way is not recorded": ["      end(exit)\n", "      if (Exit.isFailure(exit)) end(exit)\n"],
    "who is gone is worked for": ["return () => fiber.interruptUnsafe()", "return () => {}", "http/BadInput"],
    "answers by the short way may be kept, framed and guessed at": [
      "{ ...exit.value.headers, ...guarding }",
      "exit.value.headers",
      ...security,
    ],
    "a fault by the short way is no answer": [
      "run(Effect.catchCause(serve(call), (cause) => answerFailure(cause, notes)))",
      "run(serve(call))",
      "http/Observability",
    ],
  }),
  ...of("server/src/workers/Worker.ts", ["system/Workers"], {
    "a process that hangs counts as ready": ["answers.includes(null) ?", "answers.length === 0 ?"],
    "one process speaks for all": ["Exposition.sum(texts.filter((text) => text !== null))", "String(texts[0])"],
  }),
  ...of("server/src/workers/Supervisor.ts", ["system/Workers"], {
    "what an ended process counted is forgotten": ["        all.push(ended)\n", ""],
    "none takes the place of one that ended": ["Effect.forever(another)", "Effect.never"],
    "what several write gets mixed up": ["if (lines.length > 0) to.write(lines)", "to.write([...lines, rest])"],
  }),
  ...of("server/src/settings/Settings.ts", ["system/Workers"], {
    "each process has all of a limit": ["Math.floor(settings[limit] / settings.workers)", "settings[limit]"],
  }),
  ...of("server/src/node/NodeServer.ts", door, {
    "who is gone is worked for": [
      "if (!response.writableEnded) arrival.giveUp?.()",
      "if (response.writableEnded) arrival.giveUp?.()",
      "http/BadInput",
    ],
    "a body of any length takes the short way": ["!(length <= this.#bounds.maxBodyBytes)", "length < 0", "http/Limits"],
    "any number is taken on": [
      "({ arrivals, room }) => arrivals.size < room)",
      "({ arrivals }) => arrivals.size >= 0)",
      "http/Overload",
    ],
    "who waits for an answer is taken for idle": ["if (!isOurs) socket", "socket", "http/Overload"],
    "operators may take all the room": ["Math.ceil(maxInFlight / 2)", "maxInFlight", "http/Overload"],
    "a stop waits for whoever never asked": [
      "setTimeout(() => this.#letGo(() => true), headMillisOnceClosing).unref()\n",
      "",
      "http/Draining",
    ],
    "what is answered stays in hand": ["    this.#letOut(answered)\n", "", "http/Overload"],
    "who is gone stays in hand": ["    this.#letOut(inHand)\n", "", ...door],
    "a connection has all of its requests in hand": ["if (arrivals.length === 1) {", "if (arrivals.length >= 1) {"],
    "any number may be sent ahead": [
      "if (arrivals.length > maxAhead || this.#ahead > maxAheadInAll)",
      "if (this.#ahead > maxAheadInAll)",
    ],
    "any number of connections is let in": ["if (count > maxConnectionsPerAddress)", "if (count < 0)", ...security],
    "a connection in use makes room": ["      if (arrivals.length > 0) continue\n", ""],
    "no connection makes room": ["if (this.#connections.size >= maxConnections) this.#makeRoom()\n", "\n"],
    "who asked last makes room first": [
      "      this.#connections.delete(socket)\n      this.#connections.set",
      "      this.#connections.set",
    ],
    "who expects something else is let past": ['&& event !== "checkExpectation"', ""],
    "another protocol is spoken": [`if (event === "upgrade") return this`, ""],
    "what comes early is lost": ["queueMicrotask(() => this.#lookAtEarly())", "void 0"],
    "who leaves keeps a turn": ["this.#turns[inHand.place.lane].remove(inHand.place.caller, inHand)", "void inHand"],
    "a large page costs as much as a small one": [
      "turns.charge(Math.floor((socket.bytesWritten - before) / bytesPerTurn))",
      "void before",
    ],
    "a server that stops lets wait who waits": [
      "for (const { response } of turns.clear()) turnAway(response)",
      "turns.clear()",
    ],
    "a server that stops keeps connections": ["response.shouldKeepAlive &&= !this.#closing", "", "http/Draining"],
    "what cannot be parsed gets no guarding headers": [
      "...Object.entries(guarding).map(([name, value]) => `${name}: ${value}`),\n",
      "",
      ...security,
      ...door,
    ],
    "who is turned away is told when to come by nobody": [
      `  "retry-after": String(turnedAway.retryAfterSeconds),\n`,
      "",
      "http/Overload",
    ],
  }),
  ...of("server/src/node/Lanes.ts", door, {
    "credentials of any kind are a signature": ["credentials.some((name) => headers[name] !== undefined) && ", ""],
    "who has to wait does not": [" && !mustWait(caller)", ""],
    "who watches over the server waits with all others": [`if (health.has(pattern)) return "health"\n`, ""],
  }),
  ...of("server/src/node/Turns.ts", ["http/Limits", "http/Door"], {
    "one who asks much goes first": [
      "    this.#waiting.delete(caller)\n    if (item !== undefined) waiting.delete(item)\n    if (waiting.size > 0) this.#waiting.set(caller, waiting)",
      "    if (item !== undefined) waiting.delete(item)\n    if (waiting.size === 0) this.#waiting.delete(caller)",
    ],
    "turns are always due": ["next === undefined || dueMillis > nowMillis", "next === undefined"],
    "what was not used for ever is still": [
      "Math.max(this.#dueMillis, nowMillis - 1_000 + this.#intervalMillis)",
      "this.#dueMillis === Number.NEGATIVE_INFINITY ? nowMillis - 3_600_000 : this.#dueMillis",
    ],
  }),
  ...of("http/src/request/Bodies.ts", ["http/BadInput"], {
    "a body of any length is read": [
      "readBody(maxBytes), refused",
      "readBody(1e9), refused",
      "http/BadInput",
      "http/Limits",
    ],
    "any content type is JSON": ["if (!/^application\\/json\\s*(;|$)/i.test(type)) return", 'if (type === "") return'],
    "an encoded body is read as it is": ["if (encoding !== undefined) return", 'if (encoding === "") return'],
  }),
  ...of("http/src/request/Json.ts", ["http/BadInput"], {
    "the last of two keys counts": ["if (key !== undefined) throw", "if (key === null) throw"],
    "broken UTF-8 is mended": [`fatal: true, ignoreBOM: true`, `fatal: false, ignoreBOM: true`],
  }),
  ...of("http/src/request/Host.ts", ["http/WebStandard"], {
    "a body that is asked for has no limit": [
      "Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(maxBytes))",
      "Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(maxBytes * 1000))",
      "http/Limits",
      "http/WebStandard",
    ],
    "a body that is too large did not arrive": [
      `reason.reason === "BodyTooLarge" ? "TooLarge"`,
      `reason.reason === "Parse" ? "TooLarge"`,
    ],
    "all callers are one": ["Option.getOrUndefined(peerAddress)", "(peerAddress, undefined)"],
  }),
  ...of("server/src/node/NodeHost.ts", ["http/Limits", "http/BadInput"], {
    "a target is as somebody has read it": ["messageOf(request).url ??", "request.url ??", "http/Paths"],
  }),
  ...of("http/src/node/NodeBody.ts", ["http/Limits", "http/BadInput"], {
    "a body that comes in pieces has no limit": [`if (size > maxBytes) end(Effect.fail("TooLarge"))`, ""],
    // That half a body is no body nobody can see: whose connection is gone is not served any more.
  }),
  ...of("http/src/node/NodeHandler.ts", ["http/NodeHandler"], {
    "what is for others is answered": ["if (next !== undefined && !isOurs(request)) return next()", ""],
    "a body that somebody read is an empty one": ["request.readableDidRead ? bodyIsGone : ", ""],
    "bytes that somebody kept have no limit": ["rawBody.length > maxBytes", "false"],
    "all callers are one": ["peer: request.socket.remoteAddress,", ""],
    "whoever is gone is in hand for ever": ["if (!response.writableFinished) gone.abort()", ""],
  }),
  ...of("http/src/request/InHand.ts", ["http/NodeHandler"], {
    "what is in hand is cut off": [
      "return Effect.timeoutOption(Deferred.await(isEmpty), patience)",
      "return Effect.void",
    ],
    "what comes after the end is answered": ["if (Deferred.isDoneUnsafe(isStopping)) return stopping", ""],
  }),
  ...of("http/src/handlers/KnownQuery.ts", ["http/Operator"], {
    "a parameter that nobody knows is passed over": [
      "if (!names.includes(name)) return [",
      'if (name === "") return [',
    ],
    "a parameter may come twice": [`typeof value === "string" ? [] :`, `value.length > 0 ? [] :`],
  }),
  ...of("http/src/access/OperatorToken.ts", ["http/Operator", "http/Security"], {
    "everybody is the operator": [
      "const known = operatorOf(token)\n",
      `const known = operatorOf(token) ?? { name: "operator", role: "admin" as const }\n`,
    ],
    "a change needs no role": [
      "yield* Operators.mayChange(asking, Context.get(endpoint.annotations, Needs))\n",
      "",
      "http/Operators",
    ],
    "another site may have a change made": ["yield* fromOurPage(request)\n", "", "http/Operators"],
    "whoever hangs up keeps what became of it out of the log": [
      "return yield* Effect.uninterruptible(\n        Effect.gen",
      "return yield* Effect.interruptible(\n        Effect.gen",
      "http/Operators",
    ],
    "a browser need not say why": [`if (!reason) return`, `if (reason === "never") return`, "http/Operators"],
    "a change is made before it is written down": [
      "yield* orProblem(log.begin(asked))\n          const exit = yield* Effect.exit(made)\n",
      "const exit = yield* Effect.exit(made)\n          yield* orProblem(log.begin(asked))\n",
      "http/Operators",
    ],
  }),
  ...of("http/src/handlers/OperatorHandlers.ts", ["http/Partner"], {
    "of what changed much at once a part is told as if it was all": [
      "entries.length < largestPage)",
      "entries.length <= largestPage)",
      "http/Watched",
    ],
    "who comes to watch is told nothing until something changes": ["replay: 1", "replay: 0", "http/Watched"],
    "whoever asks for entries is told the newest first": [
      "({ ...inBrief(happened), entries })",
      "({ ...inBrief(happened), entries: entries.toReversed() })",
      "http/Watched",
    ],
    "a list looks past the partner's own id": [
      "...(partnerTransferId === undefined ? {} : { partnerTransferId }),",
      "",
    ],
  }),
  ...of("http/src/handlers/SessionHandlers.ts", ["http/Operators"], {
    "changes that are closed stay open": ["changes: false, changesUntilSeconds: 0 }", "changes: false }"],
    "whoever opens changes becomes whose token it is": ["asked.operator !== known.name", 'asked.operator === ""'],
    "a reader's changes are said to be open": ['role !== "read" && (session', "(session"],
    "whoever closes changes has eight hours more": [
      "expiresAtSeconds - nowSeconds} seconds",
      "expiresAtSeconds} seconds",
    ],
  }),
  ...of("http/src/access/Operators.ts", ["http/Operators"], {
    "whoever reads may change": ["rankOf(role) < rankOf(needed)", "rankOf(role) < 0"],
    "a session for reading makes changes": ["session !== undefined && !session.changes", "session === undefined"],
    "a session never ends": ["expiresAtSeconds <= nowSeconds", "expiresAtSeconds <= 0"],
    "nobody has to type what it is about": ["session.confirmed === expected", "session.confirmed !== undefined"],
    "changes stay open": ["changesUntilSeconds > nowSeconds", "changesUntilSeconds > 0"],
    "a session says of itself that it is for changes": ["} ${said}", '} ${said.split(".")[0]}'],
    "whoever reads the hashes of the tokens has a session": ["Redacted.value(key), `holdfast", "digest, `holdfast"],
  }),
  ...of("http/src/contract/Problems.ts", ["http/Observability", "http/StateTable"], {
    "a fault of ours is a conflict": [`problem("unavailable", 503,`, `problem("unavailable", 409,`],
    "a used token is a conflict": [
      "NonceUsed: () => Unauthorized.always",
      `NonceUsed: () => new IdInUse({ detail: "" })`,
      ...signature,
    ],
    "nobody is told when to come again": [
      "problem instanceof Unavailable || problem instanceof TooManyRequests\n",
      "problem === undefined\n",
      "http/Observability",
      "http/Security",
    ],
  }),
  ...of("http/src/contract/WireAmount.ts", ["http/Reservations"], {
    "amounts are doubles on their way out": ["JSON.rawJSON(units.toString(10))", "JSON.rawJSON(String(Number(units)))"],
  }),
  ...of("server/src/node/Output.ts", ["system/Log"], {
    "a log that cannot be written ends the server": [`    stream.on("error", () => {})\n`, ""],
    "a log that nobody reads grows": [
      "else if (this.#stream.writableLength > maxPendingBytes) this.#lost",
      "else if (this.#stream.writableLength < 0) this.#lost",
    ],
    "what is lost is not counted": ["if (error) this.#lost += lines.length", "void error"],
  }),
  ...of("server/src/postgres/EmbeddedPostgres.ts", embedded, {
    "it listens on TCP": [`listen_addresses: ""`, `listen_addresses: "127.0.0.1"`],
    // That initdb trusts everybody nobody can see: who is let in is written anew before each start.
    "settings may open it": ["    ...cluster.parameters,\n    listen_addresses", "    listen_addresses"],
    "its log is open to all": ["if ((mode & 0o077) !== 0) yield*", "if (mode < 0) yield*"],
    "a database of another version is used": [
      "if (found === majorVersion) return true",
      'if (found !== "") return true',
    ],
    "it is not started again": ['Effect.forever(Effect.delay(restart, "50 millis"))', "Effect.void"],
  }),
  ...of("server/src/postgres/PostgresAccess.ts", embedded, {
    "the server is a superuser": ["LOGIN NOSUPERUSER", "LOGIN SUPERUSER"],
    "everybody is trusted": ["local all all peer map=holdfast", "local all all trust"],
    "an older cluster stays open": [
      '(yield* fs.readFileString(Path.join(data, "pg_hba.conf"))).trim() !== hba',
      '(yield* fs.readFileString(Path.join(data, "pg_hba.conf"))) === hba',
    ],
    "every user may be any role": [`holdfast "\${user}" all`, `holdfast /.* all`],
  }),
  ...of("server/src/postgres/PostmasterLock.ts", embedded, {
    "what a dead server left is not taken over": [`if (use !== "orphan") break`, "break"],
    "what another server runs is taken over": [
      `server === parent ? "served" : "orphan"`,
      `server < 0 ? "served" : "orphan"`,
    ],
    "a lock of another program is respected": [`if (use === "another program") return pid\n`, ""],
    "another data directory's PostgreSQL is ours": [
      `if (marked[2] !== (yield* identify(data)))`,
      `if (marked[2] === "")`,
    ],
  }),
  ...of("server/src/postgres/GuardedProcess.ts", embedded, {
    "it gets the whole environment": [
      'env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" }',
      'env: { ...process.env, LC_ALL: "C", TZ: "UTC" }',
    ],
    "it outlives the server": ["  kill -s INT -- -$$\n", "  sleep 1000\n"],
    "its log is open to all from the start": [
      `Fs.openSync(program.log, "a", 0o600)`,
      `Fs.openSync(program.log, "a", 0o644)`,
    ],
    "a Ctrl-C stops it before the server": ["detached: true,", "detached: false,"],
  }),
]
