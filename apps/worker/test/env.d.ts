declare namespace Cloudflare {
  interface Env {
    ACCOUNTS: DurableObjectNamespace<import('./worker.ts').TestAccountObject>
  }
}
