import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageVersion } from '../../core/options.js'
import {
  bundlerProject,
  edgeEntries,
  everyEntry,
  functionsEntry,
  nodeProject,
  workerProject,
} from './package/consumer.js'
import {
  dependencyClosure,
  filesIn,
  linkPackages,
  type PackedPackage,
  packAndInstall,
  readJson,
  root,
  run,
} from './package/packed.js'

// What users get: the tarball that `npm pack` makes, installed beside its dependencies.

let packed: PackedPackage

beforeAll(async () => {
  packed = await packAndInstall()
}, 180_000)

afterAll(() => packed?.remove())

/** The entries as users write them, such as `eventhub-sluice/fetch`. */
function entries(): string[] {
  return Object.keys(packed.manifest.exports)
    .filter((name) => name !== './package.json')
    .map((name) => name.replace(/^\./, 'eventhub-sluice'))
}

/** The local hub's page, as it is served. */
const pageFolder = 'dist/infra/hub-page/static/'

describe('the tarball', () => {
  test('holds the built library and its papers, and nothing of this repository alone', async () => {
    const files = await filesIn(packed.installed)
    const papers = files.filter((file) => !/^(dist|docs|examples|infra\/workflows)\//.test(file)).sort()
    expect(papers).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json'])
    // The manual as text and drawings; screenshots would be a quarter of the download.
    const manual = files.filter((file) => /^(docs|examples)\//.test(file))
    expect(manual.filter((file) => !/\.(md|svg)$|^examples\/[^/]+\/[^/]+\.ts$/.test(file))).toEqual([])
    expect(manual.filter((file) => file.startsWith('docs/api/'))).toEqual([])
    const commandLine = files.filter((file) => file.startsWith('dist/infra/cli/')).sort()
    expect(commandLine).toEqual(['LICENSES.txt', 'sluice.js', 'sluice.js.map'].map((name) => `dist/infra/cli/${name}`))
    const pageFiles = files.filter((file) => file.startsWith(pageFolder)).map((file) => file.slice(pageFolder.length))
    // One bundle, and the licence of what is in it.
    expect(pageFiles.sort()).toEqual(['LICENSE-preact.txt', 'app.css', 'app.js', 'icon.svg', 'index.html'])
    const built = files.filter((file) => file.startsWith('dist/'))
    const library = built.filter((file) => !commandLine.includes(file) && !file.startsWith(pageFolder))
    const unexpected = library.filter(
      (file) =>
        !/^dist\/(core|adapters|infra\/(local-hub|hub-page))\//.test(file) || !/\.(js|d\.ts|js\.map)$/.test(file),
    )
    expect(unexpected).toEqual([])
    const scripts = library.filter((file) => file.endsWith('.js'))
    expect(scripts.length).toBeGreaterThan(0)
    expect(scripts.filter((file) => !files.includes(file.replace(/\.js$/, '.d.ts')))).toEqual([])
  })

  test('holds the manual: every link of README, docs and examples leads to a file in it', async () => {
    const files = new Set(await filesIn(packed.installed))
    const pages = [...files].filter((file) => file.endsWith('.md'))
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/README.md', 'docs/reference/index.md']))
    const dead: string[] = []
    for (const page of pages) {
      const text = await readFile(join(packed.installed, page), 'utf8')
      for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)\s]*)?\)/g)) {
        const file = join(dirname(page), target)
        if (!target.includes(':') && !files.has(file)) dead.push(file)
      }
    }
    // What only a checkout can use, or has room for.
    const onlyInCheckouts = [
      'CONTRIBUTING.md',
      'serverless.yml',
      'infra/azure/main.bicep',
      'infra/azure/functions.bicep',
    ]
    expect([...new Set(dead)].filter((file) => !/^docs\/images\/.*\.png$/.test(file)).sort()).toEqual(
      onlyInCheckouts.sort(),
    )
  })

  test('is a download of less than 1.5 MB', async () => {
    const { size } = await stat(packed.tarball)
    console.log(`eventhub-sluice-${packageVersion}.tgz: ${size} bytes`)
    expect(size).toBeLessThan(1_500_000)
  })

  test('has source maps that carry their sources, so that none points at a file that was not shipped', async () => {
    const files = await filesIn(packed.installed)
    const scripts = files.filter((file) => /^dist\/.*\.js$/.test(file) && !file.startsWith(pageFolder))
    for (const script of scripts) {
      const map = await readJson<{ sources: string[]; sourcesContent?: string[] }>(
        join(packed.installed, `${script}.map`),
      )
      expect([script, map.sourcesContent?.length]).toEqual([script, map.sources.length])
    }
  })

  test('names the library as main, the version that the user agent tells, and neither development dependencies, scripts nor TypeScript sources', async () => {
    const { manifest } = packed
    expect(manifest.main).toBe('./dist/core/index.js')
    expect(manifest.version).toBe(packageVersion)
    expect(manifest).not.toHaveProperty('devDependencies')
    expect(manifest).not.toHaveProperty('scripts')
    expect(JSON.stringify(manifest)).not.toContain('sluice-source')
    expect(Object.keys(manifest.imports)).toEqual(['#transports'])
    expect(JSON.stringify({ ...manifest.exports, ...manifest.imports })).not.toMatch(/[^d]\.ts"/)
  })

  test('leaves package.json as it was, byte for byte, also when a run before it died half-way', async () => {
    const original = await readFile(join(root, 'package.json'))
    expect(await readFile(join(packed.repository, 'package.json'))).toEqual(original)
    const swap = (command: string) =>
      run(process.execPath, ['scripts/pack-manifest.mjs', command], { cwd: packed.repository })
    await swap('prepare')
    const prepared = await readFile(join(packed.repository, 'package.json'))
    expect(prepared).not.toEqual(original)
    await swap('prepare')
    expect(await readFile(join(packed.repository, 'package.json'))).toEqual(prepared)
    await swap('restore')
    await swap('restore')
    expect(await readFile(join(packed.repository, 'package.json'))).toEqual(original)
    expect((await readdir(packed.repository)).filter((name) => name.startsWith('package.json'))).toEqual([
      'package.json',
    ])
  })

  test('is clean by publint', async () => {
    // `pack: false`: what stands in the consumer's node_modules is what was packed.
    const { messages, pkg } = await publint({ pkgDir: packed.installed, strict: true, pack: false })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  test('is clean by are-the-types-wrong', async () => {
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const options = [
      // TypeScript's `node10` resolution predates exports maps, and Node 12; no supported runtime resolves so.
      ...['--profile', 'node16'],
      // The package is ESM alone. require() of it works from Node 20.19, the floor in `engines`, and is tested below.
      ...['--ignore-rules', 'cjs-resolves-to-esm'],
      ...['--no-definitely-typed', '--format', 'json'],
    ]
    // It exits with 1, and so rejects, when a problem is left.
    const { stdout } = await run(process.execPath, [attw, packed.tarball, ...options], { maxBuffer: 2 ** 26 })
    const { analysis }: { analysis: { entrypoints: object } } = JSON.parse(stdout)
    expect(Object.keys(analysis.entrypoints).sort()).toEqual(Object.keys(packed.manifest.exports).sort())
  })

  test('brings run-time dependencies of less than 15 MB', async () => {
    const sizes = await dependencyClosure(Object.keys(packed.manifest.dependencies ?? {}), root)
    expect([...sizes.keys()]).toContain(join(root, 'node_modules/rhea-promise'))
    const sizeInBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0)
    expect(sizeInBytes).toBeLessThan(15_000_000)
  })
})

describe('installed, without any optional peer', () => {
  const load = (source: string, ...flags: string[]) =>
    run(process.execPath, [...flags, '--input-type=module', '--eval', source], { cwd: packed.consumer })
  const names = (loaded: string) =>
    `Object.keys(${loaded}).filter((name) => !/^(__esModule|module.exports)$/.test(name))`

  test('import() and require() of every entry give the same exports and no warning', async () => {
    const { stdout, stderr } = await load(`
      import { createRequire } from 'node:module'
      const require = createRequire(process.cwd() + '/file.js')
      for (const entry of ${JSON.stringify(entries())}) {
        console.log(JSON.stringify({ entry, names: ${names('await import(entry)')}.sort() }))
      }`)
    const required = await load(`
      import { createRequire } from 'node:module'
      const require = createRequire(process.cwd() + '/file.js')
      for (const entry of ${JSON.stringify(entries())}) {
        console.log(JSON.stringify({ entry, names: ${names('require(entry)')}.sort() }))
      }
      if (require('eventhub-sluice/package.json').name !== 'eventhub-sluice') throw new Error('package.json')`)
    expect(required.stdout).toBe(stdout)
    expect(stderr + required.stderr).toBe('')
    const loaded: { names: string[] }[] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(loaded).toHaveLength(entries().length)
    expect(loaded.filter((entry) => entry.names.length === 0)).toEqual([])
  })

  test.each(['workerd', 'edge-light', 'browser'])(
    '%s: the edge entries load, with the exports of the main one',
    async (condition) => {
      const source = `console.log(${names("await import('eventhub-sluice')")}.sort().join())`
      const edge = await load(source, `--conditions=${condition}`)
      expect(edge.stdout).toContain('EventHubProducerClient')
      expect(edge.stdout).toBe((await load(source)).stdout)
      // What needs sockets is not in them.
      const withTls = `
        import { EventHubProducerClient } from 'eventhub-sluice'
        new EventHubProducerClient('ns.example.net', 'hub', { name: 'n', key: 'k' }, { tls: {} })`
      await expect(load(withTls, `--conditions=${condition}`)).rejects.toThrow('tls is not available in this runtime')
      await load(withTls)
    },
  )

  /** After gzip: about 3 % over what they are, so that they do not grow unnoticed. */
  const largestEdgeSizes: Readonly<Record<string, number>> = {
    'eventhub-sluice': 23_900,
    // All of it: each way to authenticate, webhooks, idempotency, OpenAPI. What a Worker has of it: bundle.test.ts.
    'eventhub-sluice/fetch': 46_200,
    'eventhub-sluice/https': 6_800,
  }

  test.each(['workerd', 'edge-light', 'browser'])('%s: bundles without any node: import or rhea', async (condition) => {
    for (const entry of ['eventhub-sluice', 'eventhub-sluice/fetch', 'eventhub-sluice/https']) {
      const { metafile, outputFiles } = await build({
        stdin: { contents: `export * from '${entry}'`, resolveDir: packed.consumer },
        bundle: true,
        minify: true,
        write: false,
        metafile: true,
        format: 'esm',
        platform: 'neutral',
        target: 'es2022',
        conditions: [condition],
        external: ['node:*', ...builtinModules],
        logLevel: 'silent',
      })
      const external = Object.values(metafile.outputs).flatMap((output) => output.imports.filter((one) => one.external))
      expect([entry, external.map((one) => one.path)]).toEqual([entry, []])
      expect(Object.keys(metafile.inputs).filter((input) => /node_modules\/(?!eventhub-sluice)/.test(input))).toEqual(
        [],
      )
      const [bundle] = outputFiles
      if (bundle === undefined) throw new Error('esbuild wrote nothing')
      const size = gzipSync(bundle.contents, { level: 9 }).byteLength
      console.log(`${entry} for ${condition}: ${size} bytes after gzip`)
      expect(size, entry).toBeLessThan(largestEdgeSizes[entry] ?? 0)
    }
  })
})

describe('the command line, installed', () => {
  const names = ['sluice', 'eventhub-sluice']
  const programOf = (name: string) => join(packed.consumer, 'node_modules/.bin', name)

  // As npm does: a link to the file that `bin` names, which must be executable as it is in the tarball.
  beforeAll(async () => {
    await mkdir(join(packed.consumer, 'node_modules/.bin'), { recursive: true })
    const { bin } = packed.manifest as { bin?: Record<string, string> }
    for (const name of names) await symlink(join(packed.installed, bin?.[name] ?? ''), programOf(name))
  })

  test.each(names)('%s runs, without any package but the dependencies', async (name) => {
    const { stdout, stderr } = await run(programOf(name), ['--version'])
    expect([stdout, stderr]).toEqual([`${packed.manifest.version}\n`, ''])
    expect((await run(programOf(name), ['hub', '--help'])).stdout).toContain('Usage: sluice hub')
  })

  test('has the licences of what it contains beside it', async () => {
    const licences = await readFile(join(packed.installed, 'dist/infra/cli/LICENSES.txt'), 'utf8')
    const program = await readFile(join(packed.installed, 'dist/infra/cli/sluice.js'), 'utf8')
    const contained = [...program.matchAll(/^\s*\/\/ (?:.*\/)?node_modules\/([^/]+)\//gm)].map(([, name]) => name ?? '')
    expect(contained).toContain('commander')
    for (const name of new Set(contained)) expect(licences).toMatch(new RegExp(`^${name} [\\d.]+ \\(MIT\\)$`, 'm'))
    expect(licences).toContain('Permission is hereby granted')
  })

  test('starts a hub with its page, sends a file to it, and ends when it is told to', async () => {
    const child = spawn(programOf('sluice'), ['hub', '--port', '0', '--http-port', '0', '--json'])
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const { eventHubs, page } = JSON.parse(String(line))
    expect(eventHubs).toHaveLength(1)
    const shown = await fetch(page)
    expect([shown.status, await shown.text()]).toEqual([200, expect.stringContaining('<script')])
    const file = join(packed.consumer, 'orders.csv')
    await writeFile(file, 'id,customer\n1,a\n2,"b"\n')
    const env = { ...process.env, EVENTHUB_CONNECTION_STRING: eventHubs[0].connectionString }
    const sent = await run(programOf('eventhub-sluice'), ['send', file, '--key', 'customer'], { env })
    expect([sent.stdout, sent.stderr]).toEqual([expect.stringContaining('Sent 2 records of '), ''])
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  })
})

describe('bundled for Node', () => {
  test('the main entry stays small, and loads neither ws, @azure/identity nor http before they are needed', async () => {
    const { metafile, outputFiles } = await build({
      stdin: { contents: "export * from 'eventhub-sluice'", resolveDir: packed.consumer },
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      external: ['ws', '@azure/identity'],
      logLevel: 'silent',
    })
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports)
    const atOnce = imports.filter(({ kind }) => kind !== 'dynamic-import').map(({ path }) => path)
    expect(atOnce).toContain('tls')
    expect(atOnce.filter((path) => /^(node:)?https?$|^ws$|^@azure/.test(path))).toEqual([])
    const size = outputFiles[0]?.contents.byteLength ?? 0
    const packages = Object.values(metafile.outputs)
      .flatMap(({ inputs }) => Object.entries(inputs))
      .filter(([path]) => !path.includes('eventhub-sluice/'))
      .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0)
    console.log(`eventhub-sluice for Node: ${size} bytes, ${packages} of them rhea, rhea-promise and what these need`)
    expect(size - packages).toBeLessThan(124_500)
  })
})

describe('type-checked by a consumer that checks declaration files too', () => {
  async function typeCheck(name: string, project: object, sources: Readonly<Record<string, string>>): Promise<string> {
    const folder = join(packed.consumer, name)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ ...project, files: Object.keys(sources) }))
    for (const [file, source] of Object.entries(sources)) await writeFile(join(folder, file), source)
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    return run(process.execPath, [tsc, '-p', folder, '--pretty', 'false']).then(
      ({ stdout }) => stdout,
      (error: { stdout?: string }) => error.stdout || String(error),
    )
  }

  beforeAll(() => linkPackages(['@types/node', '@azure/functions'], packed.consumer))

  test('module nodenext, from ESM and from CommonJS', async () => {
    const sources = { 'esm.mts': everyEntry, 'commonjs.cts': everyEntry, 'functions.mts': functionsEntry }
    expect(await typeCheck('nodenext', nodeProject, sources)).toBe('')
  })

  test('moduleResolution bundler', async () => {
    const sources = { 'app.ts': everyEntry, 'functions.ts': functionsEntry }
    expect(await typeCheck('bundler', bundlerProject, sources)).toBe('')
  })

  test('a Worker, without the types of Node', async () => {
    expect(await typeCheck('worker', workerProject, { 'worker.ts': edgeEntries })).toBe('')
  })
})
