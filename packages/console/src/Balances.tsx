/** The five balances of each currency, one below the other, so that digits stand below digits. */
import { useState } from "preact/hooks"
import * as Api from "./Api.ts"
import { Proportions } from "./Charts.tsx"
import { decimalsOf, Quantity } from "./Quantity.tsx"

/** So many are shown at first. */
const few = 12

const Card = ({ balances }: { readonly balances: Api.CurrencyBalances }) => {
  const { currency, accounts } = balances
  return (
    <div class="card">
      <table class="balances">
        <caption>
          <bdi>{currency}</bdi>
          <small>
            {accounts !== undefined && `${accounts} ${accounts === 1 ? "account" : "accounts"}, `}
            {decimalsOf(currency) ? "and in base units" : "in base units"}
          </small>
        </caption>
        <tbody>
          {Api.balanceNames.map((name) => (
            <tr key={name}>
              <th scope="row">
                <span class={`key ${name}`}>{name}</span>
              </th>
              <td class="numeric">
                {balances[name] === "0" ? (
                  <span class="muted">0</span>
                ) : (
                  <Quantity currency={currency} quantity={balances[name]} />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Proportions parts={Api.balanceNames.map((name) => [name, balances[name]] as const)} />
    </div>
  )
}

/** Whether something waits there for somebody. */
const isBusy = ({ pending, locked, reserved }: Api.CurrencyBalances) =>
  [pending, locked, reserved].some((quantity) => quantity !== "0")

/** Of many currencies, those with something that waits are shown first, and the others on demand. */
export const Balances = ({ balances }: { readonly balances: ReadonlyArray<Api.CurrencyBalances> }) => {
  const [all, setAll] = useState(false)
  const many = balances.length > few
  const shown =
    many && !all ? balances.toSorted((a, b) => Number(isBusy(b)) - Number(isBusy(a))).slice(0, few) : balances
  return (
    <>
      <div class="cards">
        {shown.map((each) => (
          <Card key={each.currency} balances={each} />
        ))}
      </div>
      {many && (
        <div class="actions">
          <button type="button" onClick={() => setAll(!all)}>
            {all ? `Show ${few} of them` : `Show all ${balances.length}`}
          </button>
        </div>
      )}
    </>
  )
}
