/** Whose spending it was, in a name where Clerk tells one. */

/** The user of an account id such as `clerk:user_2a`: what Clerk calls them. */
export function userIdOf(member: string): string {
  return member.slice(member.indexOf(':') + 1)
}

/** A name for a member that nobody knows by name any more. */
export function shortMember(member: string): string {
  const id = userIdOf(member)
  return id.length > 18 ? `${id.slice(0, 9)}…${id.slice(-5)}` : id
}
