// Bundles the local hub's page: `node scripts/build-page.mjs [folder]`, by default dist/infra/hub-page/static. Everything
// is in it, Preact and its licence text included: the page asks no other server for anything.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const ui = join(root, 'infra/hub-page/ui')
const folder = resolve(process.argv[2] ?? join(root, 'dist/infra/hub-page/static'))

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })

await build({
  absWorkingDir: root,
  entryPoints: { app: join(ui, 'app.tsx') },
  outdir: folder,
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  // The first with all that the page uses, light-dark() and <dialog> among it.
  target: ['chrome123', 'firefox120', 'safari17.5'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  banner: { js: '/* Contains Preact, MIT License: see LICENSE-preact.txt beside this file. */' },
  logLevel: 'warning',
})
await build({
  absWorkingDir: root,
  entryPoints: { app: join(ui, 'styles/index.css') },
  outdir: folder,
  bundle: true,
  minify: true,
  target: ['chrome123', 'firefox120', 'safari17.5'],
  logLevel: 'warning',
})
for (const name of ['index.html', 'icon.svg']) copyFileSync(join(ui, name), join(folder, name))
const preact = dirname(fileURLToPath(import.meta.resolve('preact/package.json')))
copyFileSync(join(preact, 'LICENSE'), join(folder, 'LICENSE-preact.txt'))
