import { once } from 'node:events'
import { constants, openSync } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { CliError, usageError } from '../cli-error.js'
import type { FileIdentity } from './ledger-format.js'
import type { Position } from './position.js'
import { type ReadBefore, seek, skip, startingWith } from './sent-part.js'

const chunkSizeInBytes = 128 * 1024
/** So little that what it unpacks to, a thousand times as much at most, fits in memory. */
const packedPieceInBytes = 16 * 1024
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

/**
 * Opens a file where an earlier run has left off. It seeks there if the file was not touched since; otherwise it reads what
 * was sent, to see that it is still the same. What is compressed is always read.
 *
 * @throws CliError `usage` when what was sent has changed
 */
export async function openFile(path: string, before: ReadBefore | undefined): Promise<Input> {
  if ((await stat(path)).isFIFO()) return await openFifo(path, before)
  const handle = await open(path, 'r')
  try {
    const found = await handle.stat()
    if (found.isDirectory()) throw usageError(`'${path}' is a folder. Name a file, or - for standard input.`)
    if (!found.isFile()) {
      const stream = handle.createReadStream({ autoClose: false, highWaterMark: chunkSizeInBytes })
      return await openStream(stream, path, before, () => handle.close())
    }
    const file = { size: found.size, modifiedInMs: found.mtimeMs, inode: found.ino }
    if (await isGzip(handle)) return await openGzip(handle, path, file, before)
    const from = await seek(handle, path, file, before)
    return plainFile(handle, path, file, from)
  } catch (error) {
    await handle.close()
    throw error
  }
}

/**
 * Read as a socket is: opened and read as a file is, a FIFO that nobody writes to holds a thread, and a process cannot end
 * before its threads.
 */
async function openFifo(path: string, before: ReadBefore | undefined): Promise<Input> {
  const { O_RDONLY, O_NONBLOCK } = constants
  const fd = openSync(path, O_RDONLY | O_NONBLOCK)
  return await openStream(new Socket({ fd, readable: true, writable: false }), path, before)
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
  const { from, chunks } = await skip(isCompressed ? gunzipped(whole, name) : whole, name, before)
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

function plainFile(handle: FileHandle, path: string, file: FileIdentity, from: Position): Input {
  const stream = handle.createReadStream({
    start: from.offset,
    autoClose: false,
    highWaterMark: chunkSizeInBytes,
  })
  const bytesRead = () => from.offset + stream.bytesRead
  return {
    from,
    chunks: untilItsEnd(stream, bytesRead, handle, path),
    file,
    isGzip: false,
    fileBytesRead: bytesRead,
    stop: () => stream.destroy(),
    async close() {
      stream.destroy()
      await handle.close()
    },
  }
}

/** A log that is cut to nothing while it is read ends anywhere, perhaps within a line, and what it then holds is never read. */
async function* untilItsEnd(
  stream: AsyncIterable<Buffer>,
  bytesRead: () => number,
  handle: FileHandle,
  path: string,
): AsyncGenerator<Buffer, void> {
  yield* stream
  const { size } = await handle.stat()
  if (size >= bytesRead()) return
  throw new CliError(
    `'${path}' has become shorter while it was read: it has ${size} bytes, and ${bytesRead()} were read. What was cut off in between is in no event. Once nothing shortens it, add --restart to send what it holds now.`,
  )
}

async function openGzip(
  handle: FileHandle,
  path: string,
  file: FileIdentity,
  before: ReadBefore | undefined,
): Promise<Input> {
  const stream = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: chunkSizeInBytes })
  const { from, chunks } = await skip(gunzipped(stream, path), path, before)
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

/**
 * Unpacks piece by piece: a stream that fails throws away what it has unpacked and not yet handed on, and of a file that is
 * cut off that is the end of what is whole.
 */
async function* gunzipped(source: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer, void> {
  const gunzip = createGunzip({ chunkSize: chunkSizeInBytes })
  const unpacked: Buffer[] = []
  gunzip.on('data', (chunk: Buffer) => unpacked.push(chunk))
  const failed = once(gunzip, 'error').then(([error]: unknown[]) => ({ error }))
  const ended = once(gunzip, 'end').then(() => undefined)
  // What the other promise has told.
  ended.catch(() => {})
  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; at += packedPieceInBytes) {
        const piece = chunk.subarray(at, at + packedPieceInBytes)
        const written = new Promise<undefined>((resolve) => gunzip.write(piece, () => resolve(undefined)))
        const failure = await Promise.race([failed, written])
        yield* unpacked.splice(0)
        if (failure) throw damaged(name, failure.error)
      }
    }
    gunzip.end()
    const failure = await Promise.race([failed, ended])
    yield* unpacked.splice(0)
    if (failure) throw damaged(name, failure.error)
  } finally {
    gunzip.destroy()
  }
}

function damaged(name: string, cause: unknown): CliError {
  return new CliError(
    `'${name}' is damaged or cut off: its gzip data cannot be unpacked beyond this point. What came before was read.`,
    undefined,
    cause,
  )
}
