/** The look of the hosted pages: plain HTML without scripts, one inline style sheet, light and dark. */

/** Markup that is already safe. */
export type Html = { markup: string }

type Part = Html | Html[] | string | number | false | null | undefined

/** Builds markup; everything that is put in is escaped, unless it is markup itself. */
export function html(texts: TemplateStringsArray, ...parts: Part[]): Html {
  const markup = texts.reduce((all, text, index) => all + text + render(parts[index]), '')
  return { markup }
}

function render(part: Part): string {
  if (part === undefined || part === null || part === false) return ''
  if (Array.isArray(part)) return part.map(({ markup }) => markup).join('')
  if (typeof part === 'object') return part.markup
  return String(part).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}

/** An amount in a currency's smallest unit, e.g. `$10.00`. */
export function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency })
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2
  return format.format(amount / 10 ** digits)
}

/** A day, e.g. `Nov 24, 2026`. */
export function day(seconds: number): string {
  const format = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' })
  return format.format(new Date(seconds * 1000))
}

/** A whole page, with the notice that nothing here is real. */
export function document(title: string, body: Html, status = 200): Response {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${{ markup: STYLE }}</style>
</head>
<body>
<aside class="notice" aria-label="Simulation"><p><strong>Stripe is simulated.</strong> No money moves, and no card is asked for.</p></aside>
${body}
</body>
</html>`
  return new Response(page.markup, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      // With no referrer at all, browsers would send a form's origin as null.
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
    },
  })
}

/** A page that says one thing. */
export function messagePage(
  title: string,
  message: string,
  options: { back?: { href: string; label: string } | undefined; status?: number } = {},
): Response {
  const { back, status = 200 } = options
  return document(
    title,
    html`<main class="single">
<h1>${title}</h1>
<p class="quiet">${message}</p>
${back && html`<p><a class="button plain" href="${back.href}">${back.label}</a></p>`}
</main>`,
    status,
  )
}

/** Sends the browser on with a GET. */
export function redirect(location: string): Response {
  return new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store' } })
}

const STYLE = `
:root { color-scheme: light dark; --paper: #ffffff; --tint: #f5f7fa; --ink: #1a2233; --quiet: #56607a; --line: #d9dee8; --edge: #8a93a8;
  --accent: #4f3df0; --on-accent: #ffffff; --accent-soft: #efedff; --bad: #b3152f; --bad-soft: #fdecee; --good: #17663b;
  --notice: #fff4d6; --notice-ink: #5c4300; --link: #4a38e0; }
@media (prefers-color-scheme: dark) { :root { --paper: #12151b; --tint: #191d25; --ink: #e8ebf2; --quiet: #a4adc0;
  --line: #343b49; --edge: #6f788d; --accent: #6450f2; --on-accent: #ffffff; --accent-soft: #232042; --bad: #ff9aa8; --bad-soft: #3a1a21;
  --good: #7ed6a3; --notice: #3a2f10; --notice-ink: #ffe3a0; --link: #b3a8ff; } }
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; background: var(--paper); color: var(--ink); }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; }
p, h1, h2, h3, ul, dl, dd, fieldset { margin: 0; padding: 0; }
ul { list-style: none; }
a { color: var(--link); }
.notice { background: var(--notice); color: var(--notice-ink); text-align: center; font-size: .875rem; padding: .5rem 1rem; }
.quiet { color: var(--quiet); }
.small { font-size: .875rem; }
.amount .small { font-size: .9375rem; font-weight: 400; letter-spacing: 0; }
.amount { font-size: 2.25rem; font-weight: 650; letter-spacing: -.02em; line-height: 1.2; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.0625rem; font-weight: 550; color: var(--quiet); }
h2 { font-size: 1.125rem; font-weight: 600; }
.columns { flex: 1; display: grid; grid-template-columns: 1fr 1fr; }
.columns > section { padding: 3rem 2rem 4rem; }
.columns > section > div { max-width: 27rem; display: flex; flex-direction: column; gap: 1.5rem; }
.summary { background: var(--tint); border-right: 1px solid var(--line); }
.summary > div { margin-left: auto; margin-right: 3rem; }
.entry > div { margin-left: 3rem; }
.single { width: 100%; max-width: 44rem; margin: 0 auto; padding: 3rem 1.25rem 4rem; display: flex; flex-direction: column; gap: 1.5rem; }
.single h1 { font-size: 1.625rem; font-weight: 650; color: var(--ink); letter-spacing: -.01em; }
.back { display: inline-flex; gap: .375rem; align-items: center; color: var(--quiet); text-decoration: none; font-size: .9375rem; padding: .25rem 0; }
.back:hover { color: var(--ink); }
.rows { display: flex; flex-direction: column; gap: .75rem; }
.rows > li, .rows > div { display: flex; justify-content: space-between; gap: 1rem; align-items: baseline; }
.rows .figure { white-space: nowrap; font-variant-numeric: tabular-nums; }
.rows .total { border-top: 1px solid var(--line); padding-top: .75rem; font-weight: 600; }
form { display: flex; flex-direction: column; gap: 1.25rem; }
.field { display: flex; flex-direction: column; gap: .375rem; }
label, legend { font-size: .9375rem; font-weight: 550; }
legend { padding: 0; margin-bottom: .5rem; }
input[type=text], input[type=email], select { width: 100%; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--edge);
  border-radius: .5rem; padding: .625rem .75rem; min-height: 2.75rem; }
input[readonly] { background: var(--tint); color: var(--quiet); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
fieldset { border: 0; min-width: 0; }
.choices { border: 1px solid var(--line); border-radius: .625rem; overflow: hidden; }
.choices label { display: grid; grid-template-columns: auto 1fr auto; gap: .125rem .75rem; align-items: center; padding: .75rem .875rem; cursor: pointer; font-weight: 400; }
.choices li + li label { border-top: 1px solid var(--line); }
.choices label:has(:checked) { background: var(--accent-soft); }
.choices label:has(:focus-visible) { outline: 2px solid var(--link); outline-offset: -2px; }
.choices input { accent-color: var(--accent); width: 1.125rem; height: 1.125rem; margin: 0; }
.choices strong { font-weight: 550; }
.choices .number { font: .875rem ui-monospace, "Liberation Mono", monospace; color: var(--quiet); white-space: nowrap; }
.choices .about { grid-column: 2 / -1; font-size: .875rem; color: var(--quiet); }
button, .button { font: inherit; font-weight: 600; display: inline-flex; align-items: center; justify-content: center; min-height: 2.75rem; padding: .5rem 1.125rem;
  border-radius: .5rem; border: 1px solid transparent; background: var(--accent); color: var(--on-accent); cursor: pointer; text-decoration: none; }
button:hover, .button:hover { filter: brightness(1.08); }
button.plain, .button.plain { background: transparent; color: var(--ink); border-color: var(--edge); }
button.text { background: none; border: 0; padding: .25rem; min-height: 0; color: var(--link); text-decoration: underline; font-weight: 500; }
button.wide { width: 100%; min-height: 3rem; font-size: 1.0625rem; }
.inline { flex-direction: row; gap: .5rem; align-items: end; flex-wrap: wrap; }
.inline .field { flex: 1 1 14rem; }
.inline.level { align-items: baseline; }
.alert { background: var(--bad-soft); color: var(--bad); border-radius: .5rem; padding: .75rem 1rem; }
.error { color: var(--bad); font-size: .875rem; }
.card { border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem; display: flex; flex-direction: column; gap: 1rem; }
.status { font-size: .8125rem; font-weight: 550; padding: .125rem .5rem; border-radius: 1rem; background: var(--accent-soft); color: var(--ink); white-space: nowrap; }
.status.bad { background: var(--bad-soft); color: var(--bad); }
.actions { flex-direction: row; }
.group { display: flex; flex-direction: column; gap: 1rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.scroll { overflow-x: auto; position: relative; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
th, td { text-align: left; padding: .625rem .75rem .625rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 550; color: var(--quiet); }
.single.wide { max-width: 72rem; }
.tools { display: flex; gap: .5rem; }
form.tool { display: block; }
button.small { min-height: 2rem; padding: .125rem .625rem; font-size: .875rem; font-weight: 500; }
code { font: .875em ui-monospace, "Liberation Mono", monospace; }
@media (max-width: 54rem) {
  .columns { grid-template-columns: 1fr; align-content: start; }
  .columns > section { padding: 1.5rem 1.25rem; }
  .columns > section > div { margin: 0 auto; }
  .summary { border-right: 0; border-bottom: 1px solid var(--line); }
  .amount { font-size: 1.875rem; }
}
`
