import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalHub, LocalHubEvent, LocalHubOptions } from '../../../infra/local-hub/index.js'
import { startLocalHub } from '../../../infra/local-hub/index.js'
import { type InProcessOptions, type RunningCommand, run, start } from '../in-process.js'

/** A hub, a folder for files, and `sluice send` between them. */
export interface Workbench {
  readonly hub: LocalHub
  readonly folder: string
  path(name: string): string
  write(name: string, content: string | Uint8Array): Promise<string>
  /** The lines of an NDJSON file, parsed. */
  readLines(name: string): Promise<unknown[]>
  /** `sluice send` with these arguments, to its end. */
  send(...args: readonly (string | InProcessOptions)[]): Promise<{ code: number; out: string; error: string }>
  startSend(...args: readonly (string | InProcessOptions)[]): RunningCommand
  /** What is in the hub, by time of arrival within each partition. */
  events(): LocalHubEvent[]
  bodies(): string[]
  remove(): Promise<void>
}

export async function startWorkbench(options: LocalHubOptions = {}): Promise<Workbench> {
  const hub = await startLocalHub({ eventHubs: { events: { partitionCount: 2 } }, ...options })
  const folder = await mkdtemp(join(tmpdir(), 'sluice-send-'))
  const path = (name: string) => join(folder, name)
  const split = (args: readonly (string | InProcessOptions)[]): [string[], InProcessOptions] => {
    const given = args.filter((arg) => typeof arg === 'object')
    const env = { EVENTHUB_CONNECTION_STRING: hub.connectionString }
    return [['send', ...args.filter((arg) => typeof arg === 'string')], Object.assign({ env }, ...given)]
  }
  const events = () => hub.events('events')
  return {
    hub,
    folder,
    path,
    async write(name, content) {
      await writeFile(path(name), content)
      return path(name)
    },
    readLines: async (name) => parseLines(await readFile(path(name), 'utf8')),
    send: (...args) => run(...split(args)),
    startSend: (...args) => start(...split(args)),
    events,
    bodies: () => events().map(({ body }) => body.toString()),
    async remove() {
      await hub.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export function parseLines(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}
