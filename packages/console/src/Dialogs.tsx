/** Dialogs: what changes something asks what it is about and why, and shows what the server says to it. */
import { signal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { useEffect, useId, useRef, useState } from "preact/hooks"
import * as Api from "./Api.ts"
import { ProblemNote } from "./Texts.tsx"

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** A modal dialog for as long as it is rendered. Escape closes it, and the focus goes back to where it was. */
export const Dialog = ({ title, onClose, children }: DialogProps) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={onClose}>
      <h2 id={heading}>{title}</h2>
      {children}
    </dialog>
  )
}

interface ChangeProps {
  readonly title: string
  /** What it does, for good. */
  readonly children: ComponentChildren
  /** What has to be typed, and what that is. */
  readonly expected: string
  readonly what: string
  readonly action: string
  readonly change: (confirmation: Api.Confirmation, form: FormData) => Promise<void>
  readonly onClose: () => void
}

/** How many changes are being asked for: one whose time is over is not taken from under the hands of who makes it. */
const asking = signal(0)

/** The form of every change. */
export const ChangeDialog = ({ title, children, expected, what, action, change, onClose }: ChangeProps) => {
  const [problem, setProblem] = useState<Api.Problem>()
  const [busy, setBusy] = useState(false)
  useEffect(() => {
    asking.value++
    return () => {
      asking.value--
    }
  }, [])
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    setBusy(true)
    setProblem(undefined)
    try {
      await change({ confirm: String(form.get("confirm")).trim(), reason: String(form.get("reason")).trim() }, form)
    } catch (error) {
      setProblem(Api.toProblem(error))
      setBusy(false)
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        {children}
        <label>
          <span>
            Type the {what} to confirm
            {expected !== "" && (
              <>
                : <code>{expected}</code>
              </>
            )}
          </span>
          <input name="confirm" required autoComplete="off" spellcheck={false} class="mono" />
        </label>
        <label>
          <span>Reason, for the operators’ log</span>
          <textarea name="reason" required maxLength={500} rows={2} />
        </label>
        {problem !== undefined && <ProblemNote problem={problem} />}
        <div class="actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

/** Asks for the token, to look around or to make changes for a while. */
export const TokenForm = ({
  take,
  action,
  done,
}: {
  readonly take: (token: string) => Promise<void>
  readonly action: string
  readonly done?: () => void
}) => {
  const [problem, setProblem] = useState<Api.Problem>()
  const [busy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const token = String(new FormData(event.currentTarget as HTMLFormElement).get("token")).trim()
    setBusy(true)
    setProblem(undefined)
    try {
      await take(token)
      done?.()
    } catch (error) {
      setProblem(Api.toProblem(error))
      setBusy(false)
    }
  }
  return (
    <form class="token" onSubmit={(event) => void submit(event)}>
      <label>
        <span>Operator’s token</span>
        <input name="token" type="password" required autoComplete="current-password" class="mono" />
      </label>
      {problem !== undefined && <ProblemNote problem={problem} />}
      <div class="actions">
        {done !== undefined && (
          <button type="button" onClick={done}>
            Cancel
          </button>
        )}
        <button type="submit" class="primary" disabled={busy}>
          {action}
        </button>
      </div>
    </form>
  )
}

export const openingChanges = signal(false)

export const OpenChangesDialog = () => {
  const close = () => {
    openingChanges.value = false
  }
  return (
    <Dialog title="Open changes for 15 minutes" onClose={close}>
      <p>Until then this browser may change what your role allows. Each change asks what it is about, and why.</p>
      <TokenForm take={Api.openChanges} action="Open changes" done={close} />
    </Dialog>
  )
}

/** What it takes to make changes, for those who cannot now. */
export const ToChange = ({ what }: { readonly what: string }) => {
  const session = Api.session.value
  const reader = Api.isSession(session) && session.role === "read"
  return (
    <p class="muted">
      To {what}
      {reader ? " takes the role operate or admin." : ", open changes."}
    </p>
  )
}

/** Whether changes of a day’s work can be made now. */
export const mayOperate = () => {
  const session = Api.session.value
  return Api.isSession(session) && session.role !== "read" && (session.changes || asking.value > 0)
}
