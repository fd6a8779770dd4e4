/** All tokens, newest first. */
import type * as Api from "../Api.ts"
import { Filters, queryOf, TextField } from "../Filters.tsx"
import { unfedMillis, useRegularly } from "../Live.ts"
import { Paging } from "../Paging.tsx"
import { Page, Waiting } from "../Texts.tsx"
import { IssueToken, TokensTable } from "../TokensTable.tsx"
import { useAsk } from "../useAsk.ts"

const filters = ["partnersConnectionId"]

export const Tokens = () => {
  const query = queryOf([...filters, "cursor"])
  const list = useAsk<{ readonly connectionTokens: ReadonlyArray<Api.Token>; readonly nextCursor: string | null }>(
    `/connection-tokens${query === "" ? "" : `?${query}`}`,
  )
  useRegularly(list.again, unfedMillis)
  return (
    <Page title="Tokens" aside={<IssueToken again={list.again} />}>
      <Filters names={filters}>
        <TextField name="partnersConnectionId" label="Our account" />
      </Filters>
      {list.data === undefined ? (
        <Waiting problem={list.problem} again={list.again} />
      ) : (
        <>
          <TokensTable tokens={list.data.connectionTokens} again={list.again} />
          <Paging next={list.data.nextCursor} forward="Older" count={list.data.connectionTokens.length} />
        </>
      )}
    </Page>
  )
}
