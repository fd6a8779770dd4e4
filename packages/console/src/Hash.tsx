/**
 * The hash of an entry, computed anew in the page: it has to be the SHA-256 of the text that was hashed, and that text
 * has to say what is shown.
 */
import { useEffect, useId, useState } from "preact/hooks"
import * as Api from "./Api.ts"
import { CopyButton } from "./Texts.tsx"

type Verdict = "verified" | "wrong" | "unknown"

const hex = (bytes: ArrayBuffer) =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("")

/** Whether the text, a JSON array of strings, names the event, its quantity and each balance after it. */
const says = (hashed: string, { event, quantity, balances, at }: Api.Entry) => {
  const texts: unknown = JSON.parse(hashed)
  if (!Array.isArray(texts)) return false
  const named = new Set(texts.map((text) => String(text).toLowerCase()))
  // The first version of the text had three balances.
  const written =
    texts.length > 0 && /^\d{1,3}$/.test(String(texts[0]))
      ? Api.balanceNames
      : (["available", "reserved", "deallocated"] as const)
  return [event.toLowerCase(), quantity, at.toLowerCase(), ...written.map((name) => balances[name])].every((text) =>
    named.has(text),
  )
}

const verdictOf = async (entry: Api.Entry): Promise<Verdict> => {
  const { hash, hashed } = entry
  // Only over TLS, and from one's own machine, a page may compute hashes.
  if (!hash || !hashed || !("subtle" in crypto)) return "unknown"
  const computed = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(hashed))
  return hex(computed) === hash && says(hashed, entry) ? "verified" : "wrong"
}

const words: Record<Verdict, string> = { verified: "verified", wrong: "does not fit", unknown: "not verified" }

export const Hash = ({ entry }: { readonly entry: Api.Entry }) => {
  const [verdict, setVerdict] = useState<Verdict>("unknown")
  const { hash, hashed } = entry
  const id = useId()
  useEffect(() => {
    let current = true
    verdictOf(entry).then(
      (found) => current && setVerdict(found),
      () => current && setVerdict("wrong"),
    )
    return () => {
      current = false
    }
  }, [entry])
  if (!hash) return <span class="muted">none kept</span>
  return (
    <span class={`hash ${verdict}`}>
      <button type="button" popovertarget={id} class="quiet" title={hash}>
        {words[verdict]}
      </button>
      <div id={id} popover="auto" class="proof">
        <p>
          <strong>SHA-256 of this entry</strong> <CopyButton text={hash} what="hash" />
        </p>
        <code>{hash}</code>
        {hashed ? (
          <>
            <p>
              <strong>The text it is of</strong>, whose second part is the hash before it{" "}
              <CopyButton text={hashed} what="hashed text" />
            </p>
            <code>{hashed}</code>
          </>
        ) : (
          <p>The text it is of is not at hand.</p>
        )}
      </div>
    </span>
  )
}
