import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { experimental_readRawConfig } from 'wrangler'
import { configPath } from './worker.js'

const require = createRequire(import.meta.url)
const wrangler = dirname(require.resolve('wrangler/package.json'))

test("wrangler.jsonc is valid by Wrangler's own schema", () => {
  const Ajv = require('ajv').default
  const schema = JSON.parse(readFileSync(join(wrangler, 'config-schema.json'), 'utf8'))
  const validate = new Ajv({ strict: false, allErrors: true, logger: false }).compile(schema)
  const { rawConfig } = experimental_readRawConfig({ config: configPath })
  expect(validate(rawConfig), JSON.stringify(validate.errors)).toBe(true)
  expect(validate({ ...rawConfig, queues: { consumers: 'none' } })).toBe(false)
})

test.concurrent.each([
  ['', 'cloudflare.js'],
  ['objects', 'cloudflare-objects.js'],
])(
  'what `wrangler deploy --env=%s` would upload is bundled without a warning',
  async (environment, file) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-wrangler-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [
        join(wrangler, 'bin/wrangler.js'),
        'deploy',
        '--dry-run',
        '--config',
        configPath,
        '--outdir',
        folder,
        '--env',
        environment,
      ],
      { env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' } },
    )
    expect(`${stdout}${stderr}`).toContain('--dry-run: exiting now.')
    expect(stderr).toBe('')
    expect(`${stdout}`).not.toContain('WARNING')
    const code = readFileSync(join(folder, file))
    const imports = [...code.toString().matchAll(/\bfrom ?"(node:[\w/]+)"/g)].map(([, name]) => name)
    console.log(`${file}: ${code.length} bytes, ${gzipSync(code, { level: 9 }).length} with gzip`)
    // Without Durable Objects nothing of Node is needed.
    expect(imports.length > 0).toBe(environment === 'objects')
  },
  90_000,
)
