/** The page's looks: light and dark as the reader's system is, on screens of any width. */
export const style = `
:root {
  color-scheme: light dark;
  --text: light-dark(#1b1f24, #e6e9ed);
  --quiet: light-dark(#555d68, #a3adb8);
  --paper: light-dark(#fff, #14171a);
  --shade: light-dark(#f3f5f7, #1e2328);
  --line: light-dark(#d5dae0, #363d45);
  --link: light-dark(#0550ae, #79b8ff);
  --get: light-dark(#0550ae, #79b8ff);
  --put: light-dark(#8a4600, #f0b072);
  --post: light-dark(#116329, #6bd089);
  font: 100%/1.5 system-ui, sans-serif;
  color: var(--text);
  background: var(--paper);
  scroll-padding-top: 1rem;
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 90rem; padding: 0 clamp(.75rem, 3vw, 2rem) 4rem; }
a { color: var(--link); }
h1, h2, h3, h4 { line-height: 1.25; margin: 2rem 0 .5rem; }
h1 { font-size: 1.9rem; margin-top: 1.5rem; }
h1 small { font-size: 1rem; font-weight: normal; color: var(--quiet); }
h2 { font-size: 1.35rem; }
h3 { font-size: 1rem; margin-top: 1.25rem; }
h4 { font-size: .9rem; margin: 1rem 0 .25rem; }
p { margin: .5rem 0; max-width: 75ch; }
code, pre, textarea, input { font: .9em/1.45 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; }
p code, dd code { background: var(--shade); border-radius: .2em; padding: .1em .25em; overflow-wrap: anywhere; }
pre, textarea, input { background: var(--shade); color: inherit; border: 1px solid var(--line); border-radius: .3rem; }
pre { padding: .6rem .75rem; overflow: auto; max-height: 32rem; margin: .4rem 0; }
pre.answer { white-space: pre-wrap; overflow-wrap: anywhere; }
textarea, input { width: 100%; padding: .4rem .5rem; border-color: var(--quiet); }
textarea { white-space: pre; overflow: auto; }
label { display: block; margin: .5rem 0; }
label span { color: var(--quiet); font-size: .9em; }
button { font: inherit; padding: .35rem 1.25rem; border: 0; border-radius: .3rem; cursor: pointer; margin: .5rem .75rem .5rem 0; color: var(--paper); background: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
pre code { font-size: inherit; }
nav ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0 1.25rem; }
nav li a { display: block; padding: .2rem 0; text-decoration: none; }
nav li a:hover { text-decoration: underline; }
details.call { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; }
details.call > div { padding: 0 .75rem .75rem; }
details.call > summary { padding: .5rem .75rem; cursor: pointer; }
details.call[open] > summary { border-bottom: 1px solid var(--line); }
summary code { overflow-wrap: anywhere; }
summary span { color: var(--quiet); margin-left: .4rem; }
b.method { display: inline-block; min-width: 2.75rem; font-size: .8rem; }
.get { color: var(--get); } .put { color: var(--put); } .post { color: var(--post); }
dl { margin: .25rem 0; }
dl > div { border-top: 1px solid var(--line); padding: .3rem 0; }
dt { overflow-wrap: anywhere; }
dt span { color: var(--quiet); font-size: .9em; }
dd { margin: 0; }
.two { display: grid; gap: 0 2rem; }
.two > * { min-width: 0; }
@media (min-width: 64rem) {
  body { display: grid; grid-template-columns: 17rem minmax(0, 1fr); gap: 0 2.5rem; }
  header { grid-column: 1 / -1; }
  body > nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: 1rem 0; font-size: .9rem; }
  nav ul { display: block; }
  .two { grid-template-columns: 1fr 1fr; }
}
@media (min-width: 160rem) { :root { font-size: 125%; } }
`
