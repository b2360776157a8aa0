// Builds the Functions app as it is deployed: one folder with everything that it needs at run time but what the worker
// itself brings, so that nothing is installed in Azure. `node scripts/package-functions.mjs [folder] [entry]`, by default
// dist/azure-functions and azure-functions; the other entry is http-azure-functions, the HTTP front door.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = resolve(process.argv[2] ?? join(root, 'dist', 'azure-functions'))

const entry = process.argv[3] ?? 'azure-functions'

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })

await build({
  absWorkingDir: root,
  entryPoints: { index: `infra/entrypoints/${entry}.ts` },
  outdir: folder,
  bundle: true,
  platform: 'node',
  target: 'node20',
  // As a module with chunks, so that @azure/identity is read only where an identity is used.
  format: 'esm',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  outExtension: { '.js': '.mjs' },
  conditions: ['sluice-source'],
  // The worker answers require('@azure/functions-core') itself; a module of that name does not exist.
  external: ['@azure/functions-core'],
  // What was CommonJS asks for `require`; the worker's own answers only through one of Node's making.
  banner: {
    js: "import { createRequire as sluiceCreateRequire } from 'node:module'; const require = sluiceCreateRequire(import.meta.url);",
  },
  keepNames: true,
  logLevel: 'warning',
})

const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const manifest = { name: `${name}-functions`, version, private: true, type: 'module', main: 'index.mjs' }
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
copyFileSync(join(root, 'host.json'), join(folder, 'host.json'))
console.log(folder)
