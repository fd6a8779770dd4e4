/** Tokens with which accounts are connected: issuing one, which is shown this once, and revoking it. */
import { useState } from "preact/hooks"
import * as Api from "./Api.ts"
import { ChangeDialog, Dialog, mayOperate, ToChange } from "./Dialogs.tsx"
import * as Route from "./Route.ts"
import { type Column, Table } from "./Table.tsx"
import { CopyButton, Free, Id, State, Time } from "./Texts.tsx"

const stateOf = ({ revokedAt, usedBy, expiresAt }: Api.Token) => {
  if (usedBy !== undefined) return "USED"
  if (revokedAt !== undefined) return "REVOKED"
  return Date.parse(expiresAt) <= Api.serverNow() ? "EXPIRED" : "OPEN"
}

const Revoke = ({ token, again }: { readonly token: Api.Token; readonly again: () => void }) => {
  const [asked, setAsked] = useState(false)
  if (stateOf(token) !== "OPEN" || !mayOperate()) return null
  const close = () => setAsked(false)
  return (
    <>
      <button type="button" onClick={() => setAsked(true)}>
        Revoke…
      </button>
      {asked && (
        <ChangeDialog
          title="Revoke this token"
          expected={token.tokenId}
          what="token’s id"
          action="Revoke the token"
          onClose={close}
          change={async (confirmation) => {
            await Api.request(`/connection-tokens/${token.tokenId}/revoke`, { method: "PUT", confirmation })
            close()
            again()
          }}
        >
          <p>Nobody can connect an account with it any more.</p>
        </ChangeDialog>
      )}
    </>
  )
}

interface TableProps {
  readonly tokens: ReadonlyArray<Api.Token>
  readonly again: () => void
}

const columns: ReadonlyArray<Column<Api.Token>> = [
  { name: "Token’s id", cell: ({ tokenId }) => <Id id={tokenId} what="token’s id" /> },
  { name: "State", cell: (token) => <State state={stateOf(token)} /> },
  {
    name: "Account",
    cell: ({ partnersConnectionId, partnerClientId }) => (
      <>
        <Free text={partnersConnectionId} />{" "}
        <small class="partner">
          <Free text={partnerClientId} />
        </small>
      </>
    ),
  },
  { name: "Issued", cell: ({ issuedAt }) => <Time at={issuedAt} /> },
  { name: "Ends", cell: ({ expiresAt, revokedAt }) => <Time at={revokedAt ?? expiresAt} /> },
  {
    name: "Used by",
    cell: ({ usedBy }) =>
      usedBy === undefined ? (
        <span class="muted">nobody</span>
      ) : (
        <Id id={usedBy} what="connection’s id" href={Route.to("connections", usedBy)} />
      ),
  },
]

export const TokensTable = ({ tokens, again }: TableProps) => {
  const change = { name: "Change", cell: (token: Api.Token) => <Revoke token={token} again={again} /> }
  return (
    <Table
      caption="Tokens, newest first"
      hideCaption
      rows={tokens}
      keyOf={({ tokenId }) => tokenId}
      empty="No tokens."
      columns={mayOperate() ? [...columns, change] : columns}
    />
  )
}

const lifetimes = [
  ["3600", "an hour"],
  ["86400", "a day"],
  ["604800", "a week"],
] as const

type Account = Pick<Api.Connection, "partnersConnectionId" | "partnerClientId">

export const IssueToken = ({ of, again }: { readonly of?: Account; readonly again: () => void }) => {
  const [asked, setAsked] = useState(false)
  const [issued, setIssued] = useState<string>()
  // What is shown this once stays until it was taken.
  if (!mayOperate() && issued === undefined) return <ToChange what="issue or revoke tokens" />
  const close = () => setAsked(false)
  return (
    <>
      <button type="button" onClick={() => setAsked(true)}>
        Issue a token…
      </button>
      {asked && (
        <ChangeDialog
          title="Issue a token"
          expected={of?.partnersConnectionId ?? ""}
          what="account’s id"
          action="Issue the token"
          onClose={close}
          change={async (confirmation, form) => {
            const answer = await Api.ask<{ readonly connectionToken: string }>("/connection-tokens", {
              method: "POST",
              body: {
                partnersConnectionId: of?.partnersConnectionId ?? String(form.get("account")).trim(),
                partnerClientId: of?.partnerClientId ?? String(form.get("client")).trim(),
                expiresInSeconds: Number(form.get("lifetime")),
              },
              confirmation,
            })
            close()
            setIssued(answer.connectionToken)
            again()
          }}
        >
          <p>Whoever has it can connect this account to the network, once.</p>
          {of === undefined && (
            <>
              <label>
                <span>Our account’s id</span>
                <input name="account" required autoComplete="off" spellcheck={false} />
              </label>
              <label>
                <span>Our client’s id</span>
                <input name="client" required autoComplete="off" spellcheck={false} />
              </label>
            </>
          )}
          <label>
            <span>Works for</span>
            <select name="lifetime">
              {lifetimes.map(([seconds, text]) => (
                <option key={seconds} value={seconds} selected={seconds === "86400"}>
                  {text}
                </option>
              ))}
            </select>
          </label>
        </ChangeDialog>
      )}
      {issued !== undefined && (
        <Dialog title="The token" onClose={() => setIssued(undefined)}>
          <p>It is shown this once, and kept nowhere.</p>
          <p class="secret">
            <code>{issued}</code> <CopyButton text={issued} what="token" />
          </p>
          <div class="actions">
            <button type="button" class="primary" onClick={() => setIssued(undefined)}>
              I have it
            </button>
          </div>
        </Dialog>
      )}
    </>
  )
}
