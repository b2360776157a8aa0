import { chunksOf, decodeUtf8, GatheredBytes, isBlank } from './body.js'
import type { ContentReader, IncomingItem, ReadInput } from './incoming.js'
import { ProblemError } from './problem.js'

/**
 * `application/x-ndjson`: every line that is not blank is one event, handed on while the upload goes on. A
 * malformed line is an invalid item and no more: lines do not depend on each other, and those before it
 * may be in the event hub already.
 */
export const readNdjson: ContentReader = async function* (input) {
  let line = 0
  let events = 0
  for await (const bytes of linesOf(input)) {
    line += 1
    const text = decodeUtf8(bytes)
    if (text !== undefined && isBlank(text)) continue
    if (events === input.maxEventsPerRequest) {
      throw new ProblemError(
        'too-many-events',
        `A request may have ${input.maxEventsPerRequest} events. Line ${line} and what follows were not read: send them in another request.`,
      )
    }
    events += 1
    yield parseLine(text, line)
  }
}

function parseLine(text: string | undefined, line: number): IncomingItem {
  if (text === undefined) return { invalid: `Line ${line} is not valid UTF-8.` }
  try {
    const value: unknown = JSON.parse(text)
    return { incoming: { kind: 'json', value }, event: { body: text.trim() } }
  } catch {
    return { invalid: `Line ${line} is not valid JSON.` }
  }
}

const lineFeed = 0x0a

/** Lines as bytes, without their line feed. Held back is one unfinished line, which the body's limit bounds. */
async function* linesOf({ body, signal }: ReadInput): AsyncGenerator<Uint8Array> {
  const unfinished = new GatheredBytes()
  for await (const chunk of chunksOf(body, signal)) {
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      unfinished.add(chunk.subarray(start, end))
      yield unfinished.take()
      start = end + 1
    }
    if (start < chunk.byteLength) unfinished.add(chunk.subarray(start))
  }
  const rest = unfinished.take()
  if (rest.byteLength > 0) yield rest
}
