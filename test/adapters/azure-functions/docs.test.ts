import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = `${root}.cache/functions-docs`

afterAll(() => rm(folder, { recursive: true, force: true }))

/** How durable-functions types the registration of an activity; the package itself is not installed here. */
const durableFunctions = `declare module 'durable-functions' {
  import type { InvocationContext } from '@azure/functions'
  export const app: {
    activity(name: string, options: { handler: (input: any, context: InvocationContext) => any }): unknown
  }
}`

test('every TypeScript block of docs/azure-functions.md type-checks against the sources', async () => {
  const page = await readFile(`${root}docs/azure-functions.md`, 'utf8')
  const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => code)
  expect(blocks.length).toBeGreaterThan(3)
  await mkdir(folder, { recursive: true })
  for (const [i, code] of blocks.entries()) await writeFile(`${folder}/block-${i + 1}.ts`, code)
  await writeFile(`${folder}/durable-functions.d.ts`, durableFunctions)
  const paths = { 'eventhub-sluice/azure-functions': [`${root}adapters/azure-functions/index.ts`] }
  const compilerOptions = { noEmit: true, rootDir: '../..', paths, noUnusedLocals: false }
  const config = { extends: '../../tsconfig.json', compilerOptions, include: ['./*.ts'] }
  await writeFile(`${folder}/tsconfig.json`, JSON.stringify(config))
  const tsc = `${root}node_modules/typescript/bin/tsc`
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch(
    (error: { stdout: string }) => error,
  )
  expect(stdout.split('\n').filter((line) => /functions-docs|azure-functions/.test(line))).toEqual([])
})

test('every file and link that the page names exists', async () => {
  const page = await readFile(`${root}docs/azure-functions.md`, 'utf8')
  const named = [...page.matchAll(/\b((?:infra|scripts)\/[\w./-]+\.\w+|local\.settings\.example\.json)/g)]
  expect(named.length).toBeGreaterThan(3)
  expect(named.map(([, path]) => path).filter((path) => !existsSync(`${root}${path}`))).toEqual([])
  const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
  const anchors = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor)
  expect(anchors.filter((anchor) => !headings.includes(String(anchor)))).toEqual([])
  const linked = [...page.matchAll(/\]\((?!#|https:)([^)]+)\)/g)].map(([, path]) => path)
  expect(linked.filter((path) => !existsSync(`${root}docs/${path}`))).toEqual([])
})

test('the page names every function of the app, and every app setting that it reads', async () => {
  const page = await readFile(`${root}docs/azure-functions.md`, 'utf8')
  const app = await readFile(`${root}infra/entrypoints/azure-functions.ts`, 'utf8')
  for (const [, name] of app.matchAll(/^app\.\w+\('(\w+)'/gm)) expect(page).toContain(`\`${name}\``)
  for (const [, name] of app.matchAll(/%(\w+)%/g)) expect(page).toContain(String(name))
})
