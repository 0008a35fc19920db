// The plain Worker that Faregate's Worker is compared with: one fetch, nothing else. JavaScript, because workerd
// takes it as it is.

export default {
  /** @param {Request} request @param {{ OPENAI_BASE_URL: string, OPENAI_API_KEY: string }} env */
  async fetch(request, env) {
    if (request.method === 'GET') return new Response('ok')
    return fetch(`${env.OPENAI_BASE_URL}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${env.OPENAI_API_KEY}` },
      body: request.body,
    })
  },
}
