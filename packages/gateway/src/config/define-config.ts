/** The helper that gives an operator's `faregate.config.ts` its types. The config itself stays plain data. */
import type { FaregateConfig } from './faregate-config.ts'

/**
 * Returns the config as it is; an editor explains and checks each field. The same data may be a JSON file.
 */
export function defineConfig(config: FaregateConfig): FaregateConfig {
  return config
}
