import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
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
