import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isWrittenByHand, pagePaths, readPage, root } from './support/markdown.js'
import { wordsOfSources } from './support/sources.js'

const read = (path: string) => readFileSync(`${root}${path}`, 'utf8')

/** Of Azure Functions' worker, n8n and Kubernetes. */
const namesOfOthers = new Set([
  'postReceive',
  'requestDefaults',
  'setupCoreModule',
  'terminateWorker',
  'terminationGracePeriodSeconds',
])

/** Names such as `maxWaitTimeInMs` that a line of a page has as code. */
function namesIn(line: string): string[] {
  return [...line.matchAll(/`(?<code>[^`]+)`/g)].flatMap(({ groups }) =>
    [...(groups?.code ?? '').matchAll(/(?<![\w/.-])[a-z]+(?:[A-Z][a-z0-9]*)+(?![\w/-])/g)].map(([name]) => name),
  )
}

test('every option, method and field that a page names is in the sources', () => {
  const words = wordsOfSources()
  const pages = pagePaths().filter(isWrittenByHand)
  const unknown = pages.flatMap((page) =>
    read(page)
      .replace(/^( *)```[\s\S]*?^\1```/gm, (block) => block.replace(/[^\n]/g, ''))
      .split('\n')
      .flatMap((line, i) => namesIn(line).map((name) => ({ name, at: `${page}:${i + 1}: ${name}` })))
      .filter(({ name }) => !words.has(name) && !namesOfOthers.has(name))
      .map(({ at }) => at),
  )
  expect(unknown).toEqual([])
  expect(namesIn('`sendEvnet()` and `{ maxWaitTimeInMs }`, not `a/sendEvent` or `AmqpEvent`')).toEqual([
    'sendEvnet',
    'maxWaitTimeInMs',
  ])
})

/** The first number of a text, in the unit that options are in. */
function numberIn(text: string): number | undefined {
  const [, digits, unit] = /(?<digits>\d+(?:\.\d+)?)(?: (?<unit>MiB))?/.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * (unit === 'MiB' ? 2 ** 20 : 1)
}

test('defaults in the tables of concepts.md are those of the docstrings', () => {
  // Settings that are parsed already have the same names, and no defaults.
  const reference = new Map(
    [...read('docs/reference/index.md').matchAll(/^\| `(?<name>\w+)` \|.*? \| (?<byDefault>[^|]*) \| [^|]* \|$/gm)]
      .map(({ groups }) => [groups?.name ?? '', numberIn(groups?.byDefault ?? '')] as const)
      .filter(([, byDefault]) => byDefault !== undefined),
  )
  const rows = read('docs/concepts.md').matchAll(/^\| `(?:\w+\.)?(?<name>\w+)` \|(?<cells>.*)\|$/gm)
  const checked = [...rows].flatMap(({ groups }) => {
    const byDefault = reference.get(groups?.name ?? '')
    return byDefault === undefined ? [] : [{ name: groups?.name, byDefault, said: numberIn(groups?.cells ?? '') }]
  })
  expect(checked.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'tryTimeoutInMs',
      'socketTimeoutInMs',
      'authTimeoutInMs',
      'maxBufferLength',
      'maxBufferSizeInBytes',
    ]),
  )
  for (const { name, byDefault, said } of checked) expect(said, name).toBe(byDefault)
})

test('every picture is shown by a page, says in words what it shows, and fits light and dark', () => {
  const shown = pagePaths()
    .map(readPage)
    .flatMap(({ links }) => links.map(({ target }) => target.split('/').at(-1)))
  const pictures = readdirSync(`${root}docs/images`)
  expect(shown).toEqual(expect.arrayContaining(pictures))
  for (const name of pictures.filter((each) => each.endsWith('.svg'))) {
    const svg = read(`docs/images/${name}`)
    expect(svg, name).toMatch(/<title id="\w+">[^<]+<\/title>\s*<desc id="\w+">[^<]+<\/desc>/)
    expect(svg, name).toContain('@media (prefers-color-scheme: dark)')
  }
})
