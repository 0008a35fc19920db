/** Which addresses may be called: a key must not travel in the clear over networks that others share. */

/** What is wrong with a provider's or issuer's address, or null. */
export function addressProblem(address: string): string | null {
  if (!URL.canParse(address)) return 'must be an address such as https://api.example.com/v1'
  const url = new URL(address)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https:// or http://'
  if (url.username !== '' || url.password !== '') {
    return 'must not hold a user or password: put the key in the environment and name it with apiKeyEnv'
  }
  if (address.includes('?') || address.includes('#')) return 'must end with its path, without ? and #'
  if (url.protocol === 'http:' && !isNear(address)) {
    return 'must begin with https://: http is for loopback and private addresses, for elsewhere others could read the key'
  }
  return null
}

/** Whether an address is this machine's own (loopback). */
export function isLoopback(address: string): boolean {
  return isLoopbackHost(hostOf(address))
}

/** Whether a host name or IP address is this machine's own. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127\.\d+\.\d+\.\d+$/.test(name)
  )
}

/** Whether an address is loopback or in a private network, where http and servers without a key are usual. */
export function isNear(address: string): boolean {
  const host = hostOf(address)
  if (isLoopbackHost(host)) return true
  if (host.startsWith('[')) return /^\[f[cd]/.test(host)
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) {
    return /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/.test(host)
  }
  // Names of one word are those of a container's or a house's own network.
  return !host.includes('.') || /\.(?:internal|local|lan|home\.arpa)$/.test(host)
}

function hostOf(address: string): string {
  return new URL(address).hostname.toLowerCase()
}
