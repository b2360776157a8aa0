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

    await write('main.ts', good.replace('count: number', 'count: string'))
    expect((await report(folder)).map((line) => line.trim())).toEqual([
      expect.stringMatching(/^\.: .*docs\/api\/index\.api\.md\. If that is meant: npm run api -- --write$/),
      '-     readonly count: number;',
      '+     readonly count: string;',
    ])
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
