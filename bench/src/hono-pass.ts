/** The bare pass-through that Faregate is compared with: Hono on Bun, one fetch, nothing else. */
import { Hono } from 'hono'

const upstream = `${process.env.OPENAI_BASE_URL}/chat/completions`
const authorization = `Bearer ${process.env.OPENAI_API_KEY}`
const app = new Hono()

app.get('/healthz', (c) => c.text('ok'))
app.post('/v1/chat/completions', async (c) => {
  const answer = await fetch(upstream, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization, 'accept-encoding': 'identity' },
    body: await c.req.arrayBuffer(),
  })
  const type = answer.headers.get('content-type') ?? 'application/json'
  return new Response(answer.body, { status: answer.status, headers: { 'content-type': type } })
})

Bun.serve({ hostname: '127.0.0.1', port: Number(process.env.PORT), idleTimeout: 0, fetch: app.fetch })
