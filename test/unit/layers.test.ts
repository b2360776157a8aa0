import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { files } from './layer-edges.js'

// Proves that the layer rule in biome.json bites: every line of layer-edges.ts is written to a file at its path in
// a copy of the configuration, and biome says what it thinks of it.

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Configuration {
  readonly overrides: readonly { readonly includes: readonly string[] }[]
  readonly [other: string]: unknown
}

let copy: string
let configuration: Configuration
let copies = 0

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'sluice-layers-'))
  configuration = JSON.parse(await readFile(join(root, 'biome.json'), 'utf8'))
})

afterAll(() => rm(copy, { recursive: true, force: true }))

async function copyOf(tested: Configuration, contents: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const folder = join(copy, String(copies++))
  for (const name of ['package.json', '.gitignore', 'scripts/lint']) {
    await cp(join(root, name), join(folder, name), { recursive: true })
  }
  await writeFile(join(folder, 'biome.json'), JSON.stringify(tested))
  for (const [path, lines] of Object.entries(contents)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), lines.map((line) => `${line}\n`).join(''))
  }
  return folder
}

/** Every line that biome judges otherwise than `files` says, as `path: line`. */
async function misjudged(tested: Configuration): Promise<string[]> {
  // The lines name each other's files in all directions; the cycles that they make have a test of their own.
  const contents = Object.entries(files).map(([path, { allowed, forbidden }]) => [path, [...allowed, ...forbidden]])
  const complaints = await lint(await copyOf(tested, Object.fromEntries(contents)), [
    '--skip=suspicious/noImportCycles',
  ])
  return Object.entries(files).flatMap(([path, { allowed, forbidden }]) => [
    ...allowed.filter((_, at) => complaints.has(`${path}:${at + 1}`)).map((line) => `${path}: ${line}`),
    ...forbidden
      .filter((_, at) => !complaints.has(`${path}:${allowed.length + at + 1}`))
      .map((line) => `${path}: ${line}`),
  ])
}

/** Where biome found an error, as `path:line`. */
async function lint(folder: string, skipped: readonly string[] = []): Promise<Set<string>> {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const args = [biome, 'lint', ...skipped, '--reporter=github', '--max-diagnostics=none', '--colors=off']
  const output = await promisify(execFile)(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 26 }).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string; stderr?: string }) => {
      if (!error.stdout?.includes('::error')) throw new Error(`biome did not lint: ${error.stdout}${error.stderr}`)
      return error.stdout
    },
  )
  const found = output.matchAll(/^::error title=[^,]*,file=(?<path>[^,]*),line=(?<line>\d+)/gm)
  return new Set([...found].map(({ groups }) => `${relative(folder, groups?.path)}:${groups?.line}`))
}

function relative(folder: string, path = ''): string {
  return path.slice(path.indexOf(folder) + folder.length + 1)
}

test('imports point downward: what the layer rule forbids is an error, and nothing else is', async () => {
  expect(await misjudged(configuration)).toEqual([])
})

test('every override of biome.json is needed: without any one of them, an edge is misjudged', async () => {
  const { overrides } = configuration
  expect(overrides.length).toBeGreaterThan(0)
  const unnoticed: string[] = []
  for (const [removed, { includes }] of overrides.entries()) {
    const wrong = await misjudged({ ...configuration, overrides: overrides.filter((_, at) => at !== removed) })
    if (wrong.length === 0) unnoticed.push(`override ${removed}: ${includes.join(' ')}`)
  }
  expect(unnoticed).toEqual([])
}, 180_000)

test('an import cycle is an error, even one that only types close', async () => {
  const folder = await copyOf(configuration, {
    'core/auth/first.ts': ["export type { Second } from './second.js'", 'export type First = 1'],
    'core/auth/second.ts': ["export type { First } from './first.js'", 'export type Second = 2'],
    'core/auth/third.ts': ["export type { First } from './first.js'"],
  })
  expect([...(await lint(folder))].sort()).toEqual(['core/auth/first.ts:1', 'core/auth/second.ts:1'])
})
