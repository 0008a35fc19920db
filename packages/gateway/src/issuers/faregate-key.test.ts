import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { replaceAt } from './__fixtures__/tokens.ts'
import { createFaregateKey, isFaregateKey, parseFaregateKey, payerOf } from './faregate-key.ts'
import { webSha256 } from './sha256.ts'

const accounts = [
  'clerk:user_2a',
  'clerk:org_7',
  'acme:user:42',
  'acme:org:7',
  'acme:user:ü~?>_-_',
  `acme:user:${'x'.repeat(255)}`,
]

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('Faregate keys', () => {
  it.each(accounts)('round trip for %s', async (accountId) => {
    for (let turn = 0; turn < 50; turn += 1) {
      const { key, hash } = await createFaregateKey(accountId)
      expect(key).toMatch(/^fg_[A-Za-z0-9_-]+_[A-Za-z0-9_-]{43}$/)
      expect(await parseFaregateKey(key)).toEqual({ accountId, hash })
      expect(hash).toBe(sha256(key))
    }
  })

  it('never makes the same key twice', async () => {
    const made = await Promise.all(Array.from({ length: 100 }, () => createFaregateKey('clerk:user_2a')))
    expect(new Set(made.map(({ key }) => key)).size).toBe(100)
  })

  it('hashes with what the runtime brings', async () => {
    const { key, hash } = await createFaregateKey('clerk:user_2a', sha256)
    expect(await parseFaregateKey(key, sha256)).toEqual({ accountId: 'clerk:user_2a', hash })
    expect(await webSha256('ü')).toBe(sha256('ü'))
  })

  it('a changed key names another hash, another account or nothing', async () => {
    const { key, hash } = await createFaregateKey('clerk:user_2a')
    for (let index = 0; index < key.length; index += 1) {
      for (const character of ['A', 'z', '_', '-', '.', '=', ' ']) {
        const mutant = replaceAt(key, index, character)
        if (mutant !== key) expect((await parseFaregateKey(mutant))?.hash).not.toBe(hash)
      }
    }
  })

  it('refuses what is no key', async () => {
    const secret = 'A'.repeat(43)
    const encode = (text: string) => btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
    const texts = [
      '',
      'fg_',
      `fg_${secret}`,
      `fg__${secret}`,
      `fg_${encode('clerk:user_2a')}${secret}`,
      `fg_${encode('clerk:user_2a')}_${secret}A`,
      `fg_${encode('clerk:user_2a')}_${'A'.repeat(42)}B`,
      `FG_${encode('clerk:user_2a')}_${secret}`,
      `fg_${encode('clerk:user_')}_${secret}`,
      `fg_${encode('clerk')}_${secret}`,
      `fg_${encode('acme:admin:1')}_${secret}`,
      `fg_${encode('acme:user:1\n')}_${secret}`,
      `fg_${encode('acme:user:\xff')}_${secret}`,
      `fg_${encode(`acme:user:${'x'.repeat(400)}`)}_${secret}`,
      `fg_${encode('clerk:user_2a')}=_${secret}`,
    ]
    for (const text of texts) expect(await parseFaregateKey(text), text).toBeNull()
    expect(await parseFaregateKey(`fg_${encode('clerk:user_2a')}_${secret}`)).not.toBeNull()
    expect(isFaregateKey('eyJ')).toBe(false)
  })

  it('refuses to make one for what is no account', async () => {
    await expect(createFaregateKey('')).rejects.toThrow('account')
    await expect(createFaregateKey('user_2a')).rejects.toThrow('account')
  })

  it('knows who pays', () => {
    expect(accounts.map(payerOf)).toEqual(['user', 'organization', 'user', 'organization', 'user', 'user'])
    expect(payerOf('acme:user:x:org:y')).toBe('user')
    expect(payerOf('org:user:x')).toBe('user')
    expect(payerOf('acme:user:org_7')).toBe('user')
  })
})
