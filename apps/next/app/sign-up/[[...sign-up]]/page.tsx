import { SignUp } from '@clerk/nextjs'
import { Center } from '@mantine/core'
import type { Metadata } from 'next'
import { Hydrated } from '../../../components/hydrated.tsx'
import { hasClerkKeys } from '../../../lib/settings.ts'

export const metadata: Metadata = { title: 'Sign up' }

export default function SignUpPage() {
  if (!hasClerkKeys()) return null
  return (
    <Center py="xl" px="md" mih={520}>
      <Hydrated>
        <SignUp />
      </Hydrated>
    </Center>
  )
}
