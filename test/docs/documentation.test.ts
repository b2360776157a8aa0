import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalHubEvent } from '../../infra/local-hub/index.js'
import { blockProblems } from './support/blocks.js'
import { contentOf } from './support/content.js'
import { brokenLinks } from './support/links.js'
import { isWrittenByHand, pagePaths, readPage } from './support/markdown.js'
import { bundlePrograms, outputOf, runShell, runTypeScript } from './support/running.js'
import { type Program, programsOf, typeErrors } from './support/typescript.js'

const pages = pagePaths().map(readPage)
const written = pages.filter(({ path }) => isWrittenByHand(path))
const programs = written.flatMap(({ blocks }) => programsOf(blocks))
const blocks = written.flatMap((page) => page.blocks.map((block) => ({ block, output: outputOf(page.blocks, block) })))
const isRun = ({ block }: { block: { marks: readonly string[] } }) => block.marks.includes('run')

test('every link of every page leads to a file and a heading', () => {
  expect(pages.length).toBeGreaterThan(20)
  expect(brokenLinks(pages)).toEqual([])
})

test('the README begins with the two commands that need nothing but Node', () => {
  const { blocks } = readPage('README.md')
  const shell = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code)
  expect(shell).toEqual(expect.arrayContaining(['npm ci && npm start', 'npm ci && npm test']))
})

test('every block of TypeScript type-checks by itself, against the sources', async () => {
  expect(programs.length).toBeGreaterThan(15)
  expect(await typeErrors(programs)).toEqual([])
})

test('every other block is of a known language, and right in it: commands, options, files, JSON, Python', async () => {
  expect((await Promise.all(blocks.map(({ block }) => blockProblems(block)))).flat()).toEqual([])
})

/** What each block that was run has left in the event hub. */
const arrived = new Map<Program, readonly LocalHubEvent[]>()

describe.concurrent('marked to be run, against a local hub', () => {
  const marked = programs.filter(isRun)
  let bundle: Awaited<ReturnType<typeof bundlePrograms>>
  beforeAll(async () => {
    bundle = await bundlePrograms(Object.fromEntries(marked.map(({ name, code }) => [name, { code }])))
  })
  afterAll(() => bundle[Symbol.asyncDispose]())

  test.each(marked.map((program) => [program.block.page, program.block.line, program] as const))(
    '%s:%i does what the page says',
    async (_page, _line, program) => {
      const { output } = blocks.find(({ block }) => block === program.block) ?? {}
      const { problem, events } = await runTypeScript(program, bundle.path(program.name), output)
      arrived.set(program, events)
      expect(problem).toBeUndefined()
    },
  )

  const shell = blocks.filter(({ block }) => block.language === 'sh').filter(isRun)
  test
    .skipIf(spawnSync('curl', ['--version']).status !== 0)
    .each(shell.map(({ block, output }) => [block.page, block.line, block, output] as const))(
    '%s:%i does what the page says',
    async (_page, _line, block, output) => {
      expect(await runShell(block, output)).toBeUndefined()
    },
  )

  test('is in a language that can be', () => {
    const others = blocks.filter(isRun).filter(({ block }) => !['ts', 'sh', 'python'].includes(block.language))
    expect(others).toEqual([])
  })
})

test('what a page shows before and after leaves the same in the event hub', () => {
  const isOfficial = ({ code }: Program) => code.includes("from '@azure/event-hubs'")
  const marked = programs.filter((program) => program.block.marks.includes('run'))
  const pairs = marked.flatMap((before, i) => {
    const after = marked[i + 1]
    return isOfficial(before) && after !== undefined ? [{ before, after }] : []
  })
  expect(pairs.length).toBeGreaterThan(3)
  for (const { before, after } of pairs) {
    const at = `${before.block.page}:${before.block.line}`
    expect(contentOf(arrived.get(after) ?? []), at).toEqual(contentOf(arrived.get(before) ?? []))
  }
  expect(pairs.flatMap(({ before }) => arrived.get(before) ?? []).length).toBeGreaterThan(100)
})
