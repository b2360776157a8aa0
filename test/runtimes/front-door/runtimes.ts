import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'

const require = createRequire(import.meta.url)
const repository = fileURLToPath(new URL('../../../', import.meta.url))

export const runtimeNames = ['node', 'workerd', 'deno', 'bun'] as const
export type RuntimeName = (typeof runtimeNames)[number]

/** A runtime that answers HTTP on loopback, in a process of its own. */
export interface Running {
  readonly url: string
  readonly process: ChildProcess
  /** What it has written so far. */
  readonly output: string
  stop(): Promise<void>
}

export interface StartOptions {
  /** Source file within the repository. */
  readonly entry: string
  /** For the bundle. It must exist. */
  readonly folder: string
  /** What is set in the runtime's environment, or a Worker's bindings. */
  readonly env: Readonly<Record<string, string>>
  /** Of a Worker. Default: a date of this year. */
  readonly compatibilityDate?: string
}

/** Bundles the entry as one would deploy it there, and starts it. */
export async function start(name: RuntimeName, options: StartOptions): Promise<Running> {
  const bundle = join(options.folder, `${name}.mjs`)
  await build({
    ...(name === 'workerd' ? forWorkers : forServer(name)),
    absWorkingDir: repository,
    entryPoints: [options.entry],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    logLevel: 'silent',
  })
  return name === 'workerd' ? startWorkerd(bundle, options) : startServer(name, bundle, options)
}

/** As Wrangler does. */
const forWorkers: BuildOptions = {
  platform: 'neutral',
  conditions: ['sluice-source', 'workerd', 'worker', 'browser'],
  mainFields: ['module', 'main'],
}

/** As README.md says. */
const forServer = (name: RuntimeName): BuildOptions => ({
  platform: 'node',
  conditions: ['sluice-source', name],
  external: ['ws', '@azure/identity'],
  // rhea is CommonJS and asks for Node's modules.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
})

const commands = {
  node: (bundle: string) => [process.execPath, bundle],
  deno: (bundle: string) => [
    binary(`@deno/${process.platform}-${process.arch}${process.platform === 'linux' ? '-glibc' : ''}`, 'deno'),
    'run',
    '--quiet',
    '--no-config',
    '--no-remote',
    '--allow-net=127.0.0.1',
    '--allow-env',
    // AMQP tells the service the system's name and version.
    '--allow-sys=osRelease',
    bundle,
  ],
  bun: (bundle: string) => [
    binary(`@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`, 'bin/bun'),
    bundle,
  ],
}

/** The packages of these runtimes bring the executables themselves: nothing is downloaded at installation. */
function binary(packageName: string, path: string): string {
  return join(dirname(require.resolve(`${packageName}/package.json`)), path)
}

async function startServer(
  name: Exclude<RuntimeName, 'workerd'>,
  bundle: string,
  { env }: StartOptions,
): Promise<Running> {
  const [command = '', ...args] = commands[name](bundle)
  const child = spawn(command, args, { env: { HOME: dirname(bundle), ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  return running(child, /[Ll]isten(?:s|ing) on (http:\/\/[\w.:[\]]+\w)/, child.stdout, (match) => match[1] ?? '')
}

async function startWorkerd(bundle: string, options: StartOptions): Promise<Running> {
  const config = `${bundle}.capnp`
  writeFileSync(config, workerdConfig(bundle, options))
  // The control channel says which port the system gave.
  const child = spawn(
    binary(`@cloudflare/workerd-${process.platform}-${process.arch === 'x64' ? '64' : process.arch}`, 'bin/workerd'),
    ['serve', '--control-fd=3', config],
    { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env: {} },
  )
  return running(child, /"socket":"http","port":(\d+)/, child.stdio[3] as Readable, (match) => {
    return `http://127.0.0.1:${match[1]}`
  })
}

function workerdConfig(bundle: string, { env, compatibilityDate = '2026-06-01' }: StartOptions): string {
  const bindings = Object.entries(env).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`)
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    # The local hub is on loopback, which is not public.
    (name = "internet", network = (allow = ["private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "main", esModule = embed ${JSON.stringify(bundle.slice(bundle.lastIndexOf('/') + 1))})],
  compatibilityDate = "${compatibilityDate}",
  bindings = [${bindings.join(', ')}],
);
`
}

async function running(
  child: ChildProcess,
  pattern: RegExp,
  where: Readable,
  urlOf: (match: RegExpExecArray) => string,
): Promise<Running> {
  let output = ''
  const url = await new Promise<string>((resolve, reject) => {
    let said = ''
    const read = (data: Buffer) => {
      output += data
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    where.on('data', (data: Buffer) => {
      said += data
      const match = pattern.exec(said)
      if (match) resolve(urlOf(match))
    })
    child.once('error', reject)
    child.once('close', (code) => reject(new Error(`It ended with ${code} before it listened: ${output}`)))
  })
  return {
    url,
    process: child,
    get output() {
      return output
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'close')
      child.kill('SIGKILL')
      await ended
    },
  }
}
