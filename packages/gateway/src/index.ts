/** What the outside may import. Stores are imported by their own paths, since each belongs to a runtime. */
export { defineConfig } from './config/define-config.ts'
export { databasePathOf } from './config/environment.ts'
export { formatConfigErrors } from './config/errors.ts'
export { resolveConfig, type Settings } from './config/resolve.ts'
export { createGateway, createMeter, type GatewayOptions, logJson } from './gateway.ts'
export type { App } from './http/app.ts'
export type { OpenOutlet } from './pipeline/outlet.ts'
export type { Clock, Fetch, Sink, Store } from './ports.ts'
