import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { CliError, usageError } from '../cli-error.js'
import { exitCodes } from '../exit-codes.js'

interface Holder {
  readonly pid: number
  readonly host: string
  /** Tells a process from a later one of the same id; undefined where the system does not say. */
  readonly startedAt: string | undefined
}

/**
 * Takes the lock of a ledger: a file that names the process. One that a dead process left is taken over.
 * Returns what gives it back.
 *
 * @throws CliError when a process that lives, or may live, has it
 */
export function takeLock(path: string): () => void {
  // Of no other process: in containers that share a disk, many have the same id.
  const own = `${path}.${randomUUID()}`
  const text = JSON.stringify({ pid: process.pid, host: hostname(), startedAt: startOf(process.pid) } satisfies Holder)
  write(own, text)
  try {
    // A link appears with its content, and fails where there is one already: nobody sees half a lock.
    for (let tries = 0; !linked(own, path); tries++) {
      const found = read(path)
      if (found === undefined) continue
      if (tries > 10 || mayLive(found)) throw refusal(path, found)
      putAside(path, own, found)
    }
  } finally {
    unlinkSync(own)
  }
  let isHeld = true
  return () => {
    if (isHeld && read(path)?.text === text) unlinkSync(path)
    isHeld = false
  }
}

function linked(own: string, path: string): boolean {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (code === undefined || !withoutLinks.has(code)) throw error
    return copied(own, path)
  }
}

/** What file systems without hard links say. */
const withoutLinks: ReadonlySet<string> = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'])

/** As good, but for the instant in which the copy is empty: whoever looks then, leaves it alone. */
function copied(own: string, path: string): boolean {
  try {
    writeFileSync(path, readFileSync(own), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function write(own: string, text: string): void {
  try {
    writeFileSync(own, text, { mode: 0o600 })
  } catch (error) {
    throw new CliError(
      `The ledger cannot be written in '${dirname(own)}' (${(error as NodeJS.ErrnoException).code}). Name another place with --ledger PATH, or send without one: --no-ledger.`,
      exitCodes.failed,
      error,
    )
  }
}

/** Of several processes that find the same dead lock, one moves it; whoever moves a live one by that gives it back. */
function putAside(path: string, own: string, found: Found): void {
  const aside = `${own}.stale`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (read(aside)?.text !== found.text) linked(aside, path)
  unlinkSync(aside)
}

interface Found {
  readonly text: string
  readonly holder: Holder | undefined
}

function read(path: string): Found | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const holder = JSON.parse(text) as Holder
    return { text, holder: typeof holder.pid === 'number' ? holder : undefined }
  } catch {
    return { text, holder: undefined }
  }
}

function mayLive({ holder }: Found): boolean {
  // Not ours, or from another machine: nobody can say, so the person has to.
  if (holder === undefined || holder.host !== hostname()) return true
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  // In a container that was started again, the same id is soon somebody else; it may even be ours.
  const startedAt = startOf(holder.pid)
  if (startedAt !== undefined && holder.startedAt !== undefined) return startedAt === holder.startedAt
  return holder.pid !== process.pid
}

/** Field 22 of /proc/PID/stat: when the process began. After the name, which may hold anything, in parentheses. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function refusal(path: string, { holder }: Found): Error {
  const who = holder === undefined ? 'Another process' : `Process ${holder.pid} on ${holder.host}`
  return usageError(
    `${who} is sending with this ledger. Wait until it has ended; if it certainly has, delete '${path}' and try again.`,
  )
}
