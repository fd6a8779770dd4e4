/** The console: who asks, where they are, and the page that is there. */
import { render } from "preact"
import { useEffect, useRef } from "preact/hooks"
import * as Api from "./Api.ts"
import { OpenChangesDialog, openingChanges, TokenForm } from "./Dialogs.tsx"
import * as Live from "./Live.ts"
import { ConnectionPage } from "./pages/Connection.tsx"
import { Connections } from "./pages/Connections.tsx"
import { Find } from "./pages/Find.tsx"
import { Journal } from "./pages/Journal.tsx"
import { Log } from "./pages/Log.tsx"
import { Overview } from "./pages/Overview.tsx"
import { Tokens } from "./pages/Tokens.tsx"
import { TransferPage } from "./pages/Transfer.tsx"
import { Transfers } from "./pages/Transfers.tsx"
import * as Route from "./Route.ts"
import { Shell } from "./Shell.tsx"
import { Page, Waiting } from "./Texts.tsx"
import { applyTheme } from "./Theme.ts"

const kindAt = (path: string | undefined) =>
  (Object.keys(Api.kinds) as ReadonlyArray<Api.Kind>).find((kind) => Api.kinds[kind].path === path)

const Here = () => {
  const [first, id] = Route.place.value.path
  const kind = kindAt(first)
  if (first === undefined) return <Overview />
  if (kind !== undefined) {
    // Of another id or kind nothing may be kept.
    return id === undefined ? <Transfers key={kind} kind={kind} /> : <TransferPage key={id} kind={kind} id={id} />
  }
  if (first === "connections") return id === undefined ? <Connections /> : <ConnectionPage key={id} id={id} />
  if (id === undefined) {
    if (first === "tokens") return <Tokens />
    if (first === "journal") return <Journal />
    if (first === "log") return <Log />
    if (first === "find") return <Find />
  }
  return (
    <Page title="There is no such page">
      <p>
        <a href={Route.to()}>Overview</a>
      </p>
    </Page>
  )
}

const Login = () => (
  <main class="login">
    <Page
      title="Sign in"
      heading={
        <>
          Holdfast <small>Console</small>
        </>
      }
    >
      <p>With your operator’s token. For eight hours this browser may look at everything, and change nothing.</p>
      <TokenForm take={Api.signIn} action="Sign in" />
    </Page>
  </main>
)

/** The login has an address of its own, which knows where to go back to. */
const keepLoginAddress = (signedIn: boolean) => {
  const { path, query } = Route.place.value
  const atLogin = path[0] === "login"
  if (signedIn && atLogin) {
    const back = query.get("to") ?? ""
    // Whoever made the link may have meant another page than one of ours.
    Route.navigate(/^\/console(\/[\w-]+)*(\?.*)?$/.test(back) ? back : Route.to(), { replace: true })
  }
  if (!signedIn && !atLogin) {
    const here = `${location.pathname}${location.search}`
    const back = here === Route.to() ? "" : `?to=${encodeURIComponent(here)}`
    Route.navigate(`${Route.to("login")}${back}`, { replace: true })
  }
}

const askWho = async () => {
  try {
    Api.session.value = await Api.askWho()
  } catch (error) {
    const known = Api.session.value
    if (known === null) return
    // Who one was stays, and is asked for again when it was to be.
    Api.session.value = Api.isSession(known) ? { ...known } : Api.toProblem(error)
  }
}

const Console = () => {
  const session = Api.session.value
  const signedIn = Api.isSession(session)
  useEffect(() => {
    if (session === null || signedIn) keepLoginAddress(signedIn)
  }, [session, signedIn])
  const [page] = Route.place.value.path
  const source = Live.sourceOf(page)
  const follows = signedIn && page !== "login"
  useEffect(() => (follows ? Live.follow(source) : undefined), [follows, source])
  const live = Live.state.value?.live
  const wasLost = useRef(false)
  // Whose tokens are read anew loses the connection: meanwhile one may have become somebody else.
  useEffect(() => {
    if (live === true && wasLost.current) void askWho()
    if (live !== undefined) wasLost.current = !live
  }, [live])
  // When changes or a session are over, the server says what is left; by its clock, which need not be ours.
  useEffect(() => {
    const until = signedIn ? (session.changesUntil ?? session.expiresAt) : null
    if (until === null) return
    const left = Date.parse(until) - Api.serverNow()
    const timer = setTimeout(() => void askWho(), left < 0 ? 10_000 : Math.min(left + 1_000, 3_600_000))
    return () => clearTimeout(timer)
  }, [signedIn, session])
  if (session === undefined) return <p class="boot">Holdfast</p>
  if (session === null) return <Login />
  if (!signedIn) {
    return (
      <main class="login">
        <Waiting problem={session} again={() => void askWho()} />
      </main>
    )
  }
  if (Route.place.value.path[0] === "login") return null
  return (
    <Shell session={session}>
      <Here />
      {openingChanges.value && <OpenChangesDialog />}
    </Shell>
  )
}

applyTheme()
Route.followLinks()
void askWho()
const root = document.getElementById("console")
if (root !== null) {
  root.replaceChildren()
  render(<Console />, root)
}
