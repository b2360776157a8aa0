import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = `${root}.cache/readme`

afterAll(() => rm(folder, { recursive: true, force: true }))

test('every TypeScript block of the README type-checks against the sources', async () => {
  const readme = await readFile(`${root}README.md`, 'utf8')
  const blocks = [...readme.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => code)
  expect(blocks.length).toBeGreaterThan(5)
  await mkdir(folder, { recursive: true })
  for (const [i, code] of blocks.entries()) await writeFile(`${folder}/block-${i + 1}.ts`, code)
  const entries: Record<string, string> = {
    'eventhub-sluice': 'core/index.ts',
    'eventhub-sluice/aws-lambda': 'adapters/aws-lambda/index.ts',
    'eventhub-sluice/azure-functions': 'adapters/azure-functions/index.ts',
    'eventhub-sluice/fetch': 'adapters/fetch/index.ts',
    'eventhub-sluice/local-hub': 'infra/local-hub/index.ts',
  }
  const paths = Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, [`${root}${file}`]]))
  await writeFile(
    `${folder}/tsconfig.json`,
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions: { noEmit: true, rootDir: '../..', paths, noUnusedLocals: false },
      include: ['./*.ts'],
    }),
  )
  const { stdout } = await promisify(execFile)(process.execPath, [
    `${root}node_modules/typescript/bin/tsc`,
    '-p',
    folder,
  ]).catch((error: { stdout: string }) => error)
  expect(stdout).toBe('')
})

test('the two commands of the README are scripts of package.json', async () => {
  const readme = await readFile(`${root}README.md`, 'utf8')
  const { scripts } = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }
  expect(readme).toContain('npm ci && npm start')
  expect(readme).toContain('npm ci && npm test')
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test']))
})
