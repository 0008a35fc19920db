/** OpenAI's error objects, as the provider itself would send them. */

const KINDS: Readonly<Record<number, readonly [type: string, code: string | null, message: string]>> = {
  400: ['invalid_request_error', 'context_length_exceeded', 'Your messages are too long for this model.'],
  401: ['invalid_request_error', 'invalid_api_key', 'Incorrect API key provided: sk-sim****ated.'],
  403: ['invalid_request_error', 'unsupported_country_region_territory', 'Country not supported.'],
  404: [
    'invalid_request_error',
    'model_not_found',
    'The model does not exist or you do not have access to it.',
  ],
  413: ['invalid_request_error', null, 'Request body is too large.'],
  422: ['invalid_request_error', null, 'Unprocessable entity.'],
  429: ['requests', 'rate_limit_exceeded', 'Rate limit reached for requests. Please try again in 2s.'],
  500: ['server_error', null, 'The server had an error while processing your request.'],
  503: ['server_error', null, 'The engine is currently overloaded, please try again later.'],
  529: ['overloaded_error', null, 'Overloaded.'],
}

/** `{ error: { message, type, param, code } }` for a status; `code` overrides the usual one. */
export const errorBody = (status: number, code?: string): { error: Record<string, unknown> } => {
  const [type, usual, message] = KINDS[status] ?? ['server_error', null, `Simulated answer ${status}.`]
  const quota = code === 'insufficient_quota'
  return {
    error: {
      message: quota
        ? 'You exceeded your current quota, please check your plan and billing details.'
        : message,
      type: quota ? 'insufficient_quota' : type,
      param: null,
      code: code ?? usual,
    },
  }
}
