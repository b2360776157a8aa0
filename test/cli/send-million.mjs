// Sends a million lines with `sluice send`, kills it with SIGKILL at random instants, runs it again, and compares.
//
//   node test/cli/send-million.mjs [--records N] [--kills N] [--seed S]

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'sluice-million-'))
try {
  await build({
    absWorkingDir: root,
    entryPoints: { program: 'test/cli/programs/send-million.ts', sluice: 'infra/cli/main.ts' },
    outdir: join(folder, 'programs'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    conditions: ['sluice-source'],
    external: ['@azure/identity', 'ws'],
    banner: { js: "import { createRequire as made } from 'node:module'; const require = made(import.meta.url);" },
    logLevel: 'warning',
  })
  const programs = ['program', 'sluice'].map((name) => join(folder, 'programs', `${name}.mjs`))
  const [program = '', sluice = ''] = programs
  const child = spawn(process.execPath, [program, sluice, folder, ...process.argv.slice(2)], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  process.exitCode = code ?? 1
} finally {
  await rm(folder, { recursive: true, force: true })
}
