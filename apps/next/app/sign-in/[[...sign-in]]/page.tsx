import { SignIn } from '@clerk/nextjs'
import { Box, Flex } from '@mantine/core'
import type { Metadata } from 'next'
import { Hydrated } from '../../../components/hydrated.tsx'
import { SeededUsers } from '../../../components/seeded-users.tsx'
import { hasClerkKeys, isClerkSimulated } from '../../../lib/settings.ts'

export const metadata: Metadata = { title: 'Sign in' }

export default function SignInPage() {
  if (!hasClerkKeys()) return null
  return (
    <Flex
      direction={{ base: 'column', md: 'row' }}
      gap="xl"
      justify="center"
      align={{ base: 'center', md: 'flex-start' }}
      py={{ base: 'lg', sm: 64 }}
      px="md"
    >
      <Box mih={{ base: 300, md: 400 }}>
        <Hydrated>
          <SignIn />
        </Hydrated>
      </Box>
      {isClerkSimulated() && <SeededUsers />}
    </Flex>
  )
}
