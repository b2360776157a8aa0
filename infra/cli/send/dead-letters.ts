import { isUtf8 } from 'node:buffer'
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
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
    for (const letter of letters) {
      const bytes = Buffer.from(`${JSON.stringify(asJson(letter))}\n`)
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#fd, bytes, written)
      this.#count++
    }
  }

  close(): void {
    if (this.#fd === undefined) return
    fsyncSync(this.#fd)
    closeSync(this.#fd)
    this.#fd = undefined
  }
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
