import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Runs `npm run api` in a folder; what it complains of, line by line. */
function report(folder: string, ...options: string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const args = [join(root, 'scripts/api-report.mjs'), ...options, folder]
    execFile(process.execPath, args, (error, stdout, stderr) => {
      const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '')
      // An exit code and complaints belong together.
      if ((error === null) === (lines.length === 0)) resolve(lines)
      else reject(new Error(`Exit code ${error?.code ?? 0} with: ${lines.join('\n')}`))
    })
  })
}

test('the public types are those of docs/api, each of them documented and importable', async () => {
  expect(await report(root)).toEqual([])
}, 180_000)

describe('in a package with two entries', () => {
  let folder: string

  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  const good = `
/** Options. */
export interface Options {
  /** How many. */
  readonly count: number
}
`
  const side = `
import type { Options } from './main.js'
/** Opens. A type of the main entry needs no second export. */
export function open(options: Options): void {
  void options
}
`

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-api-report-'))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
    const entry = (name: string) => ({ types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` })
    const exports = { '.': entry('main'), './side': entry('side'), './package.json': './package.json' }
    await write('package.json', JSON.stringify({ name: 'example', version: '1.0.0', type: 'module', exports }))
    const compilerOptions = { target: 'es2022', module: 'nodenext', strict: true, stripInternal: true, types: [] }
    await write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['main.ts', 'side.ts'] }))
    await write('side.ts', side)
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('each entry that has types gets a report, which it is then held against', async () => {
    await write('main.ts', good)
    expect(await report(folder, '--write')).toEqual([])
    expect((await readdir(join(folder, 'docs/api'))).sort()).toEqual(['index.api.md', 'side.api.md'])
    expect(await readFile(join(folder, 'docs/api/index.api.md'), 'utf8')).toContain('readonly count: number;')
    expect((await readdir(join(folder, 'docs/reference'))).sort()).toEqual(['index.md', 'side.md'])

    await write('main.ts', good.replace('count: number', 'count: string'))
    expect((await report(folder)).map((line) => line.trim())).toEqual([
      expect.stringMatching(/^\.: .*docs\/api\/index\.api\.md\. If that is meant: npm run api -- --write$/),
      '-     readonly count: number;',
      '+     readonly count: string;',
      'docs/reference/index.md is not what the docstrings say. Renew it: npm run api -- --write',
    ])
  }, 180_000)

  test('each entry has a page for people: signatures, members with units and defaults, links between symbols', async () => {
    const main = `
/** Options of \`Door.open\`, <all> of them. */
export interface DoorOptions {
  /** How long it stays open; see \`Kind\`. Default: 500, or 0.5 s. Never longer. */
  readonly openForInMs?: number | undefined
  /** Which. */
  readonly kind: Kind | undefined
}
/** Of a door. Default: it has none. */
export type Kind = 'left' | 'right'
/** A door. */
export class Door {
  /**
   * Opens it.
   *
   * @param options how
   * @returns whether it was closed
   * @throws TypeError for a wrong kind
   */
  open(options: DoorOptions): boolean {
    return options.kind === 'left'
  }
}
`
    await write('main.ts', main)
    await write(
      'side.ts',
      "import type { DoorOptions } from './main.js'\n/** Knocks. */\nexport function knock(options: DoorOptions): void {\n  void options\n}\n",
    )
    await write('docs/reference/gone.md', 'the page of an entry that is gone')
    expect(await report(folder, '--write')).toEqual(['docs/reference/gone.md is the page of no entry. Delete it.'])
    await rm(join(folder, 'docs/reference/gone.md'))
    const page = await readFile(join(folder, 'docs/reference/index.md'), 'utf8')
    expect(page).toContain('# `example`\n')
    expect(page).toContain('| [`Door`](#door) | A door. |')
    expect(page).toContain('Options of [`Door.open`](#dooropen), &lt;all> of them.')
    expect(page).toContain(
      '| `openForInMs` | number, in ms | 500, or 0.5 s | How long it stays open; see [`Kind`](#kind). Never longer. |',
    )
    expect(page).toContain('| `kind` | [Kind](#kind) \\| undefined | required | Which. |')
    expect(page).toContain("import { Door } from 'example'\n")
    expect(page).toContain('### door.open\n\n```ts\nopen(options: DoorOptions): boolean\n```\n\nOpens it.\n')
    expect(page).toContain('| `options` | how |')
    expect(page).toContain(
      'Returns: whether it was closed\n\nThrows: TypeError for a wrong kind\n\nSee [`DoorOptions`](#dooroptions).',
    )
    const beside = await readFile(join(folder, 'docs/reference/side.md'), 'utf8')
    expect(beside).toContain("import { knock } from 'example/side'")
    expect(beside).toContain('See [`DoorOptions`](index.md#dooroptions).')
    await write('side.ts', side)
  }, 180_000)

  test('what no report can make good is refused by name, also when the reports are renewed', async () => {
    const bad = `
${good.replace('  /** How many. */\n', '')}
export interface Bare {}
/** Needed by users, who cannot import it. */
interface Kept {
  /** It. */
  readonly it: Options
}
/** Keeps. */
export function keep(): Kept | undefined {
  return undefined
}
/** Does not compile. */
export const wrong: number = 'text'
`
    await write('main.ts', bad)
    await write('docs/api/gone.api.md', 'the report of an entry that is gone')
    expect(await report(folder, '--write')).toEqual([
      'tsc found errors:',
      expect.stringMatching(/main\.ts.* not assignable /),
      expect.stringMatching(/^\.: main\.d\.ts:\d+: Missing documentation for "count"/),
      expect.stringMatching(/^\.: main\.d\.ts:\d+: Missing documentation for "Bare"/),
      expect.stringMatching(/^\.: main\.d\.ts:\d+: .*"Kept" needs to be exported/),
      'docs/api/gone.api.md is the report of no entry. Delete it.',
    ])
  }, 180_000)
})
