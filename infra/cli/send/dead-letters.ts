import { isUtf8 } from 'node:buffer'
import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import type { Refusal } from './format.js'
import type { RawRecord } from './splitter.js'

/** A record that was refused, and why. */
export interface DeadLetter {
  readonly raw: RawRecord
  readonly refusal: Refusal
}

/** The file of what was refused: NDJSON, added to by each run, readable by its owner alone. Made with the first line. */
export class DeadLetterFile {
  readonly path: string
  #fd: number | undefined
  #isSynced = true
  #count = 0

  constructor(path: string) {
    this.path = path
  }

  /** How many this run has written. */
  get count(): number {
    return this.#count
  }

  /** Handed to the system when this returns. Throws what the system says. */
  write(letters: readonly DeadLetter[]): void {
    if (letters.length === 0) return
    this.#fd ??= openAfterWholeLine(this.path)
    this.#isSynced = false
    try {
      for (const letter of letters) {
        writeAll(this.#fd, `${JSON.stringify(asJson(letter))}\n`)
        this.#count++
      }
    } catch (error) {
      // Opened anew, it ends what was left unfinished.
      this.#close(this.#fd)
      throw error
    }
  }

  /** Returns when what was written outlives a power cut. */
  sync(): void {
    if (this.#fd === undefined || this.#isSynced) return
    try {
      fdatasyncSync(this.#fd)
    } catch (error) {
      // A pipe or a terminal keeps nothing.
      if (!cannotSync.has(String((error as NodeJS.ErrnoException).code))) throw error
    }
    this.#isSynced = true
  }

  close(): void {
    const fd = this.#fd
    if (fd === undefined) return
    try {
      this.sync()
    } finally {
      this.#close(fd)
    }
  }

  #close(fd: number): void {
    this.#fd = undefined
    closeSync(fd)
  }
}

/** What systems say of files that have nothing to do with a disk. */
const cannotSync: ReadonlySet<string> = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EROFS'])

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
}

/** A line that a killed run left unfinished is ended, so that it spoils no other. */
function openAfterWholeLine(path: string): number {
  // Events may be secret; the mode only matters where the file is new.
  const fd = openSync(path, 'a+', 0o600)
  const { size } = fstatSync(fd)
  const last = Buffer.alloc(1)
  if (size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a) writeSync(fd, '\n')
  return fd
}

function asJson({ raw: { number, bytes, sizeInBytes }, refusal: { code, reason } }: DeadLetter): object {
  const content = isUtf8(bytes) ? { data: bytes.toString() } : { dataBase64: bytes.toString('base64') }
  const cut = sizeInBytes > bytes.length ? { truncated: true } : {}
  return { record: number, code, reason, sizeInBytes, ...cut, ...content }
}
