/** Whatever has this id or identifier: of the network's or ours. One that is alone is gone to at once. */
import type { ComponentChildren } from "preact"
import { useEffect, useState } from "preact/hooks"
import * as Api from "../Api.ts"
import { Quantity } from "../Quantity.tsx"
import * as Route from "../Route.ts"
import { Table } from "../Table.tsx"
import { Free, Id, Page, ProblemNote, State } from "../Texts.tsx"

interface Found {
  readonly what: string
  readonly id: string
  readonly href: string
  readonly matched: string
  /** What people know it by. */
  readonly about: ComponentChildren
}

const isUuid = (text: string) => /^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/i.test(text)

/** Nothing, where it is not there. */
const orNothing = async (found: Promise<ReadonlyArray<Found>>): Promise<ReadonlyArray<Found>> => {
  try {
    return await found
  } catch (error) {
    if (error instanceof Api.Refused && error.problem.status === 404) return []
    throw error
  }
}

const account = ({ partnersConnectionId, partnerClientId }: Api.Connection | Api.Token) => (
  <>
    <Free text={partnersConnectionId} /> · <Free text={partnerClientId} />
  </>
)

const terms = (transfer: Api.Transfer) => (
  <>
    <Quantity {...transfer.amount} named /> <State state={Api.stateOf(transfer)} />
  </>
)

const transferBy = (kind: Api.Kind, transfer: Api.Transfer, matched: string): Found => {
  const { path, one } = Api.kinds[kind]
  const id = Api.idOf(transfer)
  return { what: one, id, href: Route.to(path, id), matched, about: terms(transfer) }
}

const transferById = async (kind: Api.Kind, id: string): Promise<ReadonlyArray<Found>> => [
  transferBy(kind, await Api.ask<Api.Transfer>(`/${Api.kinds[kind].path}/${id}`), "its id"),
]

const connectionById = async (id: string): Promise<ReadonlyArray<Found>> => [
  connectionBy(await Api.ask<Api.Connection>(`/connections/${id}`), "its id"),
]

const connectionBy = (connection: Api.Connection, matched: string): Found => ({
  what: "Connection",
  id: connection.connectionId,
  href: Route.to("connections", connection.connectionId),
  matched,
  about: account(connection),
})

const connectionsBy = async (field: string, name: string, text: string): Promise<ReadonlyArray<Found>> => {
  const { connections } = await Api.ask<{ readonly connections: ReadonlyArray<Api.Connection> }>(
    `/connections?${field}=${encodeURIComponent(text)}`,
  )
  return connections.map((connection) => connectionBy(connection, name))
}

const tokensBy = async (field: string, name: string, text: string): Promise<ReadonlyArray<Found>> => {
  const { connectionTokens } = await Api.ask<{ readonly connectionTokens: ReadonlyArray<Api.Token> }>(
    `/connection-tokens?${field}=${encodeURIComponent(text)}`,
  )
  return connectionTokens.map((token) => ({
    what: "Token",
    id: token.tokenId,
    href: `${Route.to("tokens")}?partnersConnectionId=${encodeURIComponent(token.partnersConnectionId)}`,
    matched: name,
    about: account(token),
  }))
}

/** By the id that our own systems have for it. */
const byOurs = async (kind: "deallocation" | "allocation", field: string, text: string) => {
  const { path } = Api.kinds[kind]
  const list = await Api.ask<Record<string, ReadonlyArray<Api.Transfer>>>(
    `/${path}?${field}=${encodeURIComponent(text)}`,
  )
  return (list[path] ?? []).map((transfer) => transferBy(kind, transfer, "our id"))
}

const find = async (text: string): Promise<ReadonlyArray<Found>> => {
  const lower = text.toLowerCase()
  const asks = [
    ...(isUuid(text)
      ? [
          ...(Object.keys(Api.kinds) as ReadonlyArray<Api.Kind>).map((kind) => transferById(kind, lower)),
          connectionById(lower),
          connectionsBy("clientId", "the network’s client", lower),
          tokensBy("tokenId", "its id", lower),
        ]
      : []),
    connectionsBy("partnersConnectionId", "our account", text),
    connectionsBy("partnerClientId", "our client", text),
    tokensBy("partnersConnectionId", "our account", text),
    byOurs("deallocation", "partnerDeallocationId", text),
    byOurs("allocation", "partnerAllocationId", text),
  ]
  const found = (await Promise.all(asks.map(orNothing))).flat()
  return found.filter(
    ({ href, id }, index) => index === found.findIndex((other) => other.href === href && other.id === id),
  )
}

export const Find = () => {
  const text = (Route.place.value.query.get("q") ?? "").trim()
  const [answer, setAnswer] = useState<{ text: string; found?: ReadonlyArray<Found>; problem?: Api.Problem }>()
  useEffect(() => {
    if (text === "") return
    let current = true
    find(text).then(
      (found) => {
        if (!current) return
        const [only, ...more] = found
        if (only !== undefined && more.length === 0) Route.navigate(only.href, { replace: true })
        else setAnswer({ text, found })
      },
      (error) => current && setAnswer({ text, problem: Api.toProblem(error) }),
    )
    return () => {
      current = false
    }
  }, [text])
  const ours = answer?.text === text ? answer : undefined
  return (
    <Page
      title="Find"
      heading={
        text === "" ? (
          "Find"
        ) : (
          <>
            Find <small class="mono">{text}</small>
          </>
        )
      }
    >
      {text === "" ? (
        <p class="empty">Any id, of the network’s or of ours, or an account or client of ours.</p>
      ) : ours?.problem !== undefined ? (
        <ProblemNote problem={ours.problem} />
      ) : ours?.found === undefined ? (
        <p class="waiting" role="status">
          Looking…
        </p>
      ) : (
        <Table
          caption={`What has ${text}`}
          hideCaption
          rows={ours.found}
          keyOf={({ href, id }) => `${href} ${id}`}
          empty="Nothing has this id or identifier."
          columns={[
            { name: "What", cell: ({ what }) => what },
            {
              name: "Id",
              cell: ({ id, href, what }) => <Id id={id} what={`${what.toLowerCase()}’s id`} href={href} whole />,
            },
            { name: "Account or terms", cell: ({ about }) => about },
            { name: "Found by", cell: ({ matched }) => matched },
          ]}
        />
      )}
    </Page>
  )
}
