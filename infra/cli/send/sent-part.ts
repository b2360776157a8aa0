import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { type CliError, usageError } from '../cli-error.js'
import type { FileIdentity, LedgerState } from './ledger-format.js'
import { type Position, start } from './position.js'

/** What an earlier run knows of the input. */
export type ReadBefore = Pick<LedgerState, 'position' | 'reach' | 'file'>

/** Where to go on in a file that can be read from anywhere. */
export async function seek(
  handle: FileHandle,
  path: string,
  file: FileIdentity,
  before: ReadBefore | undefined,
): Promise<Position> {
  const { position = start, reach } = before ?? {}
  const last = reach ?? position
  if (last.offset > file.size) throw changed(path, `it has ${file.size} bytes, and ${last.offset} were sent`)
  if (!isSame(file, before?.file)) await assertSame(handle, path, reach ? [position, reach] : [position])
  if (reach?.isOpen && !goesOnWithNewline(await bytesAt(handle, reach.offset))) throw hasGrown(path)
  if (!position.isOpen) return position
  return pastNewline(await bytesAt(handle, position.offset), position, path)
}

/** Reads the file up to these places, and compares its checksum at each. */
async function assertSame(handle: FileHandle, path: string, places: readonly Position[]): Promise<void> {
  let [offset, checksum] = [0, 0]
  for (const place of places) {
    if (place.offset > offset) {
      const stream = handle.createReadStream({ start: offset, end: place.offset - 1, autoClose: false })
      for await (const chunk of stream as AsyncIterable<Buffer>) checksum = crc32(chunk, checksum)
    }
    if (checksum !== place.checksum) throw isAnother(path)
    offset = place.offset
  }
}

/** The next two, if there are so many. */
async function bytesAt(handle: FileHandle, offset: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, offset)
  return buffer.subarray(0, bytesRead)
}

function isSame(now: FileIdentity, then: FileIdentity | undefined): boolean {
  return (
    then !== undefined && now.size === then.size && now.modifiedInMs === then.modifiedInMs && now.inode === then.inode
  )
}

/** Reads over what was sent. */
export async function skip(
  input: AsyncIterable<Buffer>,
  name: string,
  before: ReadBefore | undefined,
): Promise<{ readonly from: Position; readonly chunks: AsyncIterable<Buffer> }> {
  const { position = start, reach } = before ?? {}
  const chunks = reach ? compared(input, reach, name) : input
  if (position.offset === 0) return { from: start, chunks }
  const iterator = chunks[Symbol.asyncIterator]()
  let checksum = 0
  let left = position.offset
  let rest: Buffer = Buffer.alloc(0)
  while (left > 0) {
    const next = await iterator.next()
    if (next.done) throw changed(name, `it has ${position.offset - left} bytes, and ${position.offset} were sent`)
    const part = next.value.subarray(0, left)
    checksum = crc32(part, checksum)
    left -= part.length
    rest = next.value.subarray(part.length)
  }
  if (checksum !== position.checksum) throw isAnother(name)
  const remaining = { [Symbol.asyncIterator]: () => iterator }
  if (!position.isOpen) return { from: position, chunks: startingWith(rest, remaining) }
  while (rest.length < 2) {
    const next = await iterator.next()
    if (next.done) break
    rest = Buffer.concat([rest, next.value])
  }
  const from = pastNewline(rest.subarray(0, 2), position, name)
  return { from, chunks: startingWith(rest.subarray(from.offset - position.offset), remaining) }
}

/** The last record had no newline: if the input has grown since, it has to go on with one. */
function pastNewline(next: Buffer, position: Position, name: string): Position {
  if (next.length === 0) return position
  if (!goesOnWithNewline(next)) throw hasGrown(name)
  const length = next[0] === 0x0a ? 1 : 2
  const checksum = crc32(next.subarray(0, length), position.checksum)
  return { records: position.records, offset: position.offset + length, checksum, isOpen: false }
}

function goesOnWithNewline(next: Buffer): boolean {
  return next.length === 0 || next[0] === 0x0a || (next[0] === 0x0d && next[1] === 0x0a)
}

/**
 * Throws as soon as the input turns out to be another one than that of which records up to there were sent. What comes
 * before that place is handed on by then, so nothing but the end is sure; the run then fails, which is better than to take
 * another file's records for those that were sent.
 */
async function* compared(chunks: AsyncIterable<Buffer>, reach: Position, name: string): AsyncGenerator<Buffer, void> {
  let [offset, checksum] = [0, 0]
  let isAtReach = false
  for await (const chunk of chunks) {
    let rest = chunk
    if (offset < reach.offset) {
      const part = chunk.subarray(0, reach.offset - offset)
      checksum = crc32(part, checksum)
      offset += part.length
      rest = chunk.subarray(part.length)
      isAtReach = offset === reach.offset
      if (isAtReach && checksum !== reach.checksum) throw isAnother(name)
    }
    if (isAtReach && rest.length > 0) {
      if (reach.isOpen && rest[0] !== 0x0a && rest[0] !== 0x0d) throw hasGrown(name)
      isAtReach = false
    }
    yield chunk
  }
  if (offset < reach.offset) throw changed(name, `it has ${offset} bytes, and ${reach.offset} were sent`)
}

function isAnother(name: string): CliError {
  return changed(name, 'its beginning is not what was sent')
}

function hasGrown(name: string): CliError {
  return changed(name, 'its last record, which had no newline and was sent, has grown; only whole lines may be added')
}

function changed(name: string, how: string): CliError {
  return usageError(
    `'${name}' has changed since the earlier run: ${how}. Restore it, or add --restart to send all of it again.`,
  )
}

export async function* startingWith(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  if (head.length > 0) yield head
  yield* rest
}
