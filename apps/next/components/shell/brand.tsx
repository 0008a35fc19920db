import { Group, Text } from '@mantine/core'
import classes from './brand.module.css'

/** The name with its mark: two leaves of a gate, open. */
export function Brand() {
  return (
    <Group gap={10} wrap="nowrap">
      <span className={classes.mark} aria-hidden="true" />
      <Text component="span" fw={650} c="bright" style={{ letterSpacing: '-0.01em' }}>
        Faregate
      </Text>
    </Group>
  )
}
