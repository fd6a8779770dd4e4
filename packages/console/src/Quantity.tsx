/**
 * Quantities, with every digit. Digits stand in groups of three, kept apart by margins and not by characters, so that
 * what is copied is the number itself. Coin units need a coin's decimals, which are loaded once one is shown; a
 * currency that is no coin has base units alone.
 */

import files from "virtual:coins"
import { signal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { fileOf } from "./coinFiles.ts"
import { Free } from "./Texts.tsx"

const decimals = signal<ReadonlyMap<string, number>>(new Map())

const loaded = new Set<number>()

const load = async (file: number) => {
  const codes = (await files[file]?.())?.default ?? {}
  const entries = Object.entries(codes).flatMap(([count, lines]) =>
    lines.split("\n").map((code) => [code, Number(count)] as const),
  )
  decimals.value = new Map([...decimals.value, ...entries])
}

/** Nothing until they are there. Some write a coin's code in capitals. */
export const decimalsOf = (currency: string): number | undefined => {
  const file = fileOf(currency)
  if (!loaded.has(file)) {
    loaded.add(file)
    load(file).catch(() => loaded.delete(file))
  }
  return decimals.value.get(currency) ?? decimals.value.get(currency.toLowerCase())
}

/** As many decimals as the coin has, none cut off. */
export const inCoinUnits = (quantity: string, count: number): string => {
  const negative = quantity.startsWith("-")
  const digits = (negative ? quantity.slice(1) : quantity).padStart(count + 1, "0")
  const point = digits.length - count
  const text = count === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`
  return negative ? `-${text}` : text
}

export const groups = (digits: string, fromRight: boolean): ReadonlyArray<string> => {
  const first = fromRight ? digits.length % 3 : 0
  const rest = digits.slice(first).match(/.{1,3}/g) ?? []
  return first === 0 ? rest : [digits.slice(0, first), ...rest]
}

/** As many digits as ether has, and some millions of it, stay together. */
const onOneLine = 28
/** So many do so also in a dense table. */
const anywhere = 15

/** A number in groups, between which a line may break where it is a long one. */
export const Digits = ({ text }: { readonly text: string }) => {
  const [whole = "", fraction] = text.split(".")
  const sign = whole.startsWith("-") ? "-" : ""
  const zeros = fraction === undefined ? 0 : (/0*$/.exec(fraction)?.[0].length ?? 0)
  const spans = (parts: ReadonlyArray<string>, zerosFrom = Number.POSITIVE_INFINITY) =>
    parts.map((part, index) => {
      const significant = Math.max(0, Math.min(part.length, zerosFrom - index * 3))
      return (
        <span class="group" key={index}>
          {part.slice(0, significant)}
          {significant < part.length && <span class="zeros">{part.slice(significant)}</span>}
        </span>
      )
    })
  return (
    <span
      class={
        text.length > onOneLine ? "digits long" : text.length > anywhere ? "digits whole middling" : "digits whole"
      }
    >
      {sign}
      {spans(groups(whole.slice(sign.length), true))}
      {fraction !== undefined && (
        <>
          <span class={zeros === fraction.length ? "point zeros" : "point"}>.</span>
          {spans(groups(fraction, false), fraction.length - zeros)}
        </>
      )}
    </span>
  )
}

interface Props {
  readonly currency: string
  readonly quantity: string
  /** Whether the currency is named beside it. */
  readonly named?: boolean
}

/** In coin units where there are such, and in base units. */
export const Quantity = ({ currency, quantity, named = false }: Props) => {
  const count = decimalsOf(currency)
  const name: ComponentChildren = named && (
    <span class="unit">
      {" "}
      <Free text={currency} />
    </span>
  )
  if (count === undefined || count === 0) {
    return (
      <span class="quantity">
        <data value={quantity}>
          <Digits text={quantity} />
        </data>
        {name}
        {count === undefined && named && <span class="unit"> base units</span>}
      </span>
    )
  }
  return (
    <span class="quantity">
      <span>
        <data value={inCoinUnits(quantity, count)}>
          <Digits text={inCoinUnits(quantity, count)} />
        </data>
        {name}
      </span>
      <span class="base">
        <data value={quantity} title="in base units">
          <Digits text={quantity} />
        </data>
        <span class="hidden"> base units</span>
      </span>
    </span>
  )
}
