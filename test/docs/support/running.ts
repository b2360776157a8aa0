import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { build } from 'esbuild'
import { createFetchHandler } from '../../../adapters/fetch/index.js'
import { EventHubProducerClient } from '../../../core/client.js'
import { serve } from '../../../infra/entrypoints/node-server.js'
import { type LocalHub, type LocalHubEvent, startLocalHub } from '../../../infra/local-hub/index.js'
import { type Block, root } from './markdown.js'
import { entries, type Program } from './typescript.js'

/** As `npm start` has them, which is where pages say that their front door is. */
const documentedDoor = 'http://localhost:8080'
const frontDoorKey = 'local-front-door-key'

/** What a program said and how it ended. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A local hub for one block, so that no block sees another's events. */
export async function withHub<T>(use: (hub: LocalHub) => Promise<T>): Promise<T> {
  const hub = await startLocalHub({ eventHubs: { orders: { partitionCount: 4 } } })
  try {
    return await use(hub)
  } finally {
    await hub.close()
  }
}

/** Programs bundled with the library's sources, ready for `node`, until disposed. */
export async function bundlePrograms(
  files: Readonly<Record<string, { readonly path: string } | { readonly code: string }>>,
): Promise<{ path(name: string): string } & AsyncDisposable> {
  await mkdir(`${root}.cache`, { recursive: true })
  const folder = await mkdtemp(`${root}.cache/docs-run-`)
  const entryPoints: Record<string, string> = {}
  for (const [name, file] of Object.entries(files)) {
    entryPoints[name] = 'path' in file ? file.path : `${folder}/${name}.ts`
    if ('code' in file) await writeFile(`${folder}/${name}.ts`, file.code)
  }
  await build({
    entryPoints,
    outdir: `${folder}/out`,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    conditions: ['sluice-source'],
    alias: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, `${root}${file}`])),
    // Packages stay what users have: files of node_modules/.
    packages: 'external',
    logLevel: 'silent',
  })
  return {
    path: (name) => `${folder}/out/${name}.mjs`,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Runs a command to its end, with the hub in its environment. */
export function runProgram(
  command: string,
  args: readonly string[],
  hub: LocalHub,
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const env = {
    ...process.env,
    // Set by vitest; a user's program has neither.
    NODE_ENV: '',
    VITEST: '',
    EVENTHUB_CONNECTION_STRING: hub.connectionString,
    EVENTHUB_NAME: hub.eventHubNames[0] ?? '',
    ...environment,
  }
  return new Promise((resolve) => {
    execFile(command, args, { env, timeout: 20_000, cwd: root }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
  })
}

/** What a block did. */
export interface Run {
  /** What is wrong with it; undefined when nothing is. */
  readonly problem: string | undefined
  /** What is in the event hub afterwards. */
  readonly events: readonly LocalHubEvent[]
}

/** Runs a TypeScript block that has been bundled to `path`, against a hub of its own. */
export function runTypeScript({ block }: Program, path: string, expected: Block | undefined): Promise<Run> {
  return withHub(async (hub) => {
    const problem = unexpected(block, expected, await runProgram(process.execPath, [path], hub))
    return { problem, events: hub.events('orders') }
  })
}

/** Runs a block of shell against a front door as `npm start` has it; what is wrong with what it did. */
export function runShell(block: Block, expected: Block | undefined): Promise<string | undefined> {
  return withHub(async (hub) => {
    const client = EventHubProducerClient.fromConnectionString(hub.connectionString)
    const door = await serve(createFetchHandler({ client, auth: { bearer: frontDoorKey } }), { port: 0 })
    try {
      const code = `set -euo pipefail\n${block.code.replaceAll(documentedDoor, door.url)}`
      return unexpected(block, expected, await runProgram('bash', ['-c', code], hub))
    } finally {
      await door.close()
      await client.close()
    }
  })
}

function unexpected(block: Block, expected: Block | undefined, { code, stdout, stderr }: Outcome): string | undefined {
  const at = `${block.page}:${block.line}`
  if (code !== 0) return `${at}: this block ends with ${code}:\n${stderr}${stdout}`
  if (expected === undefined || isAsDocumented(expected.code, stdout)) return undefined
  return `${at}: this block prints\n${stdout}and not what line ${expected.line} says:\n${expected.code}`
}

/** Whether a text is what a page says; `…` in the page stands for anything within a line, alone in a line for any lines. */
export function isAsDocumented(documented: string, text: string): boolean {
  const literal = (part: string) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const lines = documented
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '…' ? '(?:.*\n)*?' : `${line.trimEnd().split('…').map(literal).join('.*')}\n`))
  const printed = text
    .trim()
    .split('\n')
    .map((line) => `${line.trimEnd()}\n`)
  return new RegExp(`^${lines.join('')}$`).test(printed.join(''))
}

/** The block of text right after a block, which says what it prints. */
export function outputOf(blocks: readonly Block[], block: Block): Block | undefined {
  const next = blocks[blocks.indexOf(block) + 1]
  return next?.language === 'text' ? next : undefined
}
