/** The plain Worker that Faregate's Worker is compared with: one fetch, nothing else. */

type Env = Readonly<{ OPENAI_BASE_URL: string; OPENAI_API_KEY: string }>

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.method === 'GET') return new Response('ok')
    return fetch(`${env.OPENAI_BASE_URL}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${env.OPENAI_API_KEY}` },
      body: request.body,
    })
  },
}
