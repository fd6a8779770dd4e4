/** The five balances of each currency, one below the other, so that digits stand below digits. */
import * as Api from "./Api.ts"
import { Proportions } from "./Charts.tsx"
import { decimalsOf, Quantity } from "./Quantity.tsx"

const Card = ({ balances }: { readonly balances: Api.CurrencyBalances }) => {
  const { currency, accounts } = balances
  return (
    <div class="card">
      <table class="balances">
        <caption>
          {currency}
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

export const Balances = ({ balances }: { readonly balances: ReadonlyArray<Api.CurrencyBalances> }) => (
  <div class="cards">
    {balances.map((each) => (
      <Card key={each.currency} balances={each} />
    ))}
  </div>
)
