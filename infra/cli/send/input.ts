import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { crc32, createGunzip } from 'node:zlib'
import { CliError, usageError } from '../cli-error.js'
import type { FileIdentity, LedgerState } from './ledger-format.js'
import { type Position, start } from './position.js'

const chunkSizeInBytes = 128 * 1024
const gzipMagic = Buffer.from([0x1f, 0x8b])

/** The bytes of the input from `from` on; what lies before it is known to be what was sent. */
export interface Input {
  readonly from: Position
  readonly chunks: AsyncIterable<Buffer>
  /** Of a regular file: how it was found. Undefined: a pipe. */
  readonly file: FileIdentity | undefined
  readonly isGzip: boolean
  /** Bytes of the file itself read so far, counted from its start. */
  fileBytesRead(): number
  /** Ends the reading at once; `chunks` then rejects or ends. */
  stop(): void
  close(): Promise<void>
}

/** What an earlier run knows of the input. */
export type ReadBefore = Pick<LedgerState, 'position' | 'file'>

/**
 * Opens a file where an earlier run has left off. It seeks there if the file was not touched since; otherwise it reads what
 * was sent, to see that it is still the same. What is compressed is always read.
 *
 * @throws CliError `usage` when what was sent has changed
 */
export async function openFile(path: string, before: ReadBefore | undefined): Promise<Input> {
  const handle = await open(path, 'r')
  try {
    const stat = await handle.stat()
    if (stat.isDirectory()) throw usageError(`'${path}' is a folder. Name a file, or - for standard input.`)
    if (!stat.isFile()) {
      const stream = handle.createReadStream({ autoClose: false, highWaterMark: chunkSizeInBytes })
      return await openStream(stream, path, before, () => handle.close())
    }
    const file = { size: stat.size, modifiedInMs: stat.mtimeMs, inode: stat.ino }
    if (await isGzip(handle)) return await openGzip(handle, path, file, before)
    const from = await seek(handle, path, file, before)
    return plainFile(handle, file, from)
  } catch (error) {
    await handle.close()
    throw error
  }
}

/**
 * Takes a stream that can be read once. An earlier run's part of it must come again: it is read and compared.
 *
 * @throws CliError `usage` when what was sent has changed
 */
export async function openStream(
  stream: Readable,
  name: string,
  before: ReadBefore | undefined,
  close: () => Promise<void> = async () => {},
): Promise<Input> {
  let bytesRead = 0
  const source = (async function* counted() {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytesRead += chunk.length
      yield chunk
    }
  })()
  const first: Buffer[] = []
  for (let size = 0; size < gzipMagic.length; ) {
    const next = await source.next()
    if (next.done) break
    first.push(next.value)
    size += next.value.length
  }
  const head = Buffer.concat(first)
  const whole = startingWith(head, source)
  const isCompressed = head.subarray(0, gzipMagic.length).equals(gzipMagic)
  const { from, chunks } = await skip(isCompressed ? gunzipped(whole, name) : whole, name, before?.position)
  return {
    from,
    chunks,
    file: undefined,
    isGzip: isCompressed,
    fileBytesRead: () => bytesRead,
    stop: () => stream.destroy(),
    async close() {
      stream.destroy()
      await close()
    },
  }
}

function plainFile(handle: FileHandle, file: FileIdentity, from: Position): Input {
  const stream = handle.createReadStream({
    start: from.offset,
    autoClose: false,
    highWaterMark: chunkSizeInBytes,
  })
  return {
    from,
    chunks: stream,
    file,
    isGzip: false,
    fileBytesRead: () => from.offset + stream.bytesRead,
    stop: () => stream.destroy(),
    async close() {
      stream.destroy()
      await handle.close()
    },
  }
}

async function openGzip(
  handle: FileHandle,
  path: string,
  file: FileIdentity,
  before: ReadBefore | undefined,
): Promise<Input> {
  const stream = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: chunkSizeInBytes })
  const { from, chunks } = await skip(gunzipped(stream, path), path, before?.position)
  return {
    from,
    chunks,
    file,
    isGzip: true,
    fileBytesRead: () => stream.bytesRead,
    stop: () => stream.destroy(),
    async close() {
      stream.destroy()
      await handle.close()
    },
  }
}

async function isGzip(handle: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(gzipMagic.length), 0, gzipMagic.length, 0)
  return bytesRead === gzipMagic.length && buffer.equals(gzipMagic)
}

/** Where to go on in a file that can be read from anywhere. */
async function seek(
  handle: FileHandle,
  path: string,
  file: FileIdentity,
  before: ReadBefore | undefined,
): Promise<Position> {
  if (before === undefined || before.position.offset === 0) return start
  const { position } = before
  if (position.offset > file.size) throw changed(path, `it has ${file.size} bytes, and ${position.offset} were sent`)
  if (!isSame(file, before.file)) {
    let checksum = 0
    const stream = handle.createReadStream({ start: 0, end: position.offset - 1, autoClose: false })
    for await (const chunk of stream as AsyncIterable<Buffer>) checksum = crc32(chunk, checksum)
    if (checksum !== position.checksum) throw changed(path, 'its beginning is not what was sent')
  }
  if (!position.isOpen) return position
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, position.offset)
  return pastNewline(buffer.subarray(0, bytesRead), position, path)
}

function isSame(now: FileIdentity, then: FileIdentity | undefined): boolean {
  return (
    then !== undefined && now.size === then.size && now.modifiedInMs === then.modifiedInMs && now.inode === then.inode
  )
}

/** Reads over what was sent. */
async function skip(
  chunks: AsyncIterable<Buffer>,
  name: string,
  position: Position | undefined,
): Promise<{ readonly from: Position; readonly chunks: AsyncIterable<Buffer> }> {
  if (position === undefined || position.offset === 0) return { from: start, chunks }
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
  if (checksum !== position.checksum) throw changed(name, 'its beginning is not what was sent')
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
  const length = next[0] === 0x0a ? 1 : next[0] === 0x0d && next[1] === 0x0a ? 2 : 0
  if (length === 0) {
    throw changed(name, 'its last record, which had no newline and was sent, has grown; only whole lines may be added')
  }
  const checksum = crc32(next.subarray(0, length), position.checksum)
  return { records: position.records, offset: position.offset + length, checksum, isOpen: false }
}

async function* startingWith(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  if (head.length > 0) yield head
  yield* rest
}

async function* gunzipped(source: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer, void> {
  const compressed = Readable.from(source)
  const gunzip = createGunzip({ chunkSize: chunkSizeInBytes })
  compressed.on('error', (error) => gunzip.destroy(error))
  try {
    for await (const chunk of compressed.pipe(gunzip) as AsyncIterable<Buffer>) yield chunk
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith('Z_')) throw error
    throw new CliError(
      `'${name}' is damaged: its gzip data cannot be unpacked beyond this point. What came before was read.`,
      undefined,
      error,
    )
  } finally {
    compressed.destroy()
  }
}

function changed(name: string, how: string): CliError {
  return usageError(
    `'${name}' has changed since the earlier run: ${how}. Restore it, or add --restart to send all of it again.`,
  )
}
