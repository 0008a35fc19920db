/** OpenAI's models at Azure, where a model is called by the name of its deployment. */
import type { Provider } from '../ports.ts'

/**
 * Azure; `baseUrl` is the resource's address, with or without the `/openai/v1` that Azure's pages show. With an
 * `apiVersion` the dated interface is used, which has the deployment in its path; else the one without versions.
 */
export function azure(options: {
  name: string
  baseUrl: string
  apiKey: string
  apiVersion?: string | undefined
}): Provider {
  const { apiVersion } = options
  const path = (end: string) =>
    apiVersion === undefined
      ? `/openai/v1${end}`
      : `/openai/deployments/{model}${end}?api-version=${apiVersion}`
  return {
    name: options.name,
    baseUrl: options.baseUrl.replace(/\/openai(?:\/v1)?$/, ''),
    headers: { 'api-key': options.apiKey },
    paths: {
      'chat-completions': path('/chat/completions'),
      embeddings: path('/embeddings'),
      // The dated interface has no deployment in the path of this one.
      ...(apiVersion === undefined && { responses: path('/responses') }),
    },
    // As at OpenAI.
    overheadTokens: { base: 64, perItem: 16 },
    // Older versions refuse fields that came later.
    addFields: false,
    outputCapField: 'max_completion_tokens',
  }
}
