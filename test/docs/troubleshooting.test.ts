import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { fromCondition } from '../../core/amqp/conditions.js'
import type { EventHubError } from '../../core/errors.js'
import { fromStatus } from '../../core/https/status.js'
import { root } from './support/markdown.js'

const read = (path: string) => readFile(`${root}${path}`, 'utf8')

test('each error code has a section that says why, what to do, whether to retry, and what is known of the events', async () => {
  const [, union = ''] =
    /type EventHubErrorCode =(?<codes>(?:\s+\| '[a-z-]+')+)/.exec(await read('core/errors.ts')) ?? []
  const codes = [...union.matchAll(/'(?<code>[a-z-]+)'/g)].map(({ groups }) => groups?.code)
  expect(codes.length).toBeGreaterThan(15)

  const [, byCode = ''] = (await read('docs/troubleshooting.md')).split('\n## By code\n')
  const sections = byCode.split('\n### ').slice(1)
  expect(sections.map((section) => section.split('\n')[0])).toEqual(codes.map((code) => `\`${code}\``))
  for (const section of sections) {
    for (const part of ['Usual causes', 'What to do', 'Retryable', 'Outcome']) {
      expect(section, section.split('\n')[0]).toMatch(new RegExp(`\\*\\*${part}:\\*\\* \\S`))
    }
    expect(section).toMatch(/\*\*Retryable:\*\* (?:yes|no)\b/)
    expect(section).toMatch(/\*\*Outcome:\*\* `(?:refused|returned|unknown)`/)
  }
})

describe('a section says of retries and outcome what the library says', async () => {
  const [, byCode = ''] = (await read('docs/troubleshooting.md')).split('\n## By code\n')
  const sectionOf = (code: string) =>
    byCode.split('\n### ').find((section) => section.startsWith(`\`${code}\`\n`)) ?? ''
  const source = await read('core/amqp/conditions.ts')
  const conditions = [...source.matchAll(/'(?<name>(?:amqp|com\.microsoft):[a-z:-]+)'/g)].map(
    ({ groups }) => groups?.name,
  )
  const errors: [string, EventHubError][] = [
    ...[...new Set(conditions)].map((condition): [string, EventHubError] => [
      `${condition}`,
      // These end a link or a connection, and refuse no message.
      fromCondition({ condition }, 'It said', condition?.endsWith('forced') ? 'returned' : 'refused'),
    ]),
    ...[400, 401, 403, 404, 408, 410, 413, 429, 500, 502, 503, 504].map((status): [string, EventHubError] => [
      `${status}`,
      fromStatus(status, null, 0),
    ]),
  ]

  test('of all conditions and statuses', () => {
    expect(errors.length).toBeGreaterThan(25)
  })

  test.each(errors)('%s', (_name, { code, retryable, outcome }) => {
    const section = sectionOf(code)
    const [, said = ''] = /\*\*Retryable:\*\* (?<said>yes|no)\b/.exec(section) ?? []
    expect(said, section).toBe(retryable ? 'yes' : 'no')
    expect(section.split('**Outcome:**')[1]).toContain(`\`${outcome}\``)
  })
})
