/**
 * IP addresses and networks, as numbers. An IPv4 address is itself however it is
 * written (`::ffff:192.0.2.1` is `192.0.2.1`). Callers are told apart by what one
 * of them is commonly given: an IPv4 address, or 64 bits of IPv6.
 */
import { isIPv4, isIPv6 } from "../node/IpAddress.ts"

/** In groups of 16 bits: two for IPv4, eight for IPv6. */
export type Address = ReadonlyArray<number>

/** A network's address, and how many bits of it count. */
export interface Network {
  readonly address: Address
  readonly prefix: number
}

/** An address as a proxy or a socket writes it: perhaps with a port, or with the zone of a link. */
export const parse = (text: string): Address | undefined => {
  const withPort = /^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$/.exec(text)
  const [bare = ""] = (withPort?.[1] ?? withPort?.[2] ?? text).split("%", 1)
  if (isIPv4(bare)) return v4(bare)
  return isIPv6(bare) ? unmapped(v6(bare)) : undefined
}

/**
 * A network such as `10.0.0.0/8`, or one address. The bits behind the prefix must
 * be zero: who writes others means something else.
 */
export const parseNetwork = (text: string): Network | undefined => {
  const [, bare = "", digits] = /^([^/%[\]]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const address = isIPv4(bare) ? v4(bare) : isIPv6(bare) ? v6(bare) : []
  const prefix = digits === undefined ? address.length * 16 : Number(digits)
  // IPv4 in the form of IPv6 would never match: addresses are compared as IPv4.
  if (address.length === 0 || prefix > address.length * 16 || unmapped(address) !== address) return undefined
  return address.every((group, index) => (group & hostBits(prefix, index)) === 0) ? { address, prefix } : undefined
}

export const isIn = ({ address, prefix }: Network, candidate: Address): boolean =>
  candidate.length === address.length &&
  candidate.every((group, index) => (group & ~hostBits(prefix, index)) === address[index])

/**
 * Under which name a caller is counted. A text of its own: a piece of a header
 * would keep the whole header in memory.
 */
export const callerOf = (address: Address): string =>
  address.length === 2
    ? address.map((group) => `${group >> 8}.${group & 255}`).join(".")
    : `${address
        .slice(0, 4)
        .map((group) => group.toString(16))
        .join(":")}::/64`

/** Which bits of a group a prefix leaves out. */
const hostBits = (prefix: number, index: number) => 0xffff >> Math.min(16, Math.max(0, prefix - 16 * index))

const v4 = (text: string): Address => {
  const [a = 0, b = 0, c = 0, d = 0] = text.split(".").map(Number)
  return [a * 256 + b, c * 256 + d]
}

const v6 = (text: string): Address => {
  const [head = "", tail] = text.split("::")
  const left = groups(head)
  if (tail === undefined) return left
  const right = groups(tail)
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
}

const groups = (text: string): Address =>
  text === ""
    ? []
    : text.split(":").flatMap((group) => (group.includes(".") ? v4(group) : [Number.parseInt(group, 16)]))

const unmapped = (address: Address): Address =>
  address.length === 8 && address[5] === 0xffff && address.slice(0, 5).every((group) => group === 0)
    ? address.slice(6)
    : address
