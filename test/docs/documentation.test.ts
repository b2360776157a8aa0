import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blockProblems } from './support/blocks.js'
import { brokenLinks } from './support/links.js'
import { isWrittenByHand, pagePaths, readPage } from './support/markdown.js'
import { bundlePrograms, outputOf, runShell, runTypeScript } from './support/running.js'
import { programsOf, typeErrors } from './support/typescript.js'

const pages = pagePaths().map(readPage)
const written = pages.filter(({ path }) => isWrittenByHand(path))
const programs = written.flatMap(({ blocks }) => programsOf(blocks))
const blocks = written.flatMap((page) => page.blocks.map((block) => ({ block, output: outputOf(page.blocks, block) })))
const isRun = ({ block }: { block: { marks: readonly string[] } }) => block.marks.includes('run')

test('every link of every page leads to a file and a heading', () => {
  expect(pages.length).toBeGreaterThan(20)
  expect(brokenLinks(pages)).toEqual([])
})

test('every block of TypeScript type-checks by itself, against the sources', async () => {
  expect(programs.length).toBeGreaterThan(15)
  expect(await typeErrors(programs)).toEqual([])
})

test('every other block is of a known language, and right in it: commands, options, files, JSON, Python', async () => {
  expect((await Promise.all(blocks.map(({ block }) => blockProblems(block)))).flat()).toEqual([])
})

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
      expect(await runTypeScript(program, bundle.path(program.name), output)).toBeUndefined()
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
