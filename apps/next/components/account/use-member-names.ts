'use client'

import { useOrganization, useUser } from '@clerk/nextjs'
import { shortMember, userIdOf } from '../../lib/members.ts'

/** Names for members, from Clerk's list of the organization where it tells them, else their shortened ids. */
export function useMemberNames(): (member: string | undefined) => string {
  const { user } = useUser()
  const { memberships } = useOrganization({ memberships: { pageSize: 100, keepPreviousData: true } })
  const names = new Map<string, string>()
  for (const { publicUserData } of memberships?.data ?? []) {
    const { userId, firstName, lastName, identifier } = publicUserData ?? {}
    const name = [firstName, lastName].filter(Boolean).join(' ') || identifier
    if (userId && name) names.set(userId, name)
  }
  if (user) names.set(user.id, `${user.fullName ?? user.username ?? shortMember(user.id)} (you)`)
  return (member) => (member ? (names.get(userIdOf(member)) ?? shortMember(member)) : 'unknown')
}
